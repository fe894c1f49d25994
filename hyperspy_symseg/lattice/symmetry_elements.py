# SPDX-License-Identifier: GPL-3.0-or-later
"""Rotation centres, mirrors and glide lines of a plane group in a conventional cell."""

import itertools
from typing import NamedTuple

import numpy as np

from .plane_groups import CENTRED, bravais_type, operations

# Translations to neighbouring cells that bring an element into the cell.
NEIGHBOURS = range(-2, 3)
# Coordinates that differ by less are the same.
SAME = 1e-6


class SymmetryElements(NamedTuple):
    """Elements in a cell, its edges included, in fractions of its vectors.

    Attributes
    ----------
    centres : list of (float, float, int)
        Rotation centres with their highest fold.
    mirrors, glides : list of (2, 2) numpy.ndarray of float64
        Ends of each line on the edges of the cell, a row each. Glide lines are those
        that are no mirrors.
    """

    centres: list
    mirrors: list
    glides: list


def symmetry_elements(group):
    """Symmetry elements of a plane group, by algebra from its general positions.

    Parameters
    ----------
    group : str
        One of `PLANE_GROUPS`.

    Returns
    -------
    SymmetryElements

    Examples
    --------
    >>> found = symmetry_elements("p2gg")
    >>> len(found.centres), len(found.mirrors), len(found.glides)
    (9, 0, 4)
    """
    W, w = operations(group)
    if bravais_type(group) == CENTRED:
        W, w = np.concatenate([W, W]), np.concatenate([w, w + 0.5])
    shifts = np.array(list(itertools.product(NEIGHBOURS, repeat=2)))
    mirrors, glides = {}, {}
    for each, shift in zip(W, w, strict=True):
        if np.linalg.det(each) > 0:
            continue
        moved = shift + shifts
        along = moved @ (np.eye(2) + each).T / 2
        for glide, point in zip(along, (moved - along) / 2, strict=True):
            ends = _clipped(point, _direction(each))
            if ends is not None:
                is_mirror = np.abs(glide).max() < SAME
                (mirrors if is_mirror else glides)[_key(ends)] = ends
    glides = [ends for key, ends in glides.items() if key not in mirrors]
    return SymmetryElements(_centres(W, w, shifts), list(mirrors.values()), glides)


def _centres(W, w, shifts):
    """Rotation centres in the cell with their highest fold: list."""
    rotations = [
        (each, shift)
        for each, shift in zip(W, w, strict=True)
        if np.linalg.det(each) > 0 and not np.array_equal(each, np.eye(2))
    ]
    places = {}
    for each, shift in rotations:
        points = np.linalg.solve(np.eye(2) - each, (shift + shifts).T).T
        for point in points:
            if (point > -SAME).all() and (point < 1 + SAME).all():
                places[tuple(point.round(6) + 0.0)] = point
    found = []
    for point in places.values():
        fixing = {
            tuple(each.ravel())
            for each, shift in rotations
            if _is_whole(each @ point + shift - point)
        }
        found.append((float(point[0]), float(point[1]), len(fixing) + 1))
    return found


def _is_whole(values):
    return bool(np.abs(values - np.rint(values)).max() < SAME)


def _direction(W):
    """Vector (2,) that a reflection leaves as it is."""
    values, vectors = np.linalg.eig(W.astype(float))
    return vectors[:, np.argmin(np.abs(values - 1))].real


def _clipped(point, direction):
    """Ends (2, 2) of a line in the unit square; None if it misses or touches it."""
    low, high = -np.inf, np.inf
    for start, step in zip(point, direction, strict=True):
        if abs(step) < SAME:
            if not -SAME < start < 1 + SAME:
                return None
            continue
        first, last = sorted([-start / step, (1 - start) / step])
        low, high = max(low, first), min(high, last)
    if high - low < SAME:
        return None
    return point + np.outer([low, high], direction)


def _key(ends):
    """What is the same for one line, whichever way it is drawn."""
    return tuple(sorted(map(tuple, (ends.round(5) + 0.0).tolist())))
