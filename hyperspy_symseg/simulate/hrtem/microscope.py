# SPDX-License-Identifier: GPL-3.0-or-later
"""The microscope: from an exit wave to the intensity of an image."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft

from .. import checks
from .scattering import check_voltage, wavelength


@dataclass(frozen=True)
class Microscope:
    """A transmission electron microscope.

    The exit wave psi(k) is multiplied by exp(-i chi) E, with

        chi = pi L k^2 (-D + A cos 2(phi - phi_A)) + pi/2 C L^3 k^4
        E = exp(-(pi L S k^2)^2 / 2)

    where L is the wavelength, D the defocus, A and phi_A the astigmatism and its
    direction, C the spherical aberration and S the focal spread: the quasi-coherent
    approximation, right for thin specimens. The intensity is multiplied by
    exp(-2 (pi V k)^2), V the vibration, and the MTF, 1 / (1 + (1/m - 1) (k / k_N)^2),
    with m at the Nyquist frequency k_N.

    Parameters
    ----------
    voltage : float
        In kV.
    defocus : float
        In angstroms, positive under focus: atoms of a thin specimen are dark.
    spherical_aberration : float
        In micrometres.
    astigmatism : float
        Twofold, in angstroms.
    astigmatism_angle : float
        In degrees, from x towards y.
    focal_spread : float
        Standard deviation, in angstroms.
    vibration : float
        Standard deviation along an axis, in angstroms.
    mtf : float
        Of the camera at its Nyquist frequency, above 0 to 1.

    Raises
    ------
    ValueError
        If a parameter is out of range.

    Examples
    --------
    >>> Microscope(80, defocus=50).defocus
    50.0
    """

    voltage: float = 80.0
    defocus: float = 60.0
    spherical_aberration: float = 0.0
    astigmatism: float = 0.0
    astigmatism_angle: float = 0.0
    focal_spread: float = 10.0
    vibration: float = 0.1
    mtf: float = 0.8

    def __post_init__(self):
        """Check the parameters."""
        share = "a number above 0, at most 1"
        checks.set_fields(
            self,
            voltage=check_voltage(self.voltage),
            defocus=checks.finite("defocus", self.defocus),
            spherical_aberration=checks.finite(
                "spherical_aberration", self.spherical_aberration
            ),
            astigmatism=checks.not_negative("astigmatism", self.astigmatism),
            astigmatism_angle=checks.finite(
                "astigmatism_angle", self.astigmatism_angle
            ),
            focal_spread=checks.not_negative("focal_spread", self.focal_spread),
            vibration=checks.not_negative("vibration", self.vibration),
            mtf=checks.number("mtf", self.mtf, lambda x: 0 < x <= 1, share),
        )

    @property
    def spread(self) -> float:
        """How far atoms show at a cycle an angstrom, in angstroms: float."""
        length = wavelength(self.voltage)
        away = length * (abs(self.defocus) + self.astigmatism)
        return away + abs(self.spherical_aberration) * 1e4 * length**3

    def transfer(self, ky: np.ndarray, kx: np.ndarray) -> np.ndarray:
        """exp(-i chi) E at frequencies in cycles an angstrom: array of complex64."""
        length = wavelength(self.voltage)
        k2 = ky**2 + kx**2
        angle = 2 * (np.arctan2(ky, kx) - math.radians(self.astigmatism_angle))
        focus = self.astigmatism * np.cos(angle) - self.defocus
        chi = math.pi * length * k2 * focus
        chi += math.pi / 2 * 1e4 * self.spherical_aberration * length**3 * k2**2
        damped = (math.pi * length * self.focal_spread * k2) ** 2 / 2
        return np.exp(-1j * chi - damped).astype(np.complex64)

    def image(
        self,
        wave: np.ndarray,
        pixel_size: float,
        shift: tuple[float, float] = (0.0, 0.0),
    ) -> np.ndarray:
        """Intensity of the image of an exit wave, 1 in vacuum.

        Parameters
        ----------
        wave : (rows, columns) numpy.ndarray of complex
            From `exit_wave`, as if it were repeated on all sides.
        pixel_size : float
            In angstroms.
        shift : (float, float)
            By which the image is moved, along y and x, in pixels.

        Returns
        -------
        (rows, columns) numpy.ndarray of float32
        """
        ky = fft.fftfreq(wave.shape[0], pixel_size)[:, np.newaxis].astype(np.float32)
        kx = fft.fftfreq(wave.shape[1], pixel_size).astype(np.float32)
        seen = fft.ifft2(fft.fft2(wave) * self.transfer(ky, kx))
        intensity = seen.real**2 + seen.imag**2
        kx = fft.rfftfreq(wave.shape[1], pixel_size).astype(np.float32)
        k2 = ky**2 + kx**2
        nyquist = 0.5 / pixel_size
        passed = np.exp(-2 * (math.pi * self.vibration) ** 2 * k2)
        passed /= 1 + (1 / self.mtf - 1) * k2 / nyquist**2
        if any(shift):
            moved = (ky * shift[0] + kx * shift[1]) * pixel_size
            passed = passed * np.exp(-2j * math.pi * moved).astype(np.complex64)
        found = fft.irfft2(fft.rfft2(intensity) * passed, s=wave.shape)
        return found.astype(np.float32)
