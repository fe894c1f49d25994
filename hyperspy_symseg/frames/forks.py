# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that are forked while another thread is inside a call.

Such a process has none of the other threads. What one of these has begun to import, it
can never import: that would wait for the thread. So a fork waits for imports.
"""

import contextlib
import functools
import importlib
import os
import pkgutil
import sys
import threading
from pathlib import Path

PACKAGE = "hyperspy_symseg"
# What else is imported by a call rather than with the package.
IMPORTED_LATE = ("sklearn.decomposition", "zarr")
NOT_OF_A_CALL = (f"{PACKAGE}.__main__", f"{PACKAGE}.command_line")


def register():
    """Let forks wait for what calls import."""
    if hasattr(os, "register_at_fork"):
        before_any_call = _own_modules()
        os.register_at_fork(before=lambda: _finish_imports(before_any_call))


def hold_over_forks(before, after_in_parent, after_in_child, missed_in_child=None):
    """Register what is done before and after a fork.

    A fork may import the module that registers it: then what is to be done before was
    missed, and `missed_in_child` takes the place of what is done after.

    Parameters
    ----------
    before, after_in_parent, after_in_child, missed_in_child : callable
    """
    if not hasattr(os, "register_at_fork"):
        return
    begun = []

    def begin():
        before()
        begun.append(True)

    def finish(done, missed):
        if begun:
            begun.pop()
            done()
        elif missed:
            missed()

    os.register_at_fork(
        before=begin,
        after_in_parent=lambda: finish(after_in_parent, None),
        after_in_child=lambda: finish(after_in_child, missed_in_child),
    )


def _own_modules():
    """Names of the modules of this package that are imported: set of str."""
    return {name for name in list(sys.modules) if name.startswith(f"{PACKAGE}.")}


def _finish_imports(before_any_call):
    """Import what another thread may be importing, which waits for it."""
    if threading.active_count() > 1 and _own_modules() - before_any_call:
        _import_all()


@functools.cache
def _import_all():
    """Import all that calls import."""
    own = pkgutil.walk_packages([str(Path(__file__).parent)], f"{PACKAGE}.")
    for name in (*(module.name for module in own), *IMPORTED_LATE):
        if not name.startswith(NOT_OF_A_CALL):
            # What is wrong with it, a call that needs it tells.
            with contextlib.suppress(ImportError):
                importlib.import_module(name)
