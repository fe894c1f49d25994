# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice, Bravais type and plane group of a crystal, with weights."""

import math
from dataclasses import dataclass

import numpy as np

from .bravais import (
    ReducedCell,
    metric_weights,
    possible_settings,
    strains,
)
from .finding import LEAST_EVIDENCE, find_lattice
from .group_evidence import MODEL_ERRORS, GroupFit, StructureFactors
from .joint_evidence import visible
from .node_noise import noise_at_nodes, radial_noise
from .plane_groups import (
    BRAVAIS_TYPES,
    PLANE_GROUPS,
    bravais_type,
    order,
    supergroups,
)
from .pseudosymmetry import NEAR, SHARES, NearlyOf
from .reciprocal import nodes_within
from .refinement import refine
from .several import foreign_share, strangest_share
from .superlattices import cells_of

# Periods that the window has, at least: in the geometric mean along both vectors, as a
# lamella is long where it is thin, and along either.
FEWEST_PERIODS, FEWEST_ACROSS = 4.0, 2.5
# Share of the power that is no crystal's but another one's, at most: of the whole
# window, and of that place in it where it is largest.
FOREIGN, FOREIGN_IN_PLACE = 0.1, 0.25
# Prior weight of a plane group: its order to this power. More operations in a cell are
# more often seen than by accident.
HIGHER = 1.5
NO_CONTRAST, NO_LATTICE, FEW_PERIODS, SEVERAL, OFFSET_ROWS = (
    "no contrast",
    "no lattice",
    "fewer than four periods",
    "more than one lattice",
    "rows are offset",
)
# Files have their numbers.
REASONS = ("", NO_CONTRAST, NO_LATTICE, FEW_PERIODS, SEVERAL, OFFSET_ROWS)


@dataclass(frozen=True, eq=False)
class Groups:
    """Plane groups of a crystal.

    Attributes
    ----------
    log_evidence : (17,) numpy.ndarray of float64
        That the data have, without a prior; -inf where the lattice rules a group out.
    weights : (17,) numpy.ndarray of float64
        In the order of `PLANE_GROUPS`. They add up to 1.
    misfits : (17,) numpy.ndarray of float64
        1 where the lattice rules a group out.
    settings : list of Setting or None
        The best one of each group.
    origins : (17, 2) numpy.ndarray of float64
        In fractions of the vectors of the primitive cell, NaN where there is none.
    """

    log_evidence: np.ndarray
    weights: np.ndarray
    misfits: np.ndarray
    settings: list
    origins: np.ndarray


@dataclass(frozen=True, eq=False)
class Naming:
    """What is known of a crystal.

    Attributes
    ----------
    reason : str
        Why there is no name; empty if there is one.
    evidence : float
        Log evidence of the lattice against noise, in nats.
    cell : ReducedCell or None
        In pixels.
    calibrated : ReducedCell or None
        In axis units.
    metric : dict
        Weights of the Bravais types by the shape of the cell alone.
    strains : dict
        To the nearest lattice of each type.
    groups : Groups or None
    factors : StructureFactors or None
        About the middle of the largest window, whose place is `middle`.
    middle : (2,) numpy.ndarray of float64 or None
    n_periods : float
        In the largest window, the geometric mean along both vectors.
    """

    reason: str
    evidence: float = 0.0
    cell: ReducedCell | None = None
    calibrated: ReducedCell | None = None
    metric: dict | None = None
    strains: dict | None = None
    groups: Groups | None = None
    factors: StructureFactors | None = None
    middle: np.ndarray | None = None
    n_periods: float = math.nan


def name_crystal(windows, pixel_size=(1.0, 1.0), strain=0.02):
    """Name the symmetry of a crystal from windows that it fills.

    Parameters
    ----------
    windows : list of Window
        The largest first. The crystal may be displaced from one to another.
    pixel_size : (float, float)
        Along (y, x), in one unit.
    strain : float
        Standard deviation of the distortion of the lattice.

    Returns
    -------
    Naming
    """
    if not windows:
        return Naming(NO_CONTRAST)
    first = windows[0]
    found = find_lattice(first, pixel_size, strain)
    if found is None:
        return Naming(NO_LATTICE)
    if found.evidence < LEAST_EVIDENCE:
        return Naming(NO_LATTICE, found.evidence)
    refined = refine(windows, found)
    if refined is None:
        return Naming(NO_LATTICE, found.evidence)
    cell, calibrated = cells_of(refined.vectors, refined.vector_covariance, pixel_size)
    known = {
        "evidence": found.evidence,
        "cell": cell,
        "calibrated": calibrated,
        "metric": metric_weights(cell.shape, strain),
        "strains": strains(cell.shape),
        "middle": first.wider.middle,
        "n_periods": float(np.sqrt(n_periods(first, cell.vectors).prod())),
    }
    periods = n_periods(first, cell.vectors)
    if known["n_periods"] < FEWEST_PERIODS or periods.min() < FEWEST_ACROSS:
        return Naming(FEW_PERIODS, **known)
    foreign, of_rows = foreign_share(first, found)
    if (
        foreign > FOREIGN
        or strangest_share(first, refined.cell, found) > FOREIGN_IN_PLACE
    ):
        reason = OFFSET_ROWS if of_rows > foreign / 2 else SEVERAL
        return Naming(reason, **known)
    groups, factors = name_group(windows, cell, strain, found)
    return Naming("", **known, groups=groups, factors=factors)


def n_periods(window, vectors):
    """Periods of each lattice vector in a Hann window as wide: (2,) array."""
    return window.lengths_along(vectors) / np.hypot(*vectors.T)


