# SPDX-License-Identifier: GPL-3.0-or-later
"""Two-dimensional crystals, with vacancies, holes and edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_symseg.frames.checks import is_number

from .. import checks
from .scattering import ELEMENTS
from .specimen import ROOM, Specimen, turned

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Lattice constants, and the height of S above Mo, in angstroms.
GRAPHENE, MOS2, SULPHUR = 2.46, 3.16, 1.58
# Radii of holes in angstroms, and how ragged their edges are.
HOLE, RAGGED = (3.0, 9.0), 0.25
# Atoms of one column are no farther apart than this in projection, in angstroms.
SAME = 0.1


def graphene(
    size: tuple[float, float],
    *,
    rotation: float | None = None,
    vacancies: float = 0.0,
    holes: int = 0,
    vacuum: float = 0.0,
    seed: int = 0,
) -> Specimen:
    """A sheet of graphene.

    Parameters
    ----------
    size : (float, float)
        Extent along y and x of what is to be seen, in angstroms. The sheet goes on for
        20 angstroms around.
    rotation : float, optional
        Of the lattice, in degrees. By default at random.
    vacancies : float
        Share of the columns that are struck, each of which loses from one to all of
        its atoms.
    holes : int
        How many, with radii of 3 to 9 angstroms.
    vacuum : float
        Share of the extent, along a random direction, that is beyond an edge.
    seed : int

    Returns
    -------
    Specimen

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> graphene((20.0, 20.0), rotation=0).positions.shape
    (1397, 3)
    """
    atoms = [(1 / 3, 2 / 3, 0, "C"), (2 / 3, 1 / 3, 0, "C")]
    return crystal_sheet(
        _hexagonal(GRAPHENE),
        atoms,
        size,
        rotation=rotation,
        vacancies=vacancies,
        holes=holes,
        vacuum=vacuum,
        seed=seed,
    )


def mos2(
    size: tuple[float, float],
    *,
    rotation: float | None = None,
    vacancies: float | dict[str, float] = 0.0,
    holes: int = 0,
    vacuum: float = 0.0,
    seed: int = 0,
) -> Specimen:
    """A single layer of MoS2; vacancies are those of sulphur, if given as one number.

    Parameters
    ----------
    size, rotation, holes, vacuum, seed
        As in `graphene`.
    vacancies : float or dict of str and float
        Share of the columns that are struck, by element.

    Returns
    -------
    Specimen

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> sorted(set(mos2((20.0, 20.0), vacancies=0.1).elements.tolist()))
    ['Mo', 'S']
    """
    atoms = [
        (1 / 3, 2 / 3, 0, "Mo"),
        (2 / 3, 1 / 3, -SULPHUR, "S"),
        (2 / 3, 1 / 3, SULPHUR, "S"),
    ]
    if not isinstance(vacancies, dict):
        vacancies = {"S": vacancies}
    return crystal_sheet(
        _hexagonal(MOS2),
        atoms,
        size,
        rotation=rotation,
        vacancies=vacancies,
        holes=holes,
        vacuum=vacuum,
        seed=seed,
    )


def crystal_sheet(
    vectors: ArrayLike,
    atoms: Sequence[tuple[float, float, float, str]],
    size: tuple[float, float],
    *,
    rotation: float | None = None,
    vacancies: float | dict[str, float] = 0.0,
    holes: int = 0,
    vacuum: float = 0.0,
    seed: int = 0,
) -> Specimen:
    """A sheet of any two-dimensional crystal.

    Parameters
    ----------
    vectors : (2, 2) array_like
        Lattice vectors (y, x), in angstroms.
    atoms : list of (float, float, float, str)
        Of a cell: fractions along the two vectors, z in angstroms, and the element.
    size, rotation, holes, vacuum, seed
        As in `graphene`.
    vacancies : float or dict of str and float
        Share of the columns that are struck, of all or by element.

    Returns
    -------
    Specimen

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> square = [[4.0, 0], [0, 4.0]]
    >>> crystal_sheet(square, [(0, 0, 0, "Au")], (8.0, 12.0)).n_columns > 100
    True
    """
    vectors = np.asarray(vectors, float)
    valid = vectors.shape == (2, 2) and abs(np.linalg.det(vectors)) > 1e-6
    checks.require(valid, "vectors", vectors, "two vectors (y, x) that span a plane")
    rule = f"a list of (u, v, z, element), of {', '.join(ELEMENTS)}"
    valid = isinstance(atoms, list | tuple) and len(atoms) > 0
    checks.require(valid and all(map(_is_atom, atoms)), "atoms", atoms, rule)
    size = checks.extent(size)
    holes = checks.whole("holes", holes, "an int of at least 0", least=0)
    rule = "a share from 0 to 1"
    vacuum = checks.number("vacuum", vacuum, lambda x: 0 <= x <= 1, rule)
    shares = (
        vacancies if isinstance(vacancies, dict) else dict.fromkeys(ELEMENTS, vacancies)
    )
    own = ELEMENTS if shares is not vacancies else sorted({a[3] for a in atoms})
    rule_of_names = f"a share, or a dict of shares by elements of {', '.join(own)}"
    checks.require(set(shares) <= set(own), "vacancies", vacancies, rule_of_names)
    shares = {
        element: checks.number("vacancies", share, lambda x: 0 <= x <= 1, rule)
        for element, share in shares.items()
    }
    rng = np.random.default_rng(checks.seed(seed))
    way = turned(rotation, rng)
    cells = _cells(vectors @ way, size, rng)
    group, offsets = _columns_of_cell(vectors, atoms)
    places = cells[:, np.newaxis] + (offsets @ way)
    n, m = places.shape[:2]
    positions = np.concatenate(
        [places, np.broadcast_to([[a[2]] for a in atoms], (n, m, 1))], axis=2
    ).reshape(-1, 3)
    columns = (np.arange(n)[:, np.newaxis] * (group.max() + 1) + group).ravel()
    elements = np.tile([a[3] for a in atoms], n)
    inside = ((positions[:, :2] >= -ROOM) & (positions[:, :2] <= size + ROOM)).all(1)
    inside &= _is_there(positions[:, :2], size, holes, vacuum, rng)
    # A column is there with all of its atoms, or not at all.
    inside = np.isin(columns, np.unique(columns[inside]))
    positions, columns, elements = positions[inside], columns[inside], elements[inside]
    return _struck(positions, elements, columns, shares, rng)


def _is_atom(atom):
    """Whether an atom of a cell is one: (u, v, z, element)."""
    valid = isinstance(atom, list | tuple) and len(atom) == 4
    valid = valid and all(is_number(x) and math.isfinite(x) for x in atom[:3])
    return valid and atom[3] in ELEMENTS


def _hexagonal(a):
    """Lattice vectors (y, x) with 120 degrees between them: list."""
    return [[0.0, a], [a * math.sqrt(3) / 2, -a / 2]]


def _cells(vectors, size, rng):
    """Corners of the cells of a sheet, from a random origin: (n, 2) array."""
    origin = rng.uniform(size=2) @ vectors
    low, high = -2 * ROOM - origin, size + 2 * ROOM - origin
    corners = [low, high, (low[0], high[1]), (high[0], low[1])]
    corners = np.array(corners) @ np.linalg.inv(vectors)
    first, last = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
    i, j = np.mgrid[first[0] : last[0] + 1, first[1] : last[1] + 1].reshape(2, -1)
    return origin + np.column_stack([i, j]) @ vectors


def _columns_of_cell(vectors, atoms):
    """Number of the column of each atom of a cell, and where it is: two arrays."""
    offsets = np.array([a[:2] for a in atoms], float) @ vectors
    group = np.zeros(len(atoms), int)
    for i in range(len(atoms)):
        near = np.hypot(*(offsets[: i + 1] - offsets[i]).T) < SAME
        first = int(np.argmax(near))
        group[i] = group[first] if first < i else group[:i].max(initial=-1) + 1
    return group, offsets


def _is_there(places, size, holes, vacuum, rng):
    """Which places are neither in a hole nor beyond an edge: (n,) array of bool."""
    kept = np.ones(len(places), bool)
    for _ in range(holes):
        away = places - rng.uniform(0, size)
        angle = np.arctan2(*away.T)
        radius = rng.uniform(*HOLE)
        for order in (2, 3, 5):
            wave = np.cos(order * angle + rng.uniform(0, 2 * math.pi))
            radius = radius * (1 + RAGGED / order * wave)
        kept &= np.hypot(*away.T) > radius
    if vacuum:
        way = rng.uniform(0, 2 * math.pi)
        way = np.array([math.sin(way), math.cos(way)])
        half = 0.5 * np.abs(way) @ size
        along = (places - 0.5 * size) @ way
        kept &= along <= half * (1 - 2 * vacuum)
    return kept


def _struck(positions, elements, columns, shares, rng):
    """What is left of columns that lose atoms at random: Specimen."""
    numbers, first, counts = np.unique(columns, return_index=True, return_counts=True)
    chance = np.array([shares.get(e, 0.0) for e in elements[first]])
    hit = rng.random(len(numbers)) < chance
    lost = np.where(hit, rng.integers(1, counts + 1), 0)
    # The first atoms of a column, in a random order.
    order = np.lexsort((rng.random(len(columns)), columns))
    start = np.concatenate([[0], np.cumsum(counts)[:-1]])
    rank = np.arange(len(columns)) - np.repeat(start, counts)
    kept = np.ones(len(columns), bool)
    kept[order] = rank >= np.repeat(lost, counts)
    gone = first[lost == counts]
    return Specimen(
        positions[kept], elements[kept], columns[kept], positions[gone], elements[gone]
    )
