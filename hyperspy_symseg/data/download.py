# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that are too large for the package, downloaded once and checked.

`BASE_URL` is the one setting: the address of the folder that has them, which ends in a
slash. It is empty until there is a release that they belong to.
"""

from pathlib import Path

from hyperspy_symseg.optional import optional

BASE_URL = ""
# Of each file that can be downloaded.
CHECKSUMS = {
    "dysprosium_scandate.png": (
        "sha256:6524711eacb8b4f0f863abdc76025fd9f0133dffad4622a2dd57c6aa2fd340c7"
    ),
    "perovskite_film.jpg": (
        "sha256:3a52c3af3f34dfa6d18f07e986fa3c1628da4e86eb65895ab74cb25394c5cb6d"
    ),
}


def download(name, folder=None):
    """Path of a file, which is downloaded unless it has been.

    Parameters
    ----------
    name : str
        One of `CHECKSUMS`.
    folder : path-like, optional
        Where files are kept; by default, the user's folder for caches.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    ImportError
        If pooch is not installed (extra ``data``).
    RuntimeError
        If there is no address to download from.
    ValueError
        If what comes is not the file: its checksum differs.

    Examples
    --------
    >>> download("perovskite_film.jpg")  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
    RuntimeError: ...
    """
    pooch = optional("pooch", "downloading example data", "data")
    if not BASE_URL:
        raise RuntimeError(
            f"{name} cannot be downloaded: there is no address yet that whole frames "
            "are at. hyperspy_symseg.data.download.BASE_URL must be that of a folder "
            f"which has it, got {BASE_URL!r}."
        )
    path = pooch.retrieve(
        BASE_URL + name,
        known_hash=CHECKSUMS[name],
        fname=name,
        path=folder or pooch.os_cache("hyperspy-symseg"),
    )
    return Path(path)
