# SPDX-License-Identifier: GPL-3.0-or-later
"""Multislice: the wave behind a specimen.

Kirkland, Advanced Computing in Electron Microscopy, 2nd edition (2010), chapter 6.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import fft

from .. import checks
from .scattering import (
    POTENTIAL,
    check_voltage,
    phase_of_potential,
    scattering_factor,
    wavelength,
)
from .specimen import Specimen

# Share of the Nyquist frequency that waves and potentials have, so that their product
# is not aliased.
BANDWIDTH = 2 / 3
# Atoms whose phases are computed at once: so that they stay in memory.
AT_ONCE = 4096


def exit_wave(
    specimen: Specimen,
    voltage: float,
    shape: tuple[int, int],
    pixel_size: float,
    *,
    slice_thickness: float = 2.0,
    displacement: float = 0.08,
) -> np.ndarray:
    """Wave behind a specimen, of a plane wave of amplitude 1.

    Each slice multiplies it by exp(i s v), v the projected potential of the slice, and
    it goes on to the next by exp(-i pi L t k^2), t the distance.

    Parameters
    ----------
    specimen : Specimen
        As if it were repeated on all sides of the frame. Atoms outside are left out.
    voltage : float
        In kV.
    shape : (int, int)
        Rows and columns.
    pixel_size : float
        In angstroms.
    slice_thickness : float
        In angstroms.
    displacement : float
        Root mean square of the thermal motion of an atom along an axis, in angstroms.

    Returns
    -------
    (rows, columns) numpy.ndarray of complex64
        In the plane of the last atoms.

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> from hyperspy_symseg.simulate.hrtem import Specimen
    >>> wave = exit_wave(Specimen([[4, 5, 0]], ["Au"]), 300, (80, 100), 0.1)
    >>> bool(np.angle(wave[40, 50]) > np.angle(wave[20, 25]))
    True
    """
    is_one = isinstance(specimen, Specimen)
    checks.require(is_one, "specimen", specimen, "a Specimen")
    voltage = check_voltage(voltage)
    shape = checks.frame_shape(shape)
    pixel_size = checks.positive("pixel_size", pixel_size)
    thickness = checks.positive("slice_thickness", slice_thickness)
    displacement = checks.not_negative("displacement", displacement)
    places = specimen.positions
    size = pixel_size * np.array(shape)
    first = -pixel_size / 2
    inside = ((places[:, :2] >= first) & (places[:, :2] < first + size)).all(axis=1)
    places, elements = places[inside], specimen.elements[inside]
    wave = np.ones(shape, np.complex64)
    if not len(places):
        return wave
    z = places[:, 2]
    number = np.floor((z - z.min()) / thickness + 1e-6).astype(int)
    plane = _Plane(shape, pixel_size, displacement)
    forward = plane.propagator(wavelength(voltage), thickness)
    factor = phase_of_potential(voltage)
    for i in range(number.max() + 1):
        own = number == i
        if i:
            wave = fft.ifft2(fft.fft2(wave) * forward)
        if own.any():
            phase = factor * plane.potential(places[own], elements[own])
            wave = wave * np.exp(1j * phase).astype(np.complex64)
    # Twice the band, so that the image has what belongs to it.
    return fft.ifft2(fft.fft2(wave) * plane.band).astype(np.complex64)


class _Plane:
    """Frequencies of a frame, and factors of the elements there."""

    def __init__(self, shape, pixel_size, displacement):
        self.shape, self.pixel_size, self.displacement = shape, pixel_size, displacement
        most = BANDWIDTH * 0.5 / pixel_size
        ky = fft.fftfreq(shape[0], pixel_size).astype(np.float32)
        kx = fft.fftfreq(shape[1], pixel_size).astype(np.float32)
        self.k2 = ky[:, np.newaxis] ** 2 + kx**2
        self.band = (self.k2 <= most**2).astype(np.float32)
        # Potentials are real: frequencies along x are not negative, and few.
        self.rows = np.flatnonzero(np.abs(ky) <= most)
        self.ky = ky[self.rows]
        self.kx = fft.rfftfreq(shape[1], pixel_size).astype(np.float32)
        self.kx = self.kx[self.kx <= most]
        self.factors = {}

    def propagator(self, length, distance):
        """What a wave is multiplied by on its way: (rows, columns) of complex64."""
        phase = -math.pi * length * distance * self.k2
        return (self.band * np.exp(1j * phase)).astype(np.complex64)

    def factor(self, element):
        """Potential of an atom at the frequencies, in V A^2: array of float32."""
        if element not in self.factors:
            k2 = self.ky[:, np.newaxis] ** 2 + self.kx**2
            found = POTENTIAL * scattering_factor(element, k2)
            found *= np.exp(-2 * (math.pi * self.displacement) ** 2 * k2)
            found[k2 > (BANDWIDTH * 0.5 / self.pixel_size) ** 2] = 0
            self.factors[element] = found.astype(np.float32)
        return self.factors[element]

    def potential(self, places, elements):
        """Projected potential of atoms, in V A: (rows, columns) of float32.

        The sum over atoms of exp(-2 pi i k r) is a product of matrices, as it is one of
        factors along y and x.
        """
        total = np.zeros((len(self.ky), len(self.kx)), np.complex64)
        for element in np.unique(elements):
            own = places[elements == element, :2].astype(np.float32)
            sums = np.zeros_like(total)
            for first in range(0, len(own), AT_ONCE):
                y, x = own[first : first + AT_ONCE].T
                along_y, along_x = (
                    np.exp((-2j * math.pi) * np.outer(k, r).astype(np.complex64))
                    for k, r in ((self.ky, y), (self.kx, x))
                )
                sums += along_y @ along_x.T
            total += sums * self.factor(element)
        spectrum = np.zeros((self.shape[0], self.shape[1] // 2 + 1), np.complex64)
        spectrum[self.rows, : len(self.kx)] = total
        found = fft.irfft2(spectrum, s=self.shape)
        return found / np.float32(self.pixel_size**2)
