# SPDX-License-Identifier: GPL-3.0-or-later
"""A lattice against one within it, each with the plane groups that it may have.

What a superlattice adds are weak reflections, too few of which stand out of the noise.
But its plane group ties their amplitudes to each other: those of one orbit have few
free numbers, so that together they are evidence where one by one they are not.
"""

from typing import NamedTuple

import numpy as np

from .bravais import ReducedCell, possible_settings, reduced_cell
from .group_evidence import (
    FLOOR,
    MODEL_ERRORS,
    GroupFit,
    StructureFactors,
    fitted_signal,
    in_whole_orbits,
    mean_in,
    orbits_of,
)
from .joint_evidence import STRENGTHS
from .plane_groups import PLANE_GROUPS, order
from .pseudosymmetry import LEAST_MISSED
from .reciprocal import nodes_within

# Nodes are looked at as far as this times the highest frequency, as the orbits at the
# edge are not whole.
FARTHER = 1.05
# Amplitude that no plane group explains, as a share.
MODEL_ERROR = MODEL_ERRORS[0][0]


class Competitor(NamedTuple):
    """A lattice with the plane groups that its shape allows.

    Attributes
    ----------
    cell : ReducedCell
        In pixels; its shape is that in axis units.
    possible : dict of str and list of (Setting, float)
        Log densities of the settings of each plane group.
    point_group : (n, 2, 2) numpy.ndarray of int
        What they generate.
    """

    cell: ReducedCell
    possible: dict
    point_group: np.ndarray

    @classmethod
    def of(cls, vectors, covariance, pixel_size, strain):
        """Competitor of lattice vectors (2, 2), in pixels, with their covariance.

        Parameters
        ----------
        vectors : (2, 2) numpy.ndarray of float64
        covariance : (4, 4) numpy.ndarray of float64
        pixel_size : (float, float)
            Along (y, x), in one unit.
        strain : float
            Standard deviation of the distortion of the lattice.
        """
        cell, _ = cells_of(vectors, covariance, pixel_size)
        return cls(cell, *possible_settings(cell.shape, strain))

    @property
    def reciprocal(self):
        """Reciprocal vectors (y, x), a row each: (2, 2) array."""
        return np.linalg.inv(self.cell.vectors).T


def cells_of(vectors, covariance, pixel_size):
    """Reduced cells in pixels and in axis units, reduced as in the latter.

    Parameters
    ----------
    vectors : (2, 2) numpy.ndarray of float64
        In pixels.
    covariance : (4, 4) numpy.ndarray of float64
    pixel_size : (float, float)

    Returns
    -------
    ReducedCell
        In pixels. Its shape is that in axis units.
    ReducedCell
        In axis units.
    """
    scales = np.tile(np.abs(np.asarray(pixel_size, float)), 2)
    both = np.outer(scales, scales)
    calibrated = reduced_cell(vectors * scales[:2], covariance * both)
    cell = ReducedCell(
        calibrated.vectors / scales[:2], calibrated.covariance / both, calibrated.shape
    )
    return cell, calibrated


def gain_with_groups(coarser, finer, highest, measure):
    """Evidence that one reciprocal lattice has beside another one that is in it.

    Both have the same signal at the nodes that they share. Of the coarser one, the
    others are noise; of the finer one, they have a share of the signal, and 2 % of the
    energy at least.

    Parameters
    ----------
    coarser, finer : Competitor
    highest : float
        Frequency up to which nodes count, in cycles a pixel.
    measure : callable
        From nodes (n, 2) of the finer lattice, as indices, and whether they are none of
        the coarser one, to amplitudes and noise.

    Returns
    -------
    float
        In nats.
    """
    indices, numbers, shared = _common_nodes(coarser, finer, FARTHER * highest)
    if not shared.any() or shared.all():
        return -np.inf
    g2 = ((indices @ finer.reciprocal) ** 2).sum(axis=1)
    amplitudes, noise = measure(indices, ~shared)
    powers = np.abs(amplitudes) ** 2
    signal = fitted_signal(powers[shared], noise[shared], g2[shared]).at(g2)
    noise = noise + MODEL_ERROR**2 * signal + FLOOR**2 * powers.max()
    noise = mean_in(_orbits_of_both(coarser, finer, (indices, numbers, shared)), noise)
    # What is told apart misses some of the energy, as for plane groups.
    least = LEAST_MISSED / (1 - LEAST_MISSED) * signal[shared].sum()
    strength = _likeliest_strength(
        powers[~shared], noise[~shared], signal[~shared], least
    )
    signal[~shared] *= strength
    of_finer = _evidence(finer, (indices, amplitudes, noise, signal))
    of_coarser = _evidence(
        coarser, (numbers, amplitudes[shared], noise[shared], signal[shared])
    )
    return of_finer - of_coarser


def _common_nodes(coarser, finer, highest):
    """Nodes that are whole orbits of both lattices, as far as they are of both.

    Returns
    -------
    indices : (n, 2) numpy.ndarray of int
        In the finer one.
    numbers : (m, 2) numpy.ndarray of int
        In the coarser one, of those that are of both.
    shared : (n,) numpy.ndarray of bool
        Whether they are.
    """
    indices = nodes_within(finer.reciprocal, highest)
    across = finer.reciprocal @ coarser.cell.vectors.T
    while True:
        whole = in_whole_orbits(indices, finer.point_group)
        numbers = indices @ across
        shared = (np.abs(numbers - np.rint(numbers)) < 0.1).all(axis=1)
        numbers = np.rint(numbers[shared]).astype(int)
        whole[shared] &= in_whole_orbits(numbers, coarser.point_group)
        if whole.all():
            return indices, numbers, shared
        indices = indices[whole]


def _orbits_of_both(coarser, finer, nodes):
    """Numbers of the orbits of two point groups, where these meet together: (n,) int.

    Or the noise of one lattice would not be that of the other.
    """
    indices, numbers, shared = nodes
    of_finer = orbits_of(indices, finer.point_group)
    of_coarser = orbits_of(numbers, coarser.point_group)
    orbits = of_finer.copy()
    while True:
        before = orbits.copy()
        for own, members in ((of_coarser, shared), (of_finer, slice(None))):
            least = np.full(len(orbits), len(orbits))
            np.minimum.at(least, own, orbits[members])
            orbits[members] = least[own]
        if (orbits == before).all():
            return np.unique(orbits, return_inverse=True)[1]


def _likeliest_strength(powers, noise, signal, least):
    """The likeliest strength of a signal (n,) that has an energy at least: float."""
    strengths = np.array(STRENGTHS)
    strengths = strengths[strengths * signal.sum() >= least]
    if not len(strengths):
        return STRENGTHS[-1]
    total = noise + np.multiply.outer(strengths, signal)
    logs = (np.log(total) + powers / total).sum(axis=-1)
    return float(strengths[logs.argmin()])


def _evidence(competitor, nodes):
    """Evidence of all plane groups and the shape together beside noise.

    Parameters
    ----------
    competitor : Competitor
    nodes : (indices, amplitudes, noise, signal)
    """
    factors = StructureFactors.with_signal(*nodes, competitor.point_group)
    totals = []
    for group in PLANE_GROUPS:
        prior = np.log(order(group))
        for setting, density in competitor.possible[group]:
            fitted, _ = GroupFit(setting, factors).evidence(factors)
            totals.append(fitted + density + prior)
    return float(np.logaddexp.reduce(totals) - factors.evidence_of_noise)
