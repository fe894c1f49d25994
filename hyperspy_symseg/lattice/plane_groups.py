# SPDX-License-Identifier: GPL-3.0-or-later
"""The 17 plane groups: general positions, and their settings on a primitive cell.

A position is a pair of fractions of the lattice vectors a and b. An operation moves it
to W @ position + w, and the structure factors of what it leaves as it is have
F(h W) = F(h) exp(2 pi i h.w) (International Tables for Crystallography, volume A).
"""

import functools
import itertools
from typing import NamedTuple

import numpy as np

OBLIQUE, RECTANGULAR, CENTRED, SQUARE, HEXAGONAL = BRAVAIS_TYPES = (
    "oblique",
    "rectangular",
    "centred rectangular",
    "square",
    "hexagonal",
)
# Bravais type and general positions in the standard setting of the International
# Tables, without those that centring adds.
_POSITIONS = {
    "p1": (OBLIQUE, "x,y"),
    "p2": (OBLIQUE, "x,y -x,-y"),
    "pm": (RECTANGULAR, "x,y -x,y"),
    "pg": (RECTANGULAR, "x,y -x,y+1/2"),
    "cm": (CENTRED, "x,y -x,y"),
    "p2mm": (RECTANGULAR, "x,y -x,-y -x,y x,-y"),
    "p2mg": (RECTANGULAR, "x,y -x,-y -x+1/2,y x+1/2,-y"),
    "p2gg": (RECTANGULAR, "x,y -x,-y -x+1/2,y+1/2 x+1/2,-y+1/2"),
    "c2mm": (CENTRED, "x,y -x,-y -x,y x,-y"),
    "p4": (SQUARE, "x,y -x,-y -y,x y,-x"),
    "p4mm": (SQUARE, "x,y -x,-y -y,x y,-x -x,y x,-y y,x -y,-x"),
    "p4gm": (
        SQUARE,
        "x,y -x,-y -y,x y,-x -x+1/2,y+1/2 x+1/2,-y+1/2 y+1/2,x+1/2 -y+1/2,-x+1/2",
    ),
    "p3": (HEXAGONAL, "x,y -y,x-y -x+y,-x"),
    "p3m1": (HEXAGONAL, "x,y -y,x-y -x+y,-x -y,-x -x+y,y x,x-y"),
    "p31m": (HEXAGONAL, "x,y -y,x-y -x+y,-x y,x x-y,-y -x,-x+y"),
    "p6": (HEXAGONAL, "x,y -y,x-y -x+y,-x -x,-y y,-x+y x-y,x"),
    "p6mm": (
        HEXAGONAL,
        "x,y -y,x-y -x+y,-x -x,-y y,-x+y x-y,x -y,-x -x+y,y x,x-y y,x x-y,-y -x,-x+y",
    ),
}
PLANE_GROUPS = tuple(_POSITIONS)
# Rows of the vectors of conventional cells, in vectors of a reduced primitive cell with
# 0 <= a.b <= a.a / 2, for each way in which the lattice can be of a type.
CELLS = {
    "oblique": (OBLIQUE, ((1, 0), (0, 1))),
    "rectangular": (RECTANGULAR, ((1, 0), (0, 1))),
    "rhombic, |a| = |b|": (CENTRED, ((1, 1), (1, -1))),
    "rhombic, |b| = |a - b|": (CENTRED, ((1, 0), (-1, 2))),
    "rhombic, |a| = |a - b|": (CENTRED, ((0, 1), (2, -1))),
    "square": (SQUARE, ((1, 0), (0, 1))),
    "hexagonal": (HEXAGONAL, ((1, 0), (-1, 1))),
}
# Of fractions along an axis that tell equivalent origins apart.
ORIGINS = 12
# Operations of a point group of the plane, at most.
LARGEST_ORDER = 12


class Setting(NamedTuple):
    """Operations of a plane group on a primitive cell.

    Attributes
    ----------
    group : str
    cell : str
        One of `CELLS`.
    conventional : (2, 2) numpy.ndarray of int
        Vectors of the conventional cell, a row each, in those of the primitive one.
    W : (n, 2, 2) numpy.ndarray of int
    w : (n, 2) numpy.ndarray of float64
        From 0 to 1.
    """

    group: str
    cell: str
    conventional: np.ndarray
    W: np.ndarray
    w: np.ndarray


def bravais_type(group):
    """Bravais type of the lattice of a plane group: str.

    Examples
    --------
    >>> bravais_type("c2mm")
    'centred rectangular'
    """
    return _POSITIONS[group][0]


def order(group):
    """Number of general positions of a primitive cell: int.

    Examples
    --------
    >>> order("c2mm"), order("p6mm")
    (4, 12)
    """
    return len(_POSITIONS[group][1].split())


