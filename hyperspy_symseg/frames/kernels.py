# SPDX-License-Identifier: GPL-3.0-or-later
"""The compiled kernels, and what to do where there are none."""

import importlib
import importlib.util
import logging
from pathlib import Path

_logger = logging.getLogger(__name__)

PACKAGE = Path(__file__).parents[1]


def compiled(name):
    """Compiled kernel of this package.

    Parameters
    ----------
    name : str

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is missing; the message says what to do.
    """
    try:
        return importlib.import_module(f"hyperspy_symseg.{name}")
    except ImportError as error:
        raise ImportError(
            _unbuilt_source()
            or f"The compiled kernel hyperspy_symseg.{name} is missing or does not fit "
            "this Python; install hyperspy-symseg again."
        ) from error


def warn_if_unbuilt():
    """Say in the log what to do if this is the source folder, without kernels.

    That is no error: files have to load all the same.
    """
    if advice := _unbuilt_source():
        _logger.warning(advice)


def _unbuilt_source():
    """What to do if this is the source folder, without kernels: str, else empty."""
    sources = PACKAGE.parent.glob("cython_ext/*.pyx")
    kernels = [f"hyperspy_symseg.{source.stem}" for source in sources]
    # An editable install has them elsewhere.
    if not kernels or any(map(importlib.util.find_spec, kernels)):
        return ""
    return (
        "You should not import hyperspy_symseg from its source folder, where its "
        f"kernels are not compiled: leave {PACKAGE.parent} and start Python again."
    )
