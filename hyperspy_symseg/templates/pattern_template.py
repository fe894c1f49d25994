# SPDX-License-Identifier: GPL-3.0-or-later
"""What one pattern looks like, as a value that can be read."""

from dataclasses import dataclass

import numpy as np

# Kinds of patterns.
CRYSTAL, FREE, NO_LATTICE = "crystal", "free phases", "no lattice"


@dataclass(frozen=True, eq=False)
class PatternTemplate:
    """What one pattern looks like: a crystal, or reflections whose phases are free.

    Lengths are in pixels, pairs are (y, x), and intensities are in units of their local
    standard deviation, about their local mean (see
    `hyperspy_symseg.templates.Templates`).

    Attributes
    ----------
    name : str or None
        If it was learnt from an example that has one.
    kind : str
        ``"crystal"``, ``"free phases"``, or ``"no lattice"`` if it has no reflections.
    a, b : (2,) numpy.ndarray of float64 or None
        Lattice vectors of a crystal.
    reflections : (n, 2) numpy.ndarray of float64
        Spatial frequencies, in cycles a pixel; one of each pair g and -g.
    amplitudes : (n,) numpy.ndarray of float64
        Of these; of a crystal the absolute values of the structure factors.
    indices : (n, 2) numpy.ndarray of int64 or None
        h and k of the reflections of a crystal.
    structure_factors : (n,) numpy.ndarray of complex128 or None
        F of a crystal: its mean is 2 sum over hk of Re(F_hk exp(2 pi i g_hk.r)). Those
        of patterns on one lattice have one origin.
    standard_error : float
        Of the amplitudes, and of real and imaginary parts of the structure factors, by
        noise alone: the square root of s / (2 N), with the N pixels that the pattern
        was learnt from and the variance s of their residuals, times its
        overdispersion. What the displacement of the cells is wrong by is not in it. NaN
        if N is not known, as in models of before there were examples.
    n_pixels : float
        Number of pixels that it was learnt from; 0 if it is not known.
    on_its_lattice : tuple of int
        The other patterns of the same crystal, which differ in their motif.
    """

    name: str | None
    kind: str
    a: np.ndarray | None
    b: np.ndarray | None
    reflections: np.ndarray
    amplitudes: np.ndarray
    indices: np.ndarray | None
    structure_factors: np.ndarray | None
    standard_error: float
    n_pixels: float
    on_its_lattice: tuple[int, ...]

    @classmethod
    def of(cls, templates, pattern, name=None):
        """One of the patterns of some templates: PatternTemplate.

        Parameters
        ----------
        templates : Templates
        pattern : int
        name : str, optional
        """
        own = templates.patterns == pattern
        number = templates.crystals[pattern]
        reflections, amplitudes = templates.of(pattern)
        n_pixels = float(templates.n_pixels[pattern])
        error = np.sqrt(templates.noise / (2 * n_pixels)) if n_pixels else np.nan
        kind, a, b, indices, factors, others = FREE, None, None, None, None, []
        if number >= 0:
            kind = CRYSTAL
            a, b = np.linalg.inv(templates.cells[number]).T
            indices = templates.indices[own]
            factors = amplitudes * np.exp(1j * templates.phases[own])
            others = np.flatnonzero(templates.crystals == number).tolist()
            others.remove(pattern)
        elif not len(amplitudes):
            kind = NO_LATTICE
        return cls(
            name,
            kind,
            a,
            b,
            reflections,
            amplitudes,
            indices,
            factors,
            float(error),
            n_pixels,
            tuple(others),
        )

    def __repr__(self):
        """One line: kind and lengths, but no arrays."""
        words = [self.kind, f"{len(self.amplitudes)} reflections"]
        if self.kind == CRYSTAL:
            lengths = [f"{np.hypot(*each):.4g}" for each in (self.a, self.b)]
            words.insert(1, f"{' x '.join(lengths)} px, {self.angle:.1f} degrees")
        name = "" if self.name is None else f" {self.name!r}"
        return f"<PatternTemplate{name}: {', '.join(words)}>"

    @property
    def angle(self):
        """Angle between the lattice vectors, in degrees: float; NaN without any."""
        if self.kind != CRYSTAL:
            return np.nan
        cosine = self.a @ self.b / np.hypot(*self.a) / np.hypot(*self.b)
        return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))

    def mean(self, y, x):
        """Mean intensity of a crystal at some places: numpy.ndarray.

        Of other patterns it is the Patterson function, the autocorrelation of the mean
        2 sum over g of A_g^2 cos(2 pi g.r), which the phases have no part in.

        Parameters
        ----------
        y, x : array
            Places in pixels, which are broadcast; (0, 0) is the origin of the structure
            factors.
        """
        factors = self.structure_factors
        if factors is None:
            factors = self.amplitudes**2
        y, x = np.broadcast_arrays(y, x)
        turns = np.tensordot(self.reflections, np.stack([y, x]), axes=1)
        waves = np.exp(2j * np.pi * turns)
        return 2 * np.tensordot(factors, waves, axes=1).real
