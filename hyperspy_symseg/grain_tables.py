# SPDX-License-Identifier: GPL-3.0-or-later
"""Grains for other programs: neighbours for pandas, polygons for matplotlib and GIS."""

import json
import math
from dataclasses import dataclass

import numpy as np

from .frames.checks import check_whole, shown
from .optional import optional
from .point_tables import WHOLE, write_text

# Of grains, in the metadata.
BRANCH = "Grains"
# Of the table of neighbours; the numbers of the frame come before.
COLUMNS = (
    "grain",
    "neighbour",
    "length",
    "misorientation",
    "misorientation_error",
    "sigma",
    "mirror",
    "deviation",
)
# Strain up to which a lattice is of a type, as in a table of `get_symmetry`.
STRAIN = 0.02


def is_grains(points):
    """Whether a signal is a table of grains: bool."""
    metadata = getattr(points, "metadata", None)
    return metadata is not None and metadata.has_item(BRANCH)


def check_grains(grains):
    """Check that a signal is a table of grains.

    Parameters
    ----------
    grains : SymmetryPoints

    Returns
    -------
    int
        Pixels of a grain, at least.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if not is_grains(grains):
        raise TypeError(
            f"grains must be the result of get_grains, got {shown(grains)}."
        )
    least = grains.metadata.get_item(f"{BRANCH}.min_area")
    return check_whole(f"metadata.{BRANCH}.min_area", least, 0)


@dataclass(frozen=True)
class Rings:
    """Function of the outlines of a frame, which gives rings (x, y) on axes.

    Parameters
    ----------
    axes : (dict, dict)
        Axes (y, x): ``scale`` and ``offset``.
    pattern : int, optional
        Whose grains; by default, all.
    """

    axes: tuple
    pattern: int | None = None

    def of_grains(self, outlines):
        """Rings of each grain, the outer one first: list of list of (n, 2) arrays."""
        outlines = outlines.reshape(-1, 5)
        if self.pattern is not None:
            outlines = outlines[outlines[:, 4] == self.pattern]
        scale, offset = (
            np.array([axis[key] for axis in self.axes[::-1]])
            for key in ("scale", "offset")
        )
        places = outlines[:, 3:1:-1] * scale + offset
        begins = np.flatnonzero(np.diff(outlines[:, :2], axis=0).any(axis=1)) + 1
        rings = np.split(places, begins) if len(places) else []
        first = np.concatenate([[0], begins]) if len(places) else []
        found = []
        for ring, i in zip(rings, first, strict=True):
            if outlines[int(i), 1] == 0:
                found.append([])
            found[-1].append(ring)
        return found

    def __call__(self, outlines):
        """All rings: list of (n, 2) numpy.ndarray."""
        return [ring for grain in self.of_grains(outlines) for ring in grain]


def path_of(rings):
    """Rings of one grain as a path.

    Parameters
    ----------
    rings : list of (n, 2) numpy.ndarray
        (x, y).

    Returns
    -------
    matplotlib.path.Path
        Closed; its holes run the other way round, and are not filled.
    """
    from matplotlib.path import Path

    closed = [np.concatenate([ring, ring[:1]]) for ring in rings]
    codes = [
        [Path.MOVETO, *[Path.LINETO] * (len(ring) - 2), Path.CLOSEPOLY]
        for ring in closed
    ]
    return Path(np.concatenate(closed), np.concatenate(codes))


def write_geojson(path, frames, rings, names, levels):
    """Write the polygons of grains as GeoJSON (RFC 7946), coordinates on the axes.

    Parameters
    ----------
    path : pathlib.Path
        As from `check_path`.
    frames : list of (tuple of int, (n, k) numpy.ndarray)
        Index and table of each frame.
    rings : list of list of list of (n, 2) numpy.ndarray
        Of each frame, of each grain, its rings (x, y).
    names, levels
        As of `dataframe`.
    """
    features = []
    for (index, table), grains in zip(frames, rings, strict=True):
        known = {key: int(i) for key, i in zip(levels, index, strict=True)}
        for number, (row, own) in enumerate(zip(table.tolist(), grains, strict=True)):
            values = {
                name: _plain(value, name in WHOLE)
                for name, value in zip(names, row, strict=True)
            }
            features.append(
                {
                    "type": "Feature",
                    "properties": known | {"grain": number} | values,
                    "geometry": {
                        "type": "Polygon",
                        "coordinates": [_closed(ring, i) for i, ring in enumerate(own)],
                    },
                }
            )
    found = {"type": "FeatureCollection", "features": features}
    write_text(path, lambda file: json.dump(found, file, allow_nan=False))


def _plain(value, is_whole):
    """Value of a table for JSON, which has no NaN."""
    if not math.isfinite(value):
        return None
    return int(value) if is_whole else value


def _closed(ring, number):
    """Ring for GeoJSON: closed, outer ones counterclockwise as in y upwards."""
    x, y = ring.T
    area = x @ np.roll(y, -1) - y @ np.roll(x, -1)
    if (area > 0) != (number == 0):
        ring = ring[::-1]
    return [*ring.tolist(), ring[0].tolist()]


@dataclass(frozen=True)
class Lattices:
    """Lattices of the patterns, for the misorientations of grains.

    Parameters
    ----------
    vectors : (n_patterns, 2, 2) numpy.ndarray of float64
        Lattice vectors (y, x), a row each, in one unit; NaN of those without.
    """

    vectors: np.ndarray

    def __post_init__(self):
        """Find the shortest vectors, and what type each lattice may be of."""
        from .lattice.bravais import reduced_cell, strains

        known = np.isfinite(self.vectors).all(axis=(1, 2))
        cells = [
            reduced_cell(v) if has else None
            for v, has in zip(self.vectors, known, strict=True)
        ]
        near = [
            {kind for kind, off in strains(c.shape).items() if off <= STRAIN}
            if c
            else set()
            for c in cells
        ]
        shortest = [(0.0, 1.0) if c is None else tuple(c.vectors[0]) for c in cells]
        object.__setattr__(self, "_near", near)
        object.__setattr__(
            self, "_angles", np.degrees(np.arctan2(*np.transpose(shortest)))
        )
        object.__setattr__(self, "_found", {})

    def of_grain(self, pattern, orientation, error):
        """Turn of a grain against its pattern in degrees, and the error: both float.

        0 and NaN where the orientation of the grain is not known.
        """
        if not math.isfinite(orientation):
            return 0.0, math.nan
        return (orientation - self._angles[pattern] + 90) % 180 - 90, error

    def between(self, one, other):
        """Misorientation of two grains, each (pattern, turn, error); None without."""
        from .lattice.misorientation import misorientation
        from .lattice.plane_groups import BRAVAIS_TYPES

        kinds = self._near[one[0]] & self._near[other[0]]
        if not kinds:
            return None
        key = one[:2], other[:2]
        error = math.hypot(one[2], other[2])
        if key not in self._found:
            vectors = [_turned(self.vectors[k], turn) for k, turn, _ in (one, other)]
            bravais = [kind for kind in BRAVAIS_TYPES if kind in kinds][-1]
            try:
                found = misorientation(*vectors, bravais)
            except ValueError:
                # Of two lattices.
                found = None
            self._found[key] = found
        found = self._found[key]
        return None if found is None else (found, error)


def _turned(vectors, angle):
    """Vectors (y, x), a row each, turned by degrees from x towards y."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    return vectors @ np.array([[cos, -sin], [sin, cos]])


