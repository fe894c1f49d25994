# SPDX-License-Identifier: GPL-3.0-or-later
"""Versions of this package and of what it runs on."""

from __future__ import annotations

import functools
import re
from importlib.metadata import PackageNotFoundError, requires, version

PACKAGE = "hyperspy-symseg"


@functools.cache
def package_version():
    """Version of this package: str. It is read from a file, and so kept."""
    return version(PACKAGE)


def show_versions() -> None:
    """Print the versions of this package, of Python and of all dependencies.

    A report of an error is complete with it. Optional dependencies that are not
    installed are left out.

    Examples
    --------
    >>> import hyperspy_symseg
    >>> hyperspy_symseg.show_versions()  # doctest: +ELLIPSIS
    hyperspy-symseg: ...
    Python: ...
    platform: ...
    ...
    """
    import platform

    found = {
        PACKAGE: package_version(),
        "Python": platform.python_version(),
        "platform": platform.platform(),
    }
    for requirement in requires(PACKAGE):
        name = re.match(r"[\w.-]+", requirement)[0]
        try:
            found.setdefault(name, version(name))
        except PackageNotFoundError:
            continue
    for name, number in found.items():
        print(f"{name}: {number}")
