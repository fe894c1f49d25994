# SPDX-License-Identifier: GPL-3.0-or-later
"""Version of this package."""

import functools
from importlib.metadata import version


@functools.cache
def package_version():
    """Version of this package: str. It is read from a file, and so kept."""
    return version("hyperspy-symseg")