def name_group(windows, cell, strain, found):
    """Weigh the plane groups of a crystal.

    Parameters
    ----------
    windows : list of Window
    cell : ReducedCell
        In pixels; its shape is that in axis units.
    strain : float
    found : FoundLattice
        Of the first window.

    Returns
    -------
    Groups
    StructureFactors
    """
    possible, point_group = possible_settings(cell.shape, strain)
    factors = structure_factors(windows, cell.vectors, point_group, found)
    return weigh_groups(possible, factors), factors


def structure_factors(windows, vectors, point_group, found):
    """Structure factors of whole orbits of a point group.

    Those of other windows than the first are added after the shift that fits best.

    Parameters
    ----------
    windows : list of Window
    vectors : (2, 2) numpy.ndarray of float64
        Lattice vectors (y, x), a row each, in pixels.
    point_group : (n, 2, 2) numpy.ndarray of int
    found : FoundLattice

    Returns
    -------
    StructureFactors
        About the middle of the first window that is wider.
    """
    reciprocal = np.linalg.inv(vectors).T
    first = windows[0]
    spectrum = first.spectrum
    noise = radial_noise(first, spectrum, reciprocal)
    highest = visible(found.signal, noise, found.highest)
    # Some more, as the mean length of an orbit counts.
    indices = nodes_within(reciprocal, 1.3 * highest)
    images = np.einsum("ni,mij->nmj", indices, point_group) @ reciprocal
    lengths = np.hypot(images[..., 0], images[..., 1]).mean(axis=1)
    indices = indices[lengths <= highest]
    nodes = indices @ reciprocal
    density = noise_at_nodes(first, spectrum, noise, indices, reciprocal)
    density /= first.energy_area
    amplitudes = total = first.wider.amplitudes(nodes)
    noise_of_all = density * first.wider.energy_area
    for window in windows[1:]:
        own = window.wider.amplitudes(nodes)
        total = total + own * np.exp(
            2j * math.pi * indices @ _shift(indices, amplitudes, own)
        )
        noise_of_all = noise_of_all + density * window.wider.energy_area
    g2 = lengths[lengths <= highest] ** 2
    return StructureFactors.of(indices, total, noise_of_all, g2, point_group)


def _shift(indices, amplitudes, others):
    """Shift, in fractions of the cell, that takes others to amplitudes: (2,) array."""
    size = 4 * int(np.abs(indices).max()) + 2
    grid = np.zeros((size, size), complex)
    np.add.at(grid, tuple((indices % size).T), amplitudes.conj() * others)
    correlation = np.fft.ifft2(grid).real
    best = np.unravel_index(correlation.argmax(), correlation.shape)
    return np.array(best) / size


def weigh_groups(possible, factors):
    """Weights of the plane groups by evidence, and their misfits.

    Parameters
    ----------
    possible : dict of str and list of (Setting, float)
        From `possible_settings`.
    factors : StructureFactors

    Returns
    -------
    Groups
    """
    n = len(PLANE_GROUPS)
    evidence, misfits = np.full(n, -np.inf), np.ones(n)
    chosen, origins = [None] * n, np.full((n, 2), np.nan)
    models = [
        (factors.with_model_error(share), math.log(prior))
        for share, prior in MODEL_ERRORS
    ]
    fits = {
        id(setting): GroupFit(setting, factors)
        for group in PLANE_GROUPS
        for setting, _ in possible[group]
    }
    for i, group in enumerate(PLANE_GROUPS):
        logs, best = [], -np.inf
        for setting, density in possible[group]:
            fit = fits[id(setting)]
            own = [(fit.evidence(model), prior) for model, prior in models]
            total = np.logaddexp.reduce([each[0] + prior for each, prior in own])
            nearly = [
                NearlyOf(fits[id(higher)], operations)
                for higher, operations in supergroups(setting)
            ]
            total = _with_nearly(total, nearly, models[0][0])
            logs.append(total + density)
            if logs[-1] > best:
                best, chosen[i] = logs[-1], setting
                origins[i] = max(own, key=lambda each: each[0][0] + each[1])[0][1]
            misfits[i] = min(misfits[i], fit.misfit(factors)[0])
        if logs:
            evidence[i] = np.logaddexp.reduce(logs)
    # Where the data do not tell, the more symmetric group is the more likely one.
    prior = HIGHER * np.log([order(group) for group in PLANE_GROUPS])
    weights = evidence + prior
    weights = np.exp(weights - np.logaddexp.reduce(weights))
    return Groups(evidence, weights, misfits, chosen, origins)


def _with_nearly(evidence, nearly, factors):
    """Log evidence of a group, some crystals of which nearly have a higher one.

    Those that miss too little of the energy are said to have the higher one.

    Parameters
    ----------
    evidence : float
        Of a crystal that is not near to a higher group.
    nearly : list of NearlyOf
    factors : StructureFactors
    """
    if not nearly:
        return evidence
    unlike = min(each.unlike(factors) for each in nearly)
    logs = [evidence + math.log((1 - NEAR) * unlike)]
    for each in nearly:
        for share in SHARES:
            prior = NEAR / len(nearly) / len(SHARES) * each.unlike(factors, share)
            logs.append(each.evidence(factors, share) + math.log(prior))
    return float(np.logaddexp.reduce(logs))


def bravais_weights(weights):
    """Weights of the Bravais types from those of the plane groups.

    Parameters
    ----------
    weights : (17,) numpy.ndarray of float64

    Returns
    -------
    dict of str and float
    """
    found = dict.fromkeys(BRAVAIS_TYPES, 0.0)
    for group, weight in zip(PLANE_GROUPS, weights, strict=True):
        found[bravais_type(group)] += float(weight)
    return found
