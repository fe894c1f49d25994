# SPDX-License-Identifier: GPL-3.0-or-later
"""Atomic columns without a lattice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.spatial import cKDTree

from . import checks

if TYPE_CHECKING:
    from hyperspy_symseg.simulate import Lattice

# Discs dropped one by one, where they touch none, come to cover 0.547 of the plane.
HIGHEST_COVERAGE = 0.52
NARROW = 10  # in distances
# Rounds after which all columns are taken away again: of the densest in small frames,
# one of fifteen leaves no room for the last column, and most need less.
ROUNDS = 250


@dataclass(frozen=True)
class Amorphous:
    """Atomic columns of weight 1 at random, none nearer to another than a distance.

    Parameters
    ----------
    density : float
        Columns in a pixel.
    distance : float
        Least distance between two columns, in pixels. It bounds the density: what
        there is room for is 0.66 columns in a square with this side.

    Raises
    ------
    ValueError
        If an argument is out of range, or if there is no room for so many columns.

    Examples
    --------
    >>> Amorphous(density=0.005, distance=10)
    Amorphous(density=0.005, distance=10.0)
    """

    density: float
    distance: float

    def __post_init__(self):
        """Check the arguments."""
        density = checks.positive("density", self.density)
        distance = checks.not_negative("distance", self.distance)
        highest = math.sqrt(4 * HIGHEST_COVERAGE / (math.pi * density))
        rule = f"at most {highest:.6g} pixels, for {density:.6g} in a pixel"
        checks.require(distance <= highest, "distance", distance, rule)
        checks.set_fields(self, density=density, distance=distance)

    @classmethod
    def like(cls, lattice: Lattice, fraction: float = 0.8) -> Amorphous:
        """As many columns as a crystal has.

        Parameters
        ----------
        lattice : Lattice
            The crystal.
        fraction : float
            The least distance, in units of the side of a square with one column.

        Returns
        -------
        Amorphous

        Raises
        ------
        ValueError
            If there is no room for so many columns at that distance.

        Examples
        --------
        >>> from hyperspy_symseg.simulate import Lattice
        >>> Amorphous.like(Lattice.square(10))
        Amorphous(density=0.01, distance=8.0)
        """
        fraction = checks.not_negative("fraction", fraction)
        return cls(lattice.density, fraction / math.sqrt(lattice.density))

    def columns(
        self, low: np.ndarray, high: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Columns in a rectangle.

        Parameters
        ----------
        low, high : numpy.ndarray of float64, shape (2,)
            Corners of the rectangle.
        rng : numpy.random.Generator
            Of the positions.

        Returns
        -------
        numpy.ndarray of float64, shape (n, 2)
            Positions. In a rectangle of ten distances or more along both axes, n is
            the density times the area, rounded.
        """
        # As if it were repeated on all sides: columns would crowd at its edges. In a
        # narrow one, there may be no room for a column that is its own neighbour.
        size = np.maximum(high - low, NARROW * self.distance)
        n = round(self.density * np.prod(size))
        columns, rounds = np.empty((0, 2)), 0
        while len(columns) < n:
            rounds += 1
            if rounds % ROUNDS == 0:
                columns = columns[:0]
            new = rng.uniform(0, size, (n, 2))
            if len(columns):
                nearest, _ = cKDTree(columns, boxsize=size).query(new)
                new = new[nearest >= self.distance]
            # Of two that are too near each other, the one that came first stays.
            tree = cKDTree(new, boxsize=size)
            pairs = tree.query_pairs(self.distance, output_type="ndarray")
            new = np.delete(new, pairs[:, 1], axis=0)
            columns = np.concatenate([columns, new])[:n]
        return columns[(columns < high - low).all(axis=1)] + low
