# SPDX-License-Identifier: GPL-3.0-or-later
"""Grains, the connected regions of a pattern: what they measure, and where they are."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hyperspy_symseg.frames.analysis import MapAnalysis, PointAnalysis

from .boundaries import labels_computed
from .checks import check_labels
from .grain_boundaries import Lengths, outlines
from .grain_lattices import lattice_orientations
from .grain_regions import Regions

NAMES = (
    "y",
    "x",
    "pattern",
    "area",
    "equivalent_diameter",
    "perimeter",
    "major_axis",
    "minor_axis",
    "orientation",
    "lattice_orientation",
    "lattice_orientation_error",
    "n_neighbours",
    "touches_edge",
    "mean_intensity",
    "mean_certainty",
)


@dataclass(frozen=True)
class _OfRegions:
    """What is asked of the regions of a frame: fields as `Grains` describes them."""

    n_patterns: int
    min_area: int = 0
    pixel_size: tuple[float, float] = (1.0, 1.0)
    step: tuple[int, int] = (1, 1)
    known: Any = None
    # A grain may reach from one end of a frame to the other.
    whole_frames: ClassVar[bool] = True

    def labels(self, tile):
        """Labels of a frame, -1 where a pixel is left out."""
        labels = check_labels(tile.labels, self.n_patterns)
        if tile.mask is None or not np.asarray(tile.mask).any():
            return labels
        # Labels of other programs may have no sign.
        return np.where(tile.mask, np.int32(-1), labels)

    def regions(self, tile):
        """Grains of a frame: Regions."""
        regions = Regions.of(self.labels(tile), self.min_area)
        if self.known is not None:
            check_same(np.asarray(self.known[tile.index]), regions)
        return regions

    def lengths(self, regions, image):
        """Lengths of outlines and boundaries: Lengths."""
        size = tuple(np.multiply(self.pixel_size, self.step).tolist())
        computed = labels_computed(image, self.step)
        found = Lengths.of(computed, regions.n, size)
        is_seen = np.bincount(computed[computed >= 0], minlength=regions.n) > 0
        if is_seen.all():
            return found
        # Drawn by hand, or cut by a mask or an edge, a region may lie between these.
        return found.completed(Lengths.of(image, regions.n, self.pixel_size), is_seen)


@dataclass(frozen=True)
class Grains(_OfRegions, PointAnalysis):
    """Grains of a frame, one a row: (n, 15) of float64, the columns of `NAMES`.

    Positions are in pixels. Lengths and areas are in the unit of the pixel size, angles
    in degrees from x towards y. The values of a frame may be its intensities, or these
    and the certainties of its labels.

    Parameters
    ----------
    n_patterns : int
    min_area : int
        Pixels of a grain, at least: smaller regions are none.
    pixel_size : (float, float)
        Along (y, x), in any one unit: lengths are in this.
    step : (int, int)
        Distance of the labels that were computed, as in `BoundaryLengths`.
    known : dict, optional
        By the place of each frame, what a table has of its grains, in pixels: (n, 2) of
        ``pattern`` and ``area``. Other regions are an error.
    templates : Templates, optional
        Of the patterns, for the orientations of their lattices.

    Examples
    --------
    >>> from hyperspy_symseg.frames.run import run
    >>> labels = np.zeros((30, 40), int)
    >>> labels[10:20, 10:25] = 1
    >>> [table] = run(Grains(2), None, labels)
    >>> table[1, :4].tolist()
    [14.5, 17.0, 1.0, 150.0]
    """

    templates: Any = None

    def process(self, tile):
        """Those of a frame: (n, 15) numpy.ndarray."""
        labels = self.labels(tile)
        regions = Regions.of(labels, self.min_area)
        found = dict.fromkeys(NAMES, np.full(regions.n, np.nan))
        found |= _shapes(regions, self.pixel_size)
        image = regions.image()
        lengths = self.lengths(regions, image)
        found["perimeter"] = lengths.perimeters
        neighbours = np.bincount(lengths.pairs.ravel(), minlength=regions.n)
        found["n_neighbours"] = neighbours
        channels = tile.values if isinstance(tile.values, tuple) else (tile.values,)
        if tile.values is not None:
            found["mean_intensity"] = regions.means(channels[0])
        if len(channels) > 1:
            found["mean_certainty"] = regions.means(channels[1])
        if tile.values is not None and self.templates is not None:
            angle, error = lattice_orientations(
                self.templates, channels[0], labels, (regions, image), self.pixel_size
            ).T
            found |= {
                "lattice_orientation": angle,
                "lattice_orientation_error": error,
            }
        return np.column_stack([found[name] for name in NAMES]).astype(float)


def _shapes(regions, pixel_size):
    """Columns of what the pixels of regions alone tell: dict of (n,) numpy.ndarray."""
    middles, covariances = regions.moments()
    covariances = covariances * np.outer(pixel_size, pixel_size)
    yy, xx, yx = covariances[:, 0, 0], covariances[:, 1, 1], covariances[:, 0, 1]
    mean, half = (xx + yy) / 2, np.hypot((xx - yy) / 2, yx)
    area = regions.areas * np.prod(pixel_size)
    boxes, ends = regions.boxes(), np.array(regions.shape)
    touches = (boxes[:, :, 0] == 0) | (boxes[:, :, 1] == ends)
    return {
        "y": middles[:, 0],
        "x": middles[:, 1],
        "pattern": regions.patterns,
        "area": area,
        "equivalent_diameter": np.sqrt(4 * area / np.pi),
        # Of the ellipse with these moments.
        "major_axis": 4 * np.sqrt(mean + half),
        "minor_axis": 4 * np.sqrt(np.maximum(mean - half, 0)),
        "orientation": np.degrees(np.arctan2(2 * yx, xx - yy) / 2),
        "touches_edge": touches.any(axis=1),
    }


@dataclass(frozen=True)
class GrainMap(_OfRegions, MapAnalysis):
    """Number of the grain of each pixel, or a value of that grain.

    Numbers are the rows of the table of `Grains`, int32, -1 where there is none. Values
    are float32, and NaN there.

    Parameters
    ----------
    n_patterns, min_area, pixel_size, step, known
        As of `Grains`.
    values : dict, optional
        By the place of each frame, the value of each of its grains.
    """

    values: Any = None

    @property
    def dtype(self):
        """int32 of numbers, float32 of values: numpy.dtype."""
        return np.dtype(np.int32 if self.values is None else np.float32)

    def process(self, tile):
        """Map of a frame: (rows, columns) numpy.ndarray."""
        regions = self.regions(tile)
        if self.values is None:
            return regions.image()
        values = np.asarray(self.values[tile.index])
        if len(values) != regions.n:
            _raise_not_same(f"which have {regions.n} here, got {len(values)}")
        # The last one is that of -1.
        values = np.append(values, np.nan).astype(np.float32)
        return np.repeat(values[regions.numbers], regions.lengths).reshape(tile.shape)


def check_same(known, regions):
    """Check that a table has the grains of a frame.

    Parameters
    ----------
    known : (n, 2) numpy.ndarray
        Pattern and number of pixels of each.
    regions : Regions

    Raises
    ------
    ValueError
        If it has others.
    """
    found = np.column_stack([regions.patterns, regions.areas])
    if len(known) != len(found):
        _raise_not_same(f"which have {len(found)} here, got {len(known)}")
    if (known != found).any():
        i = np.flatnonzero((known != found).any(axis=1))[0]
        (pattern, area), (own, pixels) = known[i].tolist(), found[i].tolist()
        _raise_not_same(
            f"in which grain {i} is of pattern {own} and has {pixels} pixels, got "
            f"pattern {pattern:.0f} and {area:.0f}"
        )


def _raise_not_same(what):
    """Say that a table has not the grains of a frame, and in what."""
    raise ValueError(
        f"grains must be those of these labels, {what}. Labels may have been changed "
        "since, or the grains found with a mask of every frame where these have labels."
    )


@dataclass(frozen=True)
class GrainNeighbours(_OfRegions, PointAnalysis):
    """Boundaries between grains: (m, 3) of float64.

    The numbers of the two grains, the smaller one first, and the length of the boundary
    between them, in the unit of the pixel size. The second is -1 for all of an outline
    that is no boundary: the edge of the frame, and pixels without a grain.

    Parameters
    ----------
    n_patterns, min_area, pixel_size, step, known
        As of `Grains`.
    """

    def process(self, tile):
        """Those of a frame: (m, 3) numpy.ndarray."""
        regions = self.regions(tile)
        found = self.lengths(regions, regions.image())
        rest = found.perimeters.copy()
        for each in found.pairs.T:
            rest -= np.bincount(each, found.lengths, regions.n)
        number = np.arange(regions.n)
        edges = np.column_stack([number, np.full(regions.n, -1), np.maximum(rest, 0)])
        pairs = np.column_stack([found.pairs, found.lengths])
        rows = np.concatenate([edges, pairs]).astype(float)
        return rows[np.lexsort(rows.T[1::-1])]


@dataclass(frozen=True)
class GrainOutlines(_OfRegions, PointAnalysis):
    """Outlines of grains, along the sides of their pixels: (k, 5) of float64.

    Corners, one a row: number of the grain, number of the ring, (y, x), the middle of
    the first pixel being (0, 0), and the pattern. Of each grain the outer ring is 0,
    and holes follow. No ring repeats its first corner.

    Parameters
    ----------
    n_patterns, min_area, pixel_size, step, known
        As of `Grains`.
    """

    def process(self, tile):
        """Those of a frame: (k, 5) numpy.ndarray."""
        regions = self.regions(tile)
        found = outlines(regions.image())
        return np.column_stack([found, regions.patterns[found[:, 0].astype(int)]])