def operations(group):
    """General positions W @ (x, y) + w in the standard setting, without centring.

    Parameters
    ----------
    group : str
        One of `PLANE_GROUPS`.

    Returns
    -------
    W : (n, 2, 2) numpy.ndarray of int
    w : (n, 2) numpy.ndarray of float64

    Examples
    --------
    >>> W, w = operations("pg")
    >>> W[1].tolist(), w[1].tolist()
    ([[-1, 0], [0, 1]], [0.0, 0.5])
    """
    positions = _POSITIONS[group][1].split()
    W, w = np.zeros((len(positions), 2, 2), int), np.zeros((len(positions), 2))
    for i, position in enumerate(positions):
        for row, term in enumerate(position.split(",")):
            term, half, _ = term.partition("+1/2")
            w[i, row] = 0.5 * bool(half)
            sign = 1
            for letter in term:
                if letter in "xy":
                    W[i, row, "xy".index(letter)] = sign
                sign = -1 if letter == "-" else 1
    return W, w


@functools.cache
def settings(group):
    """All settings of a plane group on a reduced primitive cell.

    Parameters
    ----------
    group : str
        One of `PLANE_GROUPS`.

    Returns
    -------
    tuple of Setting
        Without those that have the operations of another one of the same cell.

    Examples
    --------
    >>> [len(settings(group)) for group in ("p2", "pm", "p2mm", "cm", "c2mm", "p4gm")]
    [1, 2, 1, 6, 3, 1]
    """
    W, w = operations(group)
    found = {}
    for name, (kind, vectors) in CELLS.items():
        if kind != bravais_type(group):
            continue
        for rows in (vectors, vectors[::-1]):
            if rows != vectors and kind not in (RECTANGULAR, CENTRED):
                continue
            # f A = f' (Q A), so f = Q^T f'.
            across = np.array(rows).T
            back = np.linalg.inv(across)
            own_W = np.rint(across @ W @ back).astype(int)
            own_w = (w @ across.T) % 1
            setting = Setting(group, name, np.array(rows), own_W, own_w)
            key = (
                name,
                frozenset(
                    (*each.ravel().tolist(), *shift.tolist())
                    for each, shift in zip(own_W, own_w, strict=True)
                ),
            )
            found.setdefault(key, setting)
    return tuple(found.values())


def supergroups(setting):
    """Settings of higher plane groups of the same cell that have the same operations.

    Parameters
    ----------
    setting : Setting
        One of `settings`.

    Returns
    -------
    list of (Setting, (n,) numpy.ndarray of int)
        With the operations of the higher one that are those of the setting, about
        another origin.

    Examples
    --------
    >>> [higher.group for higher, _ in supergroups(settings("pg")[0])]
    ['p2mg', 'p2gg']
    """
    own = settings(setting.group)
    return _supergroups(
        setting.group, next(i for i, each in enumerate(own) if each is setting)
    )


@functools.cache
def _supergroups(group, number):
    """`supergroups` of one of the settings of a group."""
    own, found = settings(group)[number], []
    shifts = np.stack(np.meshgrid(*2 * [np.arange(ORIGINS)]), axis=-1).reshape(-1, 2)
    moved = shifts / ORIGINS @ np.swapaxes(np.eye(2) - own.W, -1, -2)
    for other in PLANE_GROUPS:
        for higher in settings(other) if order(other) > order(group) else ():
            same = (own.W[:, np.newaxis] == higher.W).all(axis=(-2, -1))
            if higher.cell != own.cell or not same.any(axis=1).all():
                continue
            operations = same.argmax(axis=1)
            off = moved - (higher.w[operations] - own.w)[:, np.newaxis]
            if (np.abs(off - np.rint(off)) < 1e-6).all(axis=(0, 2)).any():
                found.append((higher, operations))
    return found


def n_origins(W):
    """Number of equivalent origins in a cell; where an origin is free, of the lines.

    Parameters
    ----------
    W : (n, 2, 2) numpy.ndarray of int
        Linear parts of all operations.

    Returns
    -------
    int

    Examples
    --------
    >>> [n_origins(operations(group)[0]) for group in ("p1", "p2", "pm", "p3", "p4")]
    [1, 4, 2, 3, 2]
    """
    numbers = np.arange(ORIGINS)
    t = np.stack(np.meshgrid(numbers, numbers), axis=-1).reshape(-1, 2)
    moved = t @ np.swapaxes(np.eye(2, dtype=int) - W, -1, -2)
    same = (moved % ORIGINS == 0).all(axis=(0, 2)).sum()
    rank = np.linalg.matrix_rank((np.eye(2) - W).reshape(-1, 2))
    return int(same // ORIGINS ** (2 - rank))


def closure(W):
    """Group that some linear parts generate, with the inversion.

    Parameters
    ----------
    W : (n, 2, 2) numpy.ndarray of int

    Returns
    -------
    (m, 2, 2) numpy.ndarray of int, or None
        None if it is no point group of the plane: there are too many.

    Examples
    --------
    >>> len(closure(operations("p3")[0])), len(closure(operations("p4mm")[0]))
    (6, 8)
    """
    generators = {tuple(map(int, each.ravel())) for each in W} | {(-1, 0, 0, -1)}
    found = set(generators) | {(1, 0, 0, 1)}
    while True:
        arrays = [np.array(each).reshape(2, 2) for each in found]
        new = {
            tuple(map(int, (one @ other).ravel()))
            for one, other in itertools.product(arrays, arrays)
        } - found
        if not new:
            return np.array(sorted(found)).reshape(-1, 2, 2)
        found |= new
        if len(found) > LARGEST_ORDER:
            return None
