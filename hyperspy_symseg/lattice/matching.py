# SPDX-License-Identifier: GPL-3.0-or-later
"""How one lattice lies to another: the deformation that takes it there."""

import functools
import itertools
from typing import NamedTuple

import numpy as np

from .bravais import reduced_cell

# Of the integers that a basis is made with.
LARGEST = 3
# Strains that differ by less are the same, and the smaller rotation counts.
SAME = 1e-3
# Strain beyond which a lattice is another one; less where one has fewer sites, as there
# are many such lattices.
MOST_STRAIN, MOST_OF_OTHERS = 0.15, 0.05


class Deformation(NamedTuple):
    """A linear deformation, as a rotation and then a stretch.

    Matrices act on columns (y, x).

    Attributes
    ----------
    stretch : (..., 2, 2) numpy.ndarray of float64
        V, symmetric, of F = V R.
    angle : (...) numpy.ndarray of float64
        Of the rotation R, in degrees, from x towards y.
    """

    stretch: np.ndarray
    angle: np.ndarray

    @classmethod
    def of(cls, matrix):
        """Polar decomposition of a matrix F (..., 2, 2): Deformation.

        Examples
        --------
        >>> found = Deformation.of(np.array([[0, 1.02], [-1, 0]]))
        >>> found.stretch.round(9), float(found.angle)
        (array([[1.02, 0.  ],
               [0.  , 1.  ]]), 90.0)
        """
        (yy, yx), (xy, xx) = np.moveaxis(np.asarray(matrix, float), (-2, -1), (0, 1))
        angle = np.arctan2(yx - xy, yy + xx)
        cos, sin = np.cos(angle), np.sin(angle)
        # F R', in which R is ((cos, sin), (-sin, cos)).
        stretch_yy, stretch_xx = yy * cos + yx * sin, xx * cos - xy * sin
        across = (yx * cos - yy * sin + xy * cos + xx * sin) / 2
        stretch = np.stack([stretch_yy, across, across, stretch_xx], axis=-1)
        stretch = stretch.reshape(*angle.shape, 2, 2) + 0.0
        return cls(stretch, np.degrees(angle))


def deformation(vectors, others):
    """Matrix F (..., 2, 2) that takes other vectors to these, both (..., 2, 2) rows."""
    # Not `solve`, which takes one matrix for vectors in NumPy 1.
    return np.swapaxes(np.linalg.inv(others) @ vectors, -1, -2)


@functools.cache
def _integers(any_index):
    """Integer matrices of the determinants 1 and -1, or of all but 0: (n, 2, 2)."""
    numbers = range(-LARGEST, LARGEST + 1)
    found = np.array(list(itertools.product(numbers, repeat=4))).reshape(-1, 2, 2)
    index = np.abs(found[:, 0, 0] * found[:, 1, 1] - found[:, 0, 1] * found[:, 1, 0])
    return found[index > 0 if any_index else index == 1]


def strain_of(stretch):
    """Strain of stretches (..., 2, 2), the square root of both squared: (...)."""
    away = stretch - np.eye(2)
    return np.sqrt((away**2).sum(axis=(-2, -1)))


def bases(vectors, others, any_index=False):
    """Vectors of another lattice that are near those of a lattice but for a rotation.

    Parameters
    ----------
    vectors, others : (2, 2) numpy.ndarray of float64
        Lattice vectors (y, x), a row each; not too far from the shortest ones.
    any_index : bool
        Whether a lattice may be a superlattice of the other one.

    Returns
    -------
    found : (n, 2, 2) numpy.ndarray of float64
        Vectors in the other lattice, or of fractions of it.
    deformations : Deformation
        Of those, to the lattice, without mirrors.
    """
    whole = _integers(any_index)
    found = whole @ others
    if any_index:
        found = np.concatenate([found, np.linalg.inv(whole) @ others])
    matrices = deformation(np.asarray(vectors, float), found)
    proper = np.linalg.det(matrices) > 0
    return found[proper], Deformation.of(matrices[proper])


def nearest_basis(vectors, others, any_index=False, most=0.0):
    """Vectors of another lattice that a lattice is deformed from.

    The strain is the least and, of equal strains, the rotation is.

    Parameters
    ----------
    vectors, others, any_index
        As for `bases`.
    most : float
        Strain up to which the rotation counts alone.

    Returns
    -------
    found : (2, 2) numpy.ndarray of float64
    strain, angle : float
        How large they are; the angle is in degrees, from x towards y.

    Examples
    --------
    >>> found, strain, angle = nearest_basis(
    ...     np.array([[0, 10.0], [10, 0]]), np.array([[10.1, 0], [10.1, 10]])
    ... )
    >>> found.tolist(), round(strain, 3), round(angle)
    ([[0.0, 10.0], [10.1, 0.0]], 0.01, 0)
    """
    found, deformations = bases(vectors, others, any_index)
    strains = strain_of(deformations.stretch)
    near = np.flatnonzero(strains <= max(strains.min() + SAME, most))
    best = near[np.argmin(np.abs(deformations.angle[near]))]
    return (
        found[best] + 0.0,
        float(strains[best]),
        float(deformations.angle[best]),
    )


def matched(vectors, others, is_turned=True):
    """Vectors of another lattice that a lattice is deformed from, if it is that one.

    Either may be a superlattice of the other one, if neither has the same sites.

    Parameters
    ----------
    vectors, others
        As for `bases`; the others may be of any basis.
    is_turned : bool
        Whether the least strain counts, as one may be turned. Otherwise the least
        rotation does: what was along x stays along x.

    Returns
    -------
    (2, 2) numpy.ndarray of float64, or None
        None if the strain is more than 15 %, or 5 % of a superlattice.
    """
    if not np.isfinite([vectors, others]).all() or not np.linalg.det(others):
        return None
    reduced = reduced_cell(others).vectors
    basis, strain, _ = nearest_basis(
        vectors, reduced, most=0.0 if is_turned else MOST_STRAIN
    )
    if strain <= MOST_STRAIN:
        return basis
    basis, strain, _ = nearest_basis(vectors, reduced, any_index=True)
    return basis if strain <= MOST_OF_OTHERS else None
