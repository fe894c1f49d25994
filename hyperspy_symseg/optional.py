# SPDX-License-Identifier: GPL-3.0-or-later
"""Optional dependencies, imported where they are used."""

import importlib


def optional(module, user, extra):
    """Import an optional dependency.

    Parameters
    ----------
    module : str
    user : str
        What needs it, as the error says.
    extra : str
        Of this package, with which it is installed.

    Returns
    -------
    module

    Raises
    ------
    ImportError
        If it is not installed.

    Examples
    --------
    >>> optional("math", "root", "numbers").sqrt(4.0)
    2.0
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{user} needs {module}, which is not installed: pip install "
            f'"hyperspy-symseg[{extra}]".'
        ) from error
