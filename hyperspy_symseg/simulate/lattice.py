# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattices, with a motif of atomic columns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from . import checks

ONE_COLUMN = ((0.0, 0.0, 1.0),)


@dataclass(frozen=True)
class Lattice:
    """A two-dimensional lattice with a motif of atomic columns.

    Parameters
    ----------
    vectors : ((float, float), (float, float))
        Lattice vectors a and b, each (y, x), in pixels.
    motif : sequence of (float, float, float)
        Columns of one cell: position as fractions of a and of b, and weight.

    Raises
    ------
    ValueError
        If a vector is not finite or shorter than a pixel, if the two are parallel,
        or if the motif is empty, not finite, or has a negative weight. The class
        methods also raise it, for lengths and angles out of range.

    Examples
    --------
    >>> Lattice.rectangular(10, 15).vectors
    ((0.0, 10.0), (15.0, 0.0))
    """

    vectors: tuple
    motif: tuple = ONE_COLUMN

    def __post_init__(self):
        """Check the arguments and make them hashable."""
        # Rounded so that the cosine of 90 degrees is 0; adding 0 turns -0 into 0.
        vectors = np.array(self.vectors, dtype=float).round(12) + 0.0
        valid = vectors.shape == (2, 2) and np.isfinite(vectors).all()
        if valid:
            a, b = np.linalg.norm(vectors, axis=1)
            valid = min(a, b) >= 1 and abs(np.linalg.det(vectors)) > 1e-3 * a * b
        rule = "two finite (y, x), not parallel, each at least 1 pixel long"
        checks.require(valid, "vectors", self.vectors, rule)
        motif = np.array(self.motif, dtype=float)
        valid = motif.shape[1:] == (3,) and motif.size and np.isfinite(motif).all()
        rule = "one or more finite (fraction_a, fraction_b, weight >= 0)"
        checks.require(valid and (motif[:, 2] >= 0).all(), "motif", self.motif, rule)
        vectors, motif = (tuple(map(tuple, a.tolist())) for a in (vectors, motif))
        checks.set_fields(self, vectors=vectors, motif=motif)

    @property
    def density(self) -> float:
        """Columns in a pixel: float."""
        (a_y, a_x), (b_y, b_x) = self.vectors
        return len(self.motif) / abs(a_x * b_y - a_y * b_x)

    @classmethod
    def oblique(
        cls,
        a: float,
        b: float,
        angle: float,
        orientation: float = 0.0,
        motif: Sequence[tuple[float, float, float]] = ONE_COLUMN,
    ) -> Lattice:
        """Cell of sides `a`, `b` and the `angle` from a to b.

        Parameters
        ----------
        a, b : float
            Lengths of the lattice vectors, in pixels.
        angle : float
            From a to b, in degrees, between 0 and 180.
        orientation : float
            Angle of a from x, in degrees.
        motif : sequence of (float, float, float)
            As in the class.

        Returns
        -------
        Lattice

        Raises
        ------
        ValueError
            If a length or an angle is out of range.
        """
        a, b = checks.positive("a", a), checks.positive("b", b)
        angle = checks.angle("angle", angle)
        orientation = checks.finite("orientation", orientation)
        turns = np.deg2rad([orientation, orientation + angle])
        return cls(np.transpose([np.sin(turns), np.cos(turns)]) * [[a], [b]], motif)

    @classmethod
    def rectangular(
        cls,
        a: float,
        b: float,
        orientation: float = 0.0,
        motif: Sequence[tuple[float, float, float]] = ONE_COLUMN,
    ) -> Lattice:
        """Rectangular cell.

        Parameters
        ----------
        a, b : float
            Sides of the cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        return cls.oblique(a, b, 90, orientation, motif)

    @classmethod
    def centred(
        cls,
        a: float,
        b: float,
        orientation: float = 0.0,
        motif: Sequence[tuple[float, float, float]] = ONE_COLUMN,
    ) -> Lattice:
        """Centred rectangular cell: the conventional one, its motif at the centre too.

        Parameters
        ----------
        a, b : float
            Sides of the conventional cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        centre = [(u + 0.5, v + 0.5, weight) for u, v, weight in motif]
        return cls.rectangular(a, b, orientation, [*motif, *centre])

    @classmethod
    def square(
        cls,
        spacing: float,
        orientation: float = 0.0,
        motif: Sequence[tuple[float, float, float]] = ONE_COLUMN,
    ) -> Lattice:
        """Square cell.

        Parameters
        ----------
        spacing : float
            Side of the cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        spacing = checks.positive("spacing", spacing)
        return cls.oblique(spacing, spacing, 90, orientation, motif)

    @classmethod
    def hexagonal(
        cls,
        spacing: float,
        orientation: float = 0.0,
        motif: Sequence[tuple[float, float, float]] = ONE_COLUMN,
    ) -> Lattice:
        """Hexagonal cell, with 120 degrees from a to b.

        Parameters
        ----------
        spacing : float
            Side of the cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        spacing = checks.positive("spacing", spacing)
        return cls.oblique(spacing, spacing, 120, orientation, motif)

    def rotated(self, degrees: float) -> Lattice:
        """Lattice turned by an angle.

        Parameters
        ----------
        degrees : float
            From x towards y.

        Returns
        -------
        Lattice
        """
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        return replace(self, vectors=np.dot(self.vectors, [[cos, -sin], [sin, cos]]))

    def mirrored(self, degrees: float) -> Lattice:
        """Mirror twin: the lattice reflected in a line.

        Parameters
        ----------
        degrees : float
            Angle of the line from x.

        Returns
        -------
        Lattice
        """
        # Reflection in the x axis, and then twice the angle.
        reflected = replace(self, vectors=np.multiply(self.vectors, (-1, 1)))
        return reflected.rotated(2 * degrees)
