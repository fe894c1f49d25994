# SPDX-License-Identifier: GPL-3.0-or-later
"""Reciprocal vectors by Newton's method on the power of nodes, with their errors."""

from typing import NamedTuple

import numpy as np

from .joint_evidence import node_evidence
from .reciprocal import nodes_within

# Steps of Newton's method, and where it stops: after a step this short at the farthest
# node, in bins, as the error left is that of its square.
STEPS, CONVERGED = 8, 1e-3
# A step is not longer than this at the farthest node, in bins.
LONGEST_STEP = 0.5
# Nodes with the most power, which alone count.
MOST_NODES = 100
# Curvatures beside the largest one: less is none, as with all nodes on a line.
SINGULAR = 1e-12
# Weight of a node, at least, to count.
LEAST_WEIGHT = 0.02


class RefinedLattice(NamedTuple):
    """Reciprocal vectors with their covariance.

    Attributes
    ----------
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    covariance : (4, 4) numpy.ndarray of float64
        Of ``cell.ravel()``.
    """

    cell: np.ndarray
    covariance: np.ndarray

    @property
    def vectors(self):
        """Lattice vectors (y, x), a row each, in pixels: (2, 2) array."""
        return np.linalg.inv(self.cell).T

    @property
    def vector_covariance(self):
        """Covariance of ``vectors.ravel()``: (4, 4) array, by dA = -A dB' A."""
        vectors = self.vectors
        # dA_ij = -A_il dB_kl A_kj
        change = -np.einsum("il,kj->ijkl", vectors, vectors).reshape(4, 4)
        return change @ self.covariance @ change.T


def refine(windows, found):
    """Refine a lattice on several windows of one crystal.

    The sum of |F|^2 / s over all nodes is the largest, s the power of the noise, each
    node weighted by the probability that it has a reflection, and by the share of its
    power that is signal. The standard errors are those of independent noise, times what
    the lattices of the quarters of the largest window differ by more than that.

    Parameters
    ----------
    windows : list of Window
    found : FoundLattice
        Of the first window.

    Returns
    -------
    RefinedLattice or None
        None if the nodes that have a signal do not span a lattice.
    """
    first = windows[0]
    nodes = Nodes.of(first, (found.cell, found.signal, found.noise, found.highest))
    cell, curvature, spread = climb(windows, found.cell, nodes, first)
    covariance = covariance_of(curvature, spread)
    if covariance is None:
        return None
    return RefinedLattice(cell, covariance * _scale(first, cell, nodes) ** 2)


def covariance_of(curvature, spread):
    """Covariance of the reciprocal vectors by what `climb` gives; None if singular.

    Parameters
    ----------
    curvature, spread : (4, 4) numpy.ndarray of float64 or None

    Returns
    -------
    (4, 4) numpy.ndarray of float64 or None
    """
    if curvature is None or _is_singular(curvature):
        return None
    inverse = np.linalg.inv(curvature)
    return inverse @ spread @ inverse


class Nodes(NamedTuple):
    """Nodes that are refined on.

    Attributes
    ----------
    indices : (n, 2) numpy.ndarray of int
    weights : (n,) numpy.ndarray of float64
    noise : (n,) numpy.ndarray of float64
        Power, in the sum of the squares of a window's weights.
    """

    indices: np.ndarray
    weights: np.ndarray
    noise: np.ndarray

    @classmethod
    def of(cls, window, lattice, most=MOST_NODES):
        """Nodes of a lattice in a window that have the most power.

        Parameters
        ----------
        window : Window
        lattice : (cell, SignalModel, RadialNoise, float)
            The reciprocal vectors, signal and noise, and the highest frequency.
        most : int

        Returns
        -------
        Nodes
        """
        cell, signal_model, radial, highest = lattice
        indices = nodes_within(cell, highest)
        nodes = indices @ cell
        g2 = (nodes**2).sum(axis=1)
        powers = np.abs(window.amplitudes(nodes)) ** 2
        noise = radial.at(np.sqrt(g2))
        signal = signal_model.at(g2)
        # Probability of a reflection, by Bayes.
        evidence = node_evidence(powers, noise, signal)
        probability = 1 - 0.5 * np.exp(-evidence)
        weights = probability * signal / (signal + noise)
        strongest = np.argsort(-weights * powers / noise, kind="stable")[:most]
        chosen = strongest[weights[strongest] > LEAST_WEIGHT * weights.max()]
        return cls(indices[chosen], weights[chosen], noise[chosen] / window.energy_area)