def neighbours_of(boundaries, table, names, lattices):
    """Rows of the table of neighbours of a frame.

    Parameters
    ----------
    boundaries : (m, 3) numpy.ndarray
        As from `GrainNeighbours`.
    table : (n, k) numpy.ndarray
        Of the grains, with the columns `names`.
    names : list of str
    lattices : Lattices or None

    Returns
    -------
    list of tuple
        Of the columns `COLUMNS`.
    """
    columns = "pattern", "lattice_orientation", "lattice_orientation_error"
    pattern, *turn = table[:, [names.index(name) for name in columns]].T
    rows = []
    for one, other, length in boundaries[boundaries[:, 1] >= 0].tolist():
        found = None
        if lattices is not None:
            pair = []
            for i in (int(one), int(other)):
                k = int(pattern[i])
                pair.append((k, *lattices.of_grain(k, turn[0][i], turn[1][i])))
            found = lattices.between(*pair)
        row = math.nan, math.nan, math.nan, None, math.nan
        if found is not None:
            known, error = found
            error = error if math.isfinite(known.angle) else math.nan
            sigma = math.nan if known.sigma is None else known.sigma
            mirror = known.mirror and "({} {})".format(*known.mirror)
            row = known.angle, error, sigma, mirror, known.deviation
        rows.append((int(one), int(other), length, *row))
    return rows


def import_pandas():
    """What tables of neighbours are made with, which is an optional dependency.

    Raises
    ------
    ImportError
        If it is not installed.
    """
    return optional("pandas", "get_grain_neighbours", "dataframe")


def neighbour_table(rows, levels):
    """Table of neighbours.

    Parameters
    ----------
    rows : list of tuple
        Index of the frame and the columns `COLUMNS`.
    levels : list of str
        Names of the numbers of a frame.

    Returns
    -------
    pandas.DataFrame
    """
    found = import_pandas().DataFrame(rows, columns=[*levels, *COLUMNS])
    whole = dict.fromkeys([*levels, "grain", "neighbour"], np.int64)
    real = [n for n in COLUMNS[2:] if n != "mirror"]
    found = found.astype(whole | dict.fromkeys(real, np.float64))
    return found.set_index(list(levels))
