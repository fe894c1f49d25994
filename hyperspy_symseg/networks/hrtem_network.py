# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that find atomic columns in HRTEM, one for each class of materials.

They have the layers of `ColumnNetwork`. ``training/hrtem.py`` trained them, on frames
of `simulate.hrtem`, from `RANGES`.
"""

import logging
import math
import warnings
from pathlib import Path

from .column_layers import ColumnNetwork

_logger = logging.getLogger(__name__)
FOLDER = Path(__file__).parent
_OPTICS = {
    # Of either sign, in angstroms.
    "defocus": (25.0, 100.0),
    # In micrometres.
    "spherical_aberration": (-10.0, 10.0),
    # In angstroms.
    "astigmatism": (0.0, 10.0),
    "focal_spread": (5.0, 15.0),
    "vibration": (0.0, 0.15),
    "mtf": (0.6, 1.0),
    # Electrons a pixel.
    "dose": (8.0, 1500.0),
}
# Beyond these the transfer of the reflections 220 of gold goes through zero at 200 kV;
# at 80 kV it does within them.
_CORRECTED = _OPTICS | {"defocus": (25.0, 80.0), "spherical_aberration": (-5.0, 5.0)}
# What frames were drawn from, uniformly: pixels in angstroms, voltages in kV.
RANGES = {
    "graphene": {"pixel_size": (0.10, 0.20), "voltage": (60.0, 80.0, 80.0)} | _OPTICS,
    "MoS2": {"pixel_size": (0.12, 0.26), "voltage": (60.0, 80.0, 80.0, 120.0)}
    | _OPTICS,
    "metal": {"pixel_size": (0.12, 0.30), "voltage": (200.0, 300.0, 300.0)}
    | _CORRECTED,
}
MATERIALS = tuple(RANGES)
# Ratio of the sides of a pixel from which on circles are ellipses that are seen.
UNEVEN = 1.1
# Of columns whose contrast has a sign: in MoS2 the first two reflections may have
# opposite ones.
SIGNED = "graphene", "metal"


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


def warn_of_voltage(material, voltage):
    """Say so if a network has not seen images of such a voltage.

    Parameters
    ----------
    material : {"graphene", "MoS2", "metal"}
    voltage : float or None
        In kV; None if it is not known.
    """
    own = RANGES[material]["voltage"]
    if voltage is not None and not min(own) <= voltage <= max(own):
        warnings.warn(
            f"The voltage is {voltage:g} kV. The network of {material} was trained for "
            f"{min(own):g} to {max(own):g} kV, and may find nothing or what is none.",
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
    if max(sizes) > high:
        warnings.warn(
            f"Pixels are {max(sizes):.3g} angstroms, larger than any that the network "
            f"of {material} was trained for ({low:g} to {high:g}).",
            stacklevel=5,
        )
