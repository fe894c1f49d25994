# SPDX-License-Identifier: GPL-3.0-or-later
"""Real micrographs, calibrated where the pixel size is known."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from hyperspy_symseg.data.download import download
from hyperspy_symseg.frames.checks import check_flag

HERE = Path(__file__).parent
# Of heights that are stored as integers, in angstroms.
LOWEST, STEP = -0.620384, 8e-5


@dataclass(frozen=True)
class _Origin:
    """Who made a micrograph, what of, and under which licence it is here."""

    title: str
    method: str
    authors: str
    repository: str
    licence: str
    notes: str


def iron_grain_boundary():
    """Grain boundary in iron, body-centred cubic along [100]: HAADF-STEM.

    The boundary runs across the frame, near row 248. The frame is whole.

    Returns
    -------
    hyperspy.signals.Signal2D
        512 x 512 of uint8, 12.45 pm a pixel.

    References
    ----------
    Leitherer et al., npj Comput. Mater. 9, 179 (2023),
    https://doi.org/10.1038/s41524-023-01133-1; Apache-2.0.

    Examples
    --------
    >>> iron_grain_boundary()
    <Signal2D, title: Iron, grain boundary, dimensions: (|512, 512)>
    """
    origin = _Origin(
        "Iron, grain boundary",
        "HAADF-STEM",
        "A. Leitherer, C. Liebscher, L. M. Ghiringhelli",
        "AndreasLeitherer/ai4stem",
        "Apache-2.0",
        "Body-centred cubic iron along [100]. Whole frame.",
    )
    return _signal(_read("iron_grain_boundary.png"), origin, 0.01245)


def two_phase_oxide():
    """Oxide with two phases side by side: STEM.

    One has a square motif, the other one of diamonds. Rows and columns from 100 on of
    a frame of 787 x 790; nobody has published the size of its pixels.

    Returns
    -------
    hyperspy.signals.Signal2D
        600 x 600 of uint8.

    References
    ----------
    Doty et al. (2021), https://arxiv.org/abs/2107.10387; BSD-2-Clause.

    Examples
    --------
    >>> two_phase_oxide()
    <Signal2D, title: Oxide, two phases, dimensions: (|600, 600)>
    """
    origin = _Origin(
        "Oxide, two phases",
        "STEM",
        "C. Doty et al., Pacific Northwest National Laboratory",
        "pnnl/pychip_gui",
        "BSD-2-Clause",
        "Rows and columns from 100 on of a frame of 787 x 790.",
    )
    return _signal(_read("two_phase_oxide.png"), origin)


def dysprosium_scandate(whole=False):
    """One crystal of dysprosium scandate in a scan that drifts and shears: HAADF-STEM.

    Parameters
    ----------
    whole : bool
        False: its first 512 rows and columns. True: the whole frame, 1024 x 1024, which
        is downloaded (extra ``data``).

    Returns
    -------
    hyperspy.signals.Signal2D
        uint8, 7.8 pm a pixel, as its field of view of 8 nm says.

    References
    ----------
    Lin et al., Sci. Rep. 11, 5386 (2021),
    https://doi.org/10.1038/s41598-021-84499-w; MIT.

    Examples
    --------
    >>> dysprosium_scandate()
    <Signal2D, title: Dysprosium scandate, dimensions: (|512, 512)>
    """
    origin = _Origin(
        "Dysprosium scandate",
        "HAADF-STEM",
        "R. Lin, R. Zhang, C. Wang, X.-Q. Yang, H. L. Xin",
        "xinhuolin/AtomSegNet",
        "MIT",
        "Whole frame." if whole else "First 512 rows and columns of 1024.",
    )
    name = "dysprosium_scandate.png"
    return _signal(_read(name, whole), origin, 8 / 1024)


def perovskite_film(whole=False):
    """Interface of a perovskite film and its substrate: HAADF-STEM.

    Both have the same lattice, and another cation. Nobody has published the size of
    the pixels.

    Parameters
    ----------
    whole : bool
        False: a corner with the interface, with pixels twice as large. True: the
        whole frame, of 1653 x 1892, which is downloaded (extra ``data``).

    Returns
    -------
    hyperspy.signals.Signal2D
        uint8.

    References
    ----------
    TEMWizard, Pacific Northwest National Laboratory; BSD-3-Clause.

    Examples
    --------
    >>> perovskite_film()
    <Signal2D, title: Perovskite film, dimensions: (|640, 640)>
    """
    origin = _Origin(
        "Perovskite film",
        "HAADF-STEM",
        "M. Oostrom, S. R. Spurgeon, Pacific Northwest National Laboratory",
        "pnnl/Temwizard",
        "BSD-3-Clause",
        "Whole frame." if whole else "A corner with the interface, binned by two.",
    )
    return _signal(_read("perovskite_film.jpg", whole), origin)


def bismuth_on_mos2():
    """One layer of bismuth on molybdenum disulfide: STM.

    A moire of 2.2 nm runs across the lattice of the atoms. The frame is whole, and its
    pixels are not as wide as they are high.

    Returns
    -------
    hyperspy.signals.Signal2D
        256 x 256 of float32: heights less their mean, in angstroms.

    References
    ----------
    Le Ster et al. (2024), https://arxiv.org/abs/2310.06535; MIT.

    Examples
    --------
    >>> bismuth_on_mos2()
    <Signal2D, title: Bismuth on molybdenum disulfide, dimensions: (|256, 256)>
    """
    origin = _Origin(
        "Bismuth on molybdenum disulfide",
        "STM",
        "M. Le Ster",
        "maximelester/mpwem",
        "MIT",
        "Whole frame; heights are of 16 bits.",
    )
    heights = (LOWEST + STEP * _read("bismuth_on_mos2.png")).astype(np.float32)
    return _signal(heights, origin, (13.972 / 256, 13.482 / 256))


def _read(name, whole=False):
    """Pixels of an image that is here, or of the whole one: (rows, columns)."""
    whole = check_flag("whole", whole)
    path = download(name) if whole else HERE / Path(name).with_suffix(".png")
    with Image.open(path) as image:
        return np.array(image)


def _signal(pixels, origin, pixel_size=None):
    """Signal of an image, pixels of (y, x) or one size in nm: Signal2D."""
    from hyperspy.signals import Signal2D

    sizes = np.broadcast_to(1.0 if pixel_size is None else pixel_size, 2)
    axes = [
        {
            "name": name,
            "size": size,
            "scale": float(scale),
            "units": "px" if pixel_size is None else "nm",
        }
        for name, size, scale in zip("yx", pixels.shape, sizes, strict=True)
    ]
    general = {
        "title": origin.title,
        "authors": origin.authors,
        "notes": f"{origin.method}. {origin.notes} Of {origin.repository}, "
        f"{origin.licence}.",
    }
    return Signal2D(pixels, axes=axes, metadata={"General": general})
