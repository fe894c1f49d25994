# SPDX-License-Identifier: GPL-3.0-or-later
"""How well the structure factors of a crystal have the symmetry of a plane group.

An operation W r + w about an origin t asks for F(h W) = F(h) exp(2 pi i h.w), where
F(h) is about t, too. The energy of what has the symmetry is a sum of waves in t: one
Fourier transform gives it for all origins. An orbit of h under the group has d free
numbers among n, of a prior variance, and noise in all n. So a group is likely if what
it forbids is not there, and what it allows is.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy import fft, optimize

from .joint_evidence import SignalModel
from .plane_groups import Setting, n_origins

# Points along a side of the cell beside the highest wave.
FINER = 2.0
# Newton's steps to the best origin.
STEPS = 8
# Part of the amplitudes that is no symmetry's fault, such as tilt and aberrations: how
# large it may be, and how likely; and what is left of the strongest in any case.
MODEL_ERRORS = (0.02, 0.5), (0.05, 0.5)
FLOOR = 0.005
# Signal beside the noise, at least.
LEAST_SIGNAL = 1e-6


@dataclass(frozen=True, eq=False)
class StructureFactors:
    """Structure factors of a crystal, of a set that all its groups leave as it is.

    Attributes
    ----------
    indices : (n, 2) numpy.ndarray of int
        Of both h and -h: the second half is that of -h.
    amplitudes : (n,) numpy.ndarray of complex128
        About any origin.
    noise : (n,) numpy.ndarray of float64
        Power of the noise, the same in each orbit of the highest point group.
    signal : (n,) numpy.ndarray of float64
        Mean power, the same in these.
    orbits : (n,) numpy.ndarray of int
        Number of the orbit.
    """

    indices: np.ndarray
    amplitudes: np.ndarray
    noise: np.ndarray
    signal: np.ndarray
    orbits: np.ndarray

    @classmethod
    def of(cls, indices, amplitudes, noise, g2, point_group):
        """Structure factors, with the model of the signal that fits them best.

        Parameters
        ----------
        indices : (n, 2) numpy.ndarray of int
            One of h and -h, of whole orbits of the point group.
        amplitudes : (n,) numpy.ndarray of complex128
        noise : (n,) numpy.ndarray of float64
        g2 : (n,) numpy.ndarray of float64
            Squared length |g|^2 of the frequencies.
        point_group : (m, 2, 2) numpy.ndarray of int
            With the inversion.
        """
        orbits = orbits_of(indices, point_group)
        noise, g2 = (mean_in(orbits, each) for each in (noise, g2))
        model = fitted_signal(np.abs(amplitudes) ** 2, noise, g2)
        signal = model.at(g2) + LEAST_SIGNAL * noise
        return cls.with_signal(indices, amplitudes, noise, signal, point_group)

    @classmethod
    def with_signal(cls, indices, amplitudes, noise, signal, point_group):
        """Structure factors of known mean power.

        Parameters
        ----------
        indices : (n, 2) numpy.ndarray of int
            One of h and -h, of whole orbits of the point group.
        amplitudes : (n,) numpy.ndarray of complex128
        noise, signal : (n,) numpy.ndarray of float64
            The noise is the same in each orbit.
        point_group : (m, 2, 2) numpy.ndarray of int
            With the inversion.
        """
        return cls(
            np.concatenate([indices, -indices]),
            np.concatenate([amplitudes, amplitudes.conj()]),
            np.tile(noise, 2),
            np.tile(signal, 2),
            np.tile(orbits_of(indices, point_group), 2),
        )

    @property
    def evidence_of_noise(self):
        """Log evidence of noise alone: float."""
        powers = np.abs(self.amplitudes) ** 2
        return float(-(np.log(self.noise / 2) / 2 + powers / self.noise / 2).sum())

    def with_model_error(self, share):
        """Structure factors with more noise: a share of the amplitudes of orbits."""
        powers = np.abs(self.amplitudes) ** 2
        error = share**2 * mean_in(self.orbits, powers) + FLOOR**2 * powers.max()
        return StructureFactors(
            self.indices, self.amplitudes, self.noise + error, self.signal, self.orbits
        )


class _Table:
    """Where indices (n, 2) are in an array of indices."""

    def __init__(self, indices):
        self.reach = int(np.abs(indices).max(initial=0))
        size = 2 * self.reach + 1
        self.table = np.full((size, size), -1)
        self.table[tuple((indices + self.reach).T)] = np.arange(len(indices))

    def places(self, indices):
        """Places (n,) of indices (n, 2); all must be there."""
        return self.table[tuple((indices + self.reach).T)]

    def has(self, indices):
        """Whether indices (..., 2) are there: (...) numpy.ndarray of bool."""
        inside = (np.abs(indices) <= self.reach).all(axis=-1)
        near = np.where(inside[..., np.newaxis], indices, 0) + self.reach
        return inside & (self.table[near[..., 0], near[..., 1]] >= 0)


def in_whole_orbits(indices, point_group):
    """Whether all images of indices are among these or their opposites: (n,) bool.

    Parameters
    ----------
    indices : (n, 2) numpy.ndarray of int
        One of h and -h.
    point_group : (m, 2, 2) numpy.ndarray of int
    """
    images = np.einsum("ni,mij->nmj", indices, point_group)
    return _Table(np.concatenate([indices, -indices])).has(images).all(axis=1)


def orbits_of(indices, point_group):
    """Number of the orbit of each of some indices: (n,) numpy.ndarray of int.

    Parameters
    ----------
    indices : (n, 2) numpy.ndarray of int
        One of h and -h, of whole orbits.
    point_group : (m, 2, 2) numpy.ndarray of int
        With the inversion.
    """
    both = np.concatenate([indices, -indices])
    table = _Table(both)
    orbits = np.min([table.places(indices @ W) for W in point_group], axis=0)
    return np.unique(orbits, return_inverse=True)[1]


def mean_in(orbits, values):
    """Mean of the values of each orbit, at each of its members: (n,) array.

    Parameters
    ----------
    orbits : (n,) numpy.ndarray of int
    values : (n,) numpy.ndarray of float64
    """
    return (np.bincount(orbits, values) / np.bincount(orbits))[orbits]


def fitted_signal(powers, noise, g2):
    """Mean power by maximum likelihood: SignalModel.

    Parameters
    ----------
    powers, noise, g2 : (n,) numpy.ndarray of float64
        |F|^2, power of the noise, and the squared length |g|^2 of the frequencies.
    """
    start = math.log(max(powers.mean(), 1e-300))
    scale = g2.mean()

    def cost(parameters):
        exponent = np.clip(parameters[0] - abs(parameters[1]) * g2 / scale, -50, 90)
        total = np.exp(exponent) + noise
        return (np.log(total) + powers / total).sum()

    found = optimize.minimize(
        cost, (start + 1, 1.0), method="Nelder-Mead", options={"maxiter": 120}
    ).x
    width = math.sqrt(abs(found[1]) / scale) / (2 * math.pi)
    return SignalModel(math.exp(np.clip(found[0], -50, 90)), width)


class GroupFit:
    """A setting of a plane group and some structure factors.

    Parameters
    ----------
    setting : Setting
    factors : StructureFactors

    Attributes
    ----------
    orbits : (n,) numpy.ndarray of int
        Number of the orbit of each index.
    n, d : numpy.ndarray of int
        Numbers of each orbit, and those that are free.
    order : int
        Number of operations.
    """

    def __init__(self, setting: Setting, factors: StructureFactors):
        indices, self._amplitudes = factors.indices, factors.amplitudes
        table, n = _Table(indices), len(indices)
        self.order = len(setting.W)
        images = np.stack([table.places(indices @ W) for W in setting.W])
        phases = np.exp(2j * math.pi * (setting.w @ indices.T))
        fixed = images == np.arange(n)
        friedel = (np.arange(n) + n // 2) % n
        orbits = np.minimum(images, friedel[images]).min(axis=0)
        self.orbits = np.unique(orbits, return_inverse=True)[1]
        self.n = np.bincount(self.orbits)
        self._fixed, self._traces = fixed, (fixed * phases).real
        self.d, self._multiplicity = self.free_numbers(slice(None))
        self._origins = n_origins(setting.W)
        waves = indices - np.stack([indices @ W for W in setting.W])
        reach = int(np.abs(waves).max(initial=0))
        self._size = max(24, fft.next_fast_len(int(2 * FINER * reach) + 1))
        places = waves % self._size
        self._places = (places[..., 0] * self._size + places[..., 1]).ravel()
        products = self._amplitudes[images].conj() * self._amplitudes * phases
        self._products = products / (2 * self.order)

    def free_numbers(self, operations):
        """Free numbers if only some of the operations, which are a group, are kept.

        Parameters
        ----------
        operations : (k,) numpy.ndarray of int, or slice

        Returns
        -------
        d : numpy.ndarray of int
            Free numbers of each orbit.
        multiplicity : (n,) numpy.ndarray of int
            Operations that leave an index as it is.
        """
        free = self._traces[operations].mean(axis=0)
        d = np.rint(np.bincount(self.orbits, free)).astype(int)
        return d, self._fixed[operations].sum(axis=0)

    def variances(self, factors):
        """Variances of each number of an orbit by noise, and of each free one a priori.

        Parameters
        ----------
        factors : StructureFactors

        Returns
        -------
        noise, prior : numpy.ndarray of float64
            By the orbit.
        """
        noise = np.bincount(self.orbits, factors.noise) / self.n
        prior = self.prior_variances(factors.signal, self.d, self._multiplicity)
        return noise / 2, prior

    def prior_variances(self, signal, d, multiplicity):
        """Variance a priori of each number that is free, by the orbit.

        Parameters
        ----------
        signal : (n,) numpy.ndarray of float64
            Of `StructureFactors`.
        d, multiplicity
            As from `free_numbers`.

        Returns
        -------
        numpy.ndarray of float64
            0 where none is free.
        """
        signal = np.bincount(self.orbits, signal * multiplicity) / self.n
        return np.divide(self.n / 2 * signal, d, out=np.zeros(len(d)), where=d > 0)

    def _best(self, kappa):
        """Largest of sum of kappa E_par over origins: value, origin, curvature."""
        size = self._size
        values = (self._products * kappa).ravel()
        grid = np.bincount(self._places, values.real, size**2)
        grid = grid + 1j * np.bincount(self._places, values.imag, size**2)
        used = np.flatnonzero(grid)
        waves = np.stack(np.divmod(used, size), axis=-1)
        waves = (waves + size // 2) % size - size // 2
        energies = fft.fft2(grid.reshape(size, size).conj()).real
        start = np.unravel_index(energies.argmax(), energies.shape)
        return _climbed(2 * math.pi * waves, grid[used], np.array(start) / size)

    def evidence(self, factors):
        """Log evidence of the setting, the origin being free.

        Parameters
        ----------
        factors : StructureFactors
            Those that it was made with, perhaps with more noise.

        Returns
        -------
        float
        origin : (2,) numpy.ndarray of float64
            The best one, in fractions of the vectors of the primitive cell.
        """
        n, d = self.n, self.d
        half, prior = self.variances(factors)
        spread = -((n - d) * np.log(half) + d * np.log(half + prior)).sum() / 2
        kappa = (1 / half - 1 / (half + prior)) / 2
        found, origin = self.evidence_at_best(factors, kappa[self.orbits])
        return float(spread + found), origin

    def evidence_at_best(self, factors, kappa):
        """Terms of the evidence that the origin is in, which is integrated over.

        Parameters
        ----------
        factors : StructureFactors
        kappa : (n,) or (order, n) numpy.ndarray of float64
            Of each index, or of each operation and index: what energy is worth.

        Returns
        -------
        float
        origin : (2,) numpy.ndarray of float64
            The best one.
        """
        lost = (np.abs(factors.amplitudes) ** 2 / factors.noise).sum() / 2
        energy, origin, curvature = self._best(kappa)
        narrow = np.linalg.eigvalsh(-curvature)
        narrow = narrow[narrow > 2 * math.pi]
        volume = 0.0
        if len(narrow):
            volume = np.log(2 * math.pi / narrow).sum() / 2 + math.log(self._origins)
        return float(energy - lost + min(volume, 0)), origin

    def misfit(self, factors):
        """Share of the amplitude that has not the symmetry, at the best origin.

        Parameters
        ----------
        factors : StructureFactors
            Without a model error.

        Returns
        -------
        float
            From 0 to 1: root of the share of the energy, less that of the noise.
        origin : (2,) numpy.ndarray of float64
        """
        weights = factors.signal / (factors.signal + factors.noise)
        energy, origin, _ = self._best(weights)
        total = (weights * np.abs(factors.amplitudes) ** 2).sum() / 2
        noise = (weights * factors.noise).sum() / 2
        of_orbit = np.bincount(self.orbits, weights * factors.noise) / self.n
        forbidden = ((self.n - self.d) * of_orbit).sum() / 2
        share = (total - energy - forbidden) / max(
            total - noise, 1e-12 * total + 1e-300
        )
        return math.sqrt(min(max(share, 0.0), 1.0)), origin


def _climbed(waves, coefficients, t):
    """Maximum of a sum of waves by Newton's method: value, place, curvature."""

    def at(t):
        each = coefficients * np.exp(1j * (waves @ t))
        slope = -(each.imag @ waves)
        curvature = -(waves.T * each.real) @ waves
        return each.real.sum(), slope, curvature

    value, slope, curvature = at(t)
    for _ in range(STEPS):
        sizes, axes = np.linalg.eigh(curvature)
        # Along a free origin there is neither slope nor curvature.
        curved = sizes < -1e-9 * max(np.abs(sizes).max(), 1e-300)
        step = axes[:, curved] @ ((axes[:, curved].T @ slope) / -sizes[curved])
        trial = at(t + step)
        if not trial[0] > value:
            break
        t = t + step
        done = trial[0] - value < 1e-6
        value, slope, curvature = trial
        if done:
            break
    return value, t % 1, curvature