def climb(windows, cell, nodes, bins):
    """Climb to the maximum of the weighted power of nodes.

    Parameters
    ----------
    windows : list of Window
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors to begin with.
    nodes : Nodes
    bins : Window
        The bins of which tell how long a step is.

    Returns
    -------
    cell : (2, 2) numpy.ndarray of float64
    curvature : (4, 4) numpy.ndarray of float64
        Expected negative second derivatives.
    spread : (4, 4) numpy.ndarray of float64
        Covariance of the gradient by independent noise.
    """
    farthest = np.abs(nodes.indices).max()
    ideal = spread = None
    for _ in range(STEPS):
        gradient, curvature = np.zeros(4), np.zeros((4, 4))
        spread, ideal = np.zeros((4, 4)), np.zeros((4, 4))
        for window in windows:
            slope, own, *both = _derivatives(window, cell, nodes)
            gradient, curvature = gradient + slope, curvature + own
            ideal, spread = ideal + both[0], spread + both[1]
        if _is_singular(ideal):
            break
        sizes = np.linalg.eigvalsh(ideal)
        # Away from the maximum the second derivatives may have the other sign.
        if np.linalg.eigvalsh(curvature)[0] <= 0.1 * sizes[0]:
            curvature = ideal
        step = np.linalg.solve(curvature, gradient).reshape(2, 2)
        length = bins.bins(step).max() * farthest
        if length > LONGEST_STEP:
            step *= LONGEST_STEP / length
        cell = cell + step
        if length < CONVERGED:
            break
    return cell, ideal, spread


def _derivatives(window, cell, nodes):
    """Of the weighted power of nodes in a window.

    Returns
    -------
    gradient : (4,) numpy.ndarray of float64
    curvature : (4, 4) numpy.ndarray of float64
        Negative second derivatives.
    ideal : (4, 4) numpy.ndarray of float64
        What these are of the signal alone, at the maximum.
    spread : (4, 4) numpy.ndarray of float64
        Covariance of the gradient by independent noise, which is of all power at a
        node: that of the noise, too, has a slope.
    """
    noise = nodes.noise * window.energy_area
    F, dF, ddF = window.derivatives(nodes.indices @ cell)
    each, h = nodes.weights / noise, nodes.indices
    slopes = 2 * (F.conj()[:, np.newaxis] * dF).real
    gradient = np.einsum("n,ni,nj->ij", each, h, slopes).ravel()
    second = 2 * np.real(
        np.einsum("ni,nj->nij", dF.conj(), dF)
        + F.conj()[:, np.newaxis, np.newaxis] * ddF
    )
    hh = h[:, :, np.newaxis] * h[:, np.newaxis]
    curvature = -np.einsum("n,nik,njl->ijkl", each, hh, second).reshape(4, 4)
    power = 8 * np.pi**2 * np.abs(F) ** 2 / noise
    signal = np.maximum(power - 8 * np.pi**2, 0)
    ideal = _outer(nodes.weights * signal, hh, window.moments)
    spread = _outer(nodes.weights**2 * power, hh, window.energy_moments)
    return gradient, curvature, ideal, spread


def _is_singular(matrix):
    """Whether a positive matrix (4, 4) cannot be inverted: bool."""
    sizes = np.linalg.eigvalsh(matrix)
    return not sizes[0] > SINGULAR * sizes[-1]


def _outer(weights, hh, moments):
    """Sum over nodes of weights (n,) times h h' (n, 2, 2) x moments: (4, 4) array."""
    total = np.einsum("n,nik->ik", weights, hh)
    return np.einsum("ik,jl->ijkl", total, moments).reshape(4, 4)


def _scale(window, cell, nodes):
    """How much more the lattices of quarters differ than by their errors, at least 1.

    Displaced columns move all nodes together, so that errors do not average over nodes
    as they do for noise. How far each quarter is from its maximum is told by its slope
    at the lattice of all: the maxima themselves are not near enough at low doses.
    """
    steps, precisions = [], []
    for quarter in window.quarters():
        gradient, _, ideal, spread = _derivatives(quarter, cell, nodes)
        if _is_singular(spread) or _is_singular(ideal):
            continue
        step = np.linalg.solve(ideal, gradient)
        # Of another crystal.
        if (quarter.bins(step.reshape(2, 2)) > 1).any():
            continue
        steps.append(step)
        precisions.append(ideal @ np.linalg.solve(spread, ideal))
    if len(steps) < 2:
        return 1.0
    total = sum(precisions)
    mean = np.linalg.solve(
        total, sum(each @ own for each, own in zip(precisions, steps, strict=True))
    )
    chi = sum(
        (own - mean) @ each @ (own - mean)
        for each, own in zip(precisions, steps, strict=True)
    )
    return float(np.sqrt(max(1.0, chi / (4 * (len(steps) - 1)))))
