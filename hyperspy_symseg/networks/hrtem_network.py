# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that find atomic columns in HRTEM, one for each class of materials.

They have the layers of `ColumnNetwork`. ``training/hrtem.py`` trained them, on frames
of `simulate.hrtem`, from `RANGES`.
"""

import logging
import math
import warnings
from pathlib import Path

import numpy as np

from .column_layers import ColumnNetwork

_logger = logging.getLogger(__name__)
FOLDER = Path(__file__).parent
# Nearer the focus, or with a larger aberration, the middles of the hexagons of MoS2
# look like columns.
_OPTICS = {
    # Of either sign, in angstroms.
    "defocus": (35.0, 100.0),
    # In micrometres.
    "spherical_aberration": (-8.0, 8.0),
    # In angstroms.
    "astigmatism": (0.0, 10.0),
    "focal_spread": (5.0, 15.0),
    "vibration": (0.0, 0.15),
    "mtf": (0.6, 1.0),
    # Electrons a pixel.
    "dose": (8.0, 1500.0),
    # In mrad.
    "tilt": (0.0, 30.0),
}
# Beyond these the first reflection of graphene is hardly transferred along some
# direction: the second one is left, of a finer lattice.
_GRAPHENE = _OPTICS | {
    "defocus": (35.0, 60.0),
    "spherical_aberration": (-5.0, 5.0),
    "astigmatism": (0.0, 8.0),
    # Thickness of a support, in angstroms.
    "carbon": (0.0, 2.0),
}
# Beyond these, and in thicker particles, what is between columns of gold is as bright
# as these over focus, or columns are double: reflections 220 interfere. With a smaller
# defocus, under focus, the rim is in focus, which is a radius above the exit face: it
# has no contrast, or that of the other sign. Grains of thicker carbon are as dark or as
# bright as the single atoms of a rim.
_METAL = _OPTICS | {
    "defocus": (35.0, 50.0),
    "spherical_aberration": (-5.0, 5.0),
    "astigmatism": (0.0, 5.0),
    "tilt": (0.0, 15.0),
    "carbon": (0.0, 10.0),
    # Of a particle, in angstroms.
    "radius": (6.0, 11.0),
}
# What frames were drawn from, uniformly: pixels in angstroms, voltages in kV.
RANGES = {
    "graphene": {"pixel_size": (0.10, 0.20), "voltage": (60.0, 80.0, 80.0)} | _GRAPHENE,
    "MoS2": {"pixel_size": (0.12, 0.26), "voltage": (60.0, 80.0, 80.0, 120.0)}
    | _OPTICS
    | {"carbon": (0.0, 5.0)},
    "metal": {"pixel_size": (0.12, 0.30), "voltage": (300.0,)} | _METAL,
}
MATERIALS = tuple(RANGES)
# Units of what may be known of a microscope.
UNITS = {"voltage": "kV", "defocus": "angstroms", "spherical_aberration": "micrometres"}
# Ends of an interval are within it, as files may round them.
ROUNDED = 1e-6
# Ratio of the sides of a pixel from which on circles are ellipses that are seen.
UNEVEN = 1.1
# Of columns whose contrast has a sign: in MoS2 the first two reflections may have
# opposite ones.
SIGNED = "graphene", "metal"
# Of these, where it is not told, the network is surer if it looks for each sign by
# itself. In metals it finds dark places between columns if it looks for dark ones.
VOTED = ("graphene",)


def hrtem_network(material):
    """The network of a class of materials, one of `MATERIALS`: ColumnNetwork.

    Raises
    ------
    FileNotFoundError, ValueError
        If its file is missing or damaged.
    """
    return ColumnNetwork.trained(FOLDER / f"hrtem_{material.lower()}.npz")


def binning_of(material, pixel_size):
    """Pixels along each side that become one, so that the network has seen the like.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
    pixel_size : float or None
        In angstroms; None if it is not known.

    Returns
    -------
    int

    Examples
    --------
    >>> binning_of("graphene", 0.04), binning_of("graphene", 0.2)
    (3, 1)
    """
    if pixel_size is None:
        return 1
    finest, _ = RANGES[material]["pixel_size"]
    return max(1, math.ceil(finest / pixel_size - 1e-9))


def is_beyond(values, low, high):
    """Which values are beyond an interval, but for how they are rounded: array of bool.

    Examples
    --------
    >>> is_beyond(np.array([0.1, np.float32(0.3), 0.301]), 0.1, 0.3)
    array([False, False,  True])
    """
    below, above = low - ROUNDED * abs(low), high + ROUNDED * abs(high)
    return (values < below) | (values > above)


def warn_of_sign(material, contrast):
    """Say so if nobody can know whether columns are bright.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
    contrast : {"auto", "bright", "dark"}
    """
    if material == "metal" and contrast == "auto":
        _logger.warning(
            "Whether columns of a metal are bright or dark cannot be told where there "
            "is one a cell: tell it as contrast if you know it."
        )


def warn_of_microscope(material, known):
    """Say so if a network has not seen images of such a microscope.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
    known : dict of str and float or sequence of float
        Some of the names of `UNITS`, and their values. A defocus may have either sign.
    """
    outside = []
    for name, values in known.items():
        own = RANGES[material][name]
        low, high = min(own), max(own)
        if name == "defocus":
            values = np.abs(values)
        values = np.ravel(values)
        beyond = values[is_beyond(values, low, high)]
        if len(beyond):
            trained = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            outside.append(
                f"a {name.replace('_', ' ')} of {beyond[0]:.4g} {UNITS[name]} "
                f"(trained: {trained})"
            )
    if outside:
        warnings.warn(
            f"The network of {material} was not trained for {', '.join(outside)}, and "
            "may find nothing or what is none.",
            stacklevel=4,
        )


def warn_of_pixel_size(material, sizes):
    """Say so if a network has not seen pixels of such a size.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
    sizes : sequence of float or None
        Along y and x, in angstroms; None if they are not known.
    """
    low, high = RANGES[material]["pixel_size"]
    if sizes is None:
        _logger.warning(
            "The size of the pixels is not known: it is taken to be from %g to %g "
            "angstroms, as in the training.",
            low,
            high,
        )
        return
    if max(sizes) > UNEVEN * min(sizes):
        warnings.warn(
            f"Pixels are {sizes[0]:.3g} angstroms along y and {sizes[1]:.3g} along x. "
            f"The network of {material} was trained for squares: rebin the images.",
            stacklevel=5,
        )
    if is_beyond(max(sizes), 0, high):
        warnings.warn(
            f"Pixels are {max(sizes):.3g} angstroms, larger than any that the network "
            f"of {material} was trained for ({low:g} to {high:g}).",
            stacklevel=5,
        )
