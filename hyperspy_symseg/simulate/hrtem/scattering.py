# SPDX-License-Identifier: GPL-3.0-or-later
"""How atoms scatter electrons: factors of the elements, wavelength, phases."""

import math

import numpy as np
from scipy import constants

from .. import checks

# Kirkland, Advanced Computing in Electron Microscopy, 2nd edition (2010), appendix C:
# rows a, b, c and d of f(k) = sum a / (k^2 + b) + c exp(-d k^2), in angstroms, for k in
# cycles an angstrom. Checked against abTEM's table in the tests.
KIRKLAND = {
    "C": [
        [0.212080767, 0.199811865, 0.168254385],
        [0.208605417, 0.208610186, 5.57870773],
        [0.14204836, 0.363830672, 0.000835012],
        [1.33311887, 3.80800263, 0.040398262],
    ],
    "S": [
        [1.01646916, 0.441766748, 0.121503863],
        [1.69181965, 0.174180288, 167.011091],
        [0.82796667, 0.0233022533, 1.18302846],
        [2.3034281, 0.15695415, 5.85782891],
    ],
    "Mo": [
        [0.61016012, 1.26544, 1.97428762],
        [0.0911628054, 0.506776025, 5.89590381],
        [0.648028962, 0.0026038082, 0.113887493],
        [1.46634108, 0.0078433631, 0.15511434],
    ],
    "Au": [
        [0.961263398, 3.6958103, 2.77567491],
        [0.170932277, 12.9335319, 0.68999707],
        [0.295414176, 0.311475743, 0.0143237267],
        [0.16352551, 1.39200901, 0.0271265337],
    ],
}
ELEMENTS = tuple(KIRKLAND)
# h^2 / (2 pi m e), in V A^2: from a scattering factor in angstroms to a potential.
_H, _M, _E, _C = (constants.h, constants.m_e, constants.e, constants.c)
POTENTIAL = _H**2 / (2 * math.pi * _M * _E) * 1e20


def scattering_factor(element, k2):
    """Scattering factor of an element for electrons.

    Parameters
    ----------
    element : str
        One of `ELEMENTS`.
    k2 : float or numpy.ndarray
        Frequency squared, in cycles an angstrom, squared.

    Returns
    -------
    float or numpy.ndarray
        In angstroms.

    Examples
    --------
    >>> round(float(scattering_factor("C", 0.0)), 3)
    2.511
    """
    k2 = np.asarray(k2)
    rows = zip(*KIRKLAND[element], strict=True)
    return sum(a / (k2 + b) + c * np.exp(-d * k2) for a, b, c, d in rows)


def check_voltage(voltage):
    """Voltage in kV of a microscope: float."""
    rule = "a number of kV from 10 to 2000"
    return checks.number("voltage", voltage, lambda x: 10 <= x <= 2000, rule)


def wavelength(voltage):
    """Wavelength of electrons in angstroms, relativistic.

    Parameters
    ----------
    voltage : float
        In kV.

    Examples
    --------
    >>> round(wavelength(80), 5)
    0.04176
    """
    energy = 1e3 * voltage * _E
    return _H * _C / math.sqrt(energy * (energy + 2 * _M * _C**2)) * 1e10


def phase_of_potential(voltage):
    """Phase in radians of a projected potential of 1 V A: float.

    sigma = 2 pi m e wavelength / h^2, with the relativistic mass.

    Parameters
    ----------
    voltage : float
        In kV.

    Examples
    --------
    >>> round(phase_of_potential(80), 6)
    0.001009
    """
    mass = _M * (1 + 1e3 * voltage * _E / (_M * _C**2))
    return 2 * math.pi * mass * _E * wavelength(voltage) * 1e-20 / _H**2
