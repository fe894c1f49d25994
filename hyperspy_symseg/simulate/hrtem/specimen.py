# SPDX-License-Identifier: GPL-3.0-or-later
"""Atoms in the beam, and the columns that they form."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy.spatial import cKDTree

from .. import checks
from .scattering import ELEMENTS

# Tilts are small angles.
MOST_TILT = 200.0
# Gap between a specimen and its support, and what films have beyond a frame, in
# angstroms; atoms in a cubic angstrom of amorphous carbon (2 g / cm^3), and the least
# distance of two.
CONTACT, ROOM = 2.5, 20.0
CARBON, APART = 0.1, 1.3
# How often atoms are drawn, as some are too near others.
ROUNDS = 8


class TrueColumns(NamedTuple):
    """What is true of a frame.

    Attributes
    ----------
    positions : (n, 2) numpy.ndarray of float64
        Of columns, (y, x) in pixels of the frame.
    elements : (n,) numpy.ndarray of str
        Of the atom that scatters most.
    counts : (n,) numpy.ndarray of int
        Atoms in a column; 0 at a place whose atoms are all missing.
    """

    positions: np.ndarray
    elements: np.ndarray
    counts: np.ndarray

    @property
    def occupied(self) -> np.ndarray:
        """Positions of columns with atoms: (m, 2) numpy.ndarray."""
        return self.positions[self.counts > 0]


@dataclass(frozen=True, eq=False)
class Specimen:
    """Atoms in the beam.

    Parameters
    ----------
    positions : (n, 3) array_like
        Of the atoms, (y, x, z) in angstroms; the beam goes along z.
    elements : (n,) array_like of str
        One of "C", "S", "Mo", "Au" each.
    columns : (n,) array_like of int, optional
        Which column an atom is of, from 0; -1 for those of a support. By default each
        is a column of its own.
    vacant : (m, 3) array_like, optional
        Where a column has lost all of its atoms.
    vacant_elements : (m,) array_like of str, optional
        What was there.

    Raises
    ------
    ValueError
        If shapes do not fit together, or an element is not known.

    Examples
    --------
    >>> Specimen([[5, 6, 0], [5, 6, 3.1]], ["S", "S"], [0, 0]).n_columns
    1
    """

    positions: np.ndarray
    elements: np.ndarray
    columns: np.ndarray | None = None
    vacant: np.ndarray = ()
    vacant_elements: np.ndarray = ()

    def __post_init__(self):
        """Check and convert the arrays."""
        positions = _places("positions", self.positions)
        elements = np.asarray(self.elements, str).ravel()
        vacant = _places("vacant", self.vacant)
        missing = np.asarray(self.vacant_elements, str).ravel()
        for name, own, places in (
            ("elements", elements, positions),
            ("vacant_elements", missing, vacant),
        ):
            known = len(own) == len(places) and np.isin(own, ELEMENTS).all()
            rule = f"one of {', '.join(ELEMENTS)} for each of {len(places)} positions"
            checks.require(known, name, own, rule)
        columns = self.columns
        columns = np.arange(len(elements)) if columns is None else np.asarray(columns)
        rule = f"{len(elements)} whole numbers of at least -1"
        valid = columns.shape == elements.shape
        valid = valid and (columns.dtype.kind in "iu" or not len(columns))
        valid = valid and (columns >= -1).all()
        checks.require(valid, "columns", columns, rule)
        checks.set_fields(
            self,
            positions=positions,
            elements=elements.astype("U2"),
            columns=columns.astype(int),
            vacant=vacant,
            vacant_elements=missing.astype("U2"),
        )

    @property
    def n_columns(self) -> int:
        """How many columns have atoms: int."""
        return len(np.unique(self.columns[self.columns >= 0]))

    def tilted(self, tilt: float, direction: float = 0.0) -> Specimen:
        """The same, turned out of the zone axis about the middle of its columns.

        Parameters
        ----------
        tilt : float
            In mrad.
        direction : float
            Of what goes down, in degrees, from x towards y.

        Returns
        -------
        Specimen
        """
        rule = f"a number from {-MOST_TILT:g} to {MOST_TILT:g} mrad"
        tilt = checks.number("tilt", tilt, lambda x: abs(x) <= MOST_TILT, rule)
        way = math.radians(checks.finite("direction", direction))
        tilt = tilt / 1e3
        axis = np.array([math.sin(way), math.cos(way)])
        own = self.columns >= 0
        middle = self.positions[own if own.any() else slice(None)]
        middle = middle.mean(axis=0) if len(middle) else np.zeros(3)

        def tilted(places):
            away = places - middle
            along = away[:, :2] @ axis
            new = along * math.cos(tilt) + away[:, 2] * math.sin(tilt)
            away = away.copy()
            away[:, 2] = away[:, 2] * math.cos(tilt) - along * math.sin(tilt)
            away[:, :2] += (new - along)[:, np.newaxis] * axis
            return middle + away

        return replace(
            self, positions=tilted(self.positions), vacant=tilted(self.vacant)
        )

    def on_carbon(
        self, thickness: float, size: tuple[float, float], seed: int = 0
    ) -> Specimen:
        """The same on a film of amorphous carbon, behind it in the beam.

        Parameters
        ----------
        thickness : float
            Of the film, in angstroms.
        size : (float, float)
            Extent along y and x, in angstroms. The film is 20 angstroms larger on each
            side.
        seed : int

        Returns
        -------
        Specimen
        """
        thickness = checks.not_negative("thickness", thickness)
        size = checks.extent(size)
        rng = np.random.default_rng(checks.seed(seed))
        behind = self.positions[:, 2].max(initial=0) + CONTACT
        low = np.array([-ROOM, -ROOM, behind])
        high = np.array([size[0] + ROOM, size[1] + ROOM, behind + thickness])
        film = _amorphous_carbon(low, high, rng)
        return replace(
            self,
            positions=np.concatenate([self.positions, film]),
            elements=np.concatenate([self.elements, np.full(len(film), "C")]),
            columns=np.concatenate([self.columns, np.full(len(film), -1)]),
        )

    def true_columns(self, shape: tuple[int, int], pixel_size: float) -> TrueColumns:
        """Columns in a frame.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns.
        pixel_size : float
            In angstroms.

        Returns
        -------
        TrueColumns
        """
        own = self.columns >= 0
        numbers, inverse, counts = np.unique(
            self.columns[own], return_inverse=True, return_counts=True
        )
        sums = np.zeros((len(numbers), 2))
        np.add.at(sums, inverse, self.positions[own, :2])
        # The heaviest of a column comes last.
        order = np.argsort([ELEMENTS.index(e) for e in self.elements[own]])
        elements = np.empty(len(numbers), "U2")
        elements[inverse[order]] = self.elements[own][order]
        positions = np.concatenate(
            [sums / np.maximum(counts, 1)[:, np.newaxis], self.vacant[:, :2]]
        )
        positions /= pixel_size
        elements = np.concatenate([elements, self.vacant_elements])
        counts = np.concatenate([counts, np.zeros(len(self.vacant), int)])
        inside = ((positions >= -0.5) & (positions < np.subtract(shape, 0.5))).all(1)
        return TrueColumns(positions[inside], elements[inside], counts[inside])


def _places(name, given):
    """Places of atoms, checked: (n, 3) numpy.ndarray of float64."""
    rule = "finite numbers (y, x, z) for each atom"
    try:
        found = np.asarray(given, float)
    except (TypeError, ValueError):
        found = np.full(1, np.nan)
    found = found.reshape(-1, 3) if not found.size else found
    valid = found.ndim == 2 and found.shape[1] == 3 and np.isfinite(found).all()
    checks.require(valid, name, given, rule)
    return found


def _amorphous_carbon(low, high, rng):
    """Atoms at random that keep off each other: (n, 3) array."""
    size = high - low
    n = round(CARBON * np.prod(size))
    found = np.empty((0, 3))
    for _ in range(ROUNDS):
        # Of two that are too near each other, the one that came first stays.
        new = low + rng.uniform(size=(n - len(found), 3)) * size
        found = np.concatenate([found, new])
        pairs = cKDTree(found).query_pairs(APART, output_type="ndarray")
        found = np.delete(found, pairs.max(axis=1), axis=0) if len(pairs) else found
    return found


def turned(rotation, rng):
    """What vectors (y, x) are multiplied by to turn them, at random if None: (2, 2)."""
    turn = rng.uniform(0, 360)
    if rotation is not None:
        turn = checks.finite("rotation", rotation)
    along, across = math.cos(math.radians(turn)), math.sin(math.radians(turn))
    return np.array([[along, -across], [across, along]])
