# SPDX-License-Identifier: GPL-3.0-or-later
"""Strain and rotation of the lattice of each pattern, in the regions of its label."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.analysis import MapAnalysis, SumAnalysis
from hyperspy_symseg.lattice.bravais import reduced_cell
from hyperspy_symseg.lattice.matching import (
    MOST_STRAIN,
    Deformation,
    deformation,
    matched,
)
from hyperspy_symseg.templates.displacement_field import (
    crystal_of_pattern,
    displacement_field,
    lattice_of_pattern,
)
from hyperspy_symseg.templates.local_linear import LocalLinear
from hyperspy_symseg.templates.normalized_frame import (
    BLOCKS_IN_CELL,
    NormalizedFrame,
    cell_size,
)

from .checks import check_labels
from .interior import near

COMPONENTS = "exx", "eyy", "exy", "rotation"
N = len(COMPONENTS)
# Pixels of a pattern in a frame that are looked at, at least: periods squared.
LEAST_AREA = 4.0
# Of a pattern, what is so near to other patterns does not count, in periods.
BOUNDARY = 0.25
# Area of the cell of a superlattice over that of the lattice, at least.
LEAST_INDEX = 1.5
# Rows of pixels that are made of cells at once, as they take several arrays.
ROWS_AT_ONCE = 64
# Standard error of a strain beyond which it is not known.
MOST_ERROR = 0.02


class LocalLattice(NamedTuple):
    """The lattice of a pattern near the cells of one of its regions.

    Attributes
    ----------
    box : (slice, slice)
        Rows and columns of the frame that hold the region, from whole cells on.
    own : (rows, columns) numpy.ndarray of bool
        Pixels of the region, in these.
    cells : (cell rows, cell columns, 2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel; NaN where not known.
    fit : LocalLinear
    weights : (cell rows, cell columns) numpy.ndarray of float64
        Number of pixels.
    side : int
        Of a cell, in pixels.
    """

    box: tuple[slice, slice]
    own: np.ndarray
    cells: np.ndarray
    fit: LocalLinear
    weights: np.ndarray
    side: int

    @classmethod
    def of(cls, frame, crystal, width, box, own):
        """Lattice of a crystal in a region: LocalLattice, or None if it has none.

        Parameters
        ----------
        frame : NormalizedFrame
            Of the box; only the pixels of the region are valid.
        crystal : Crystal
        width : float
            Standard deviation of the window, in pixels.
        box, own
            As in the class.
        """
        found = displacement_field(frame, crystal)
        if found is None:
            return None
        (field, crystal), side = found, BLOCKS_IN_CELL * frame.block
        vectors = np.linalg.inv(crystal.cell)
        fit = LocalLinear.of(field, width / side)
        slopes = np.moveaxis(fit.gradients, (0, 1), (-2, -1)) / side
        noise = np.einsum("ia,ab...,ib->i...", vectors, fit.noise, vectors)
        variances = noise * np.einsum("ii...->i...", fit.spread) / side**2
        told = (variances < MOST_ERROR**2).all(axis=0)
        # By the displacement in pixels for a step of a pixel.
        told &= np.linalg.norm(vectors @ slopes, axis=(-2, -1)) < MOST_STRAIN
        told = told[..., np.newaxis, np.newaxis]
        cells = np.where(told, crystal.cell - slopes, np.nan)
        return cls(box, own, cells, fit, frame.cell_counts, side)

    @property
    def known(self):
        """Where it is known: (cell rows, cell columns) numpy.ndarray of bool."""
        return np.isfinite(self.cells).all(axis=(-2, -1))


def local_lattices(templates, pattern, tile, smoothing):
    """Lattice of a pattern in each of its regions: iterator of LocalLattice.

    Parameters
    ----------
    templates : Templates
    pattern : int
    tile : Tile
        Of a whole frame.
    smoothing : float
        Standard deviation of the window, in periods: see `periods`.
    """
    period, side = templates.period, cell_size(templates.period)
    own = tile.valid & (tile.labels == pattern)
    regions, _ = ndimage.label(own)
    large = np.bincount(regions.ravel()) >= LEAST_AREA * period**2
    large[0] = False
    if not large.any():
        return
    crystal = crystal_of_pattern(
        templates, pattern, lambda: NormalizedFrame(tile.values, ~own, period)
    )
    if crystal is None:
        return
    width = smoothing * periods(templates)[pattern]
    # What reaches over from other patterns does not count.
    others = (tile.labels >= 0) & (tile.labels != pattern)
    far = ~near(others, BOUNDARY * period) if others.any() else own
    for number, box in enumerate(ndimage.find_objects(regions), start=1):
        if not large[number]:
            continue
        first = tuple(axis.start // side * side for axis in box)
        box = tuple(slice(n, axis.stop) for n, axis in zip(first, box, strict=True))
        own = regions[box] == number
        counted = own & far[box]
        if not counted.any():
            continue
        # A neighbour that is brighter has no part in means and deviations.
        frame = NormalizedFrame(tile.values[box], ~counted, period, first)
        found = LocalLattice.of(frame, crystal, width, box, own)
        if found is not None and found.known.any():
            yield found


def mean_vectors(templates):
    """Lattice vectors (y, x) of the patterns of templates, a row each, in pixels.

    Parameters
    ----------
    templates : Templates

    Returns
    -------
    (n_patterns, 2, 2) numpy.ndarray of float64
        NaN of those that have no lattice.
    """
    found = np.full((templates.n_patterns, 2, 2), np.nan)
    for k, vectors in enumerate(found):
        cell = lattice_of_pattern(templates, k)
        if cell is not None:
            vectors[:] = np.linalg.inv(cell).T
    return found


def periods(templates):
    """Length of the shortest lattice vector of each pattern, in pixels.

    A superlattice of the lattice of another pattern has the period of that one, so that
    both are seen through one window.

    Parameters
    ----------
    templates : Templates

    Returns
    -------
    (n_patterns,) numpy.ndarray of float64
        NaN of those that have no lattice.
    """
    vectors = mean_vectors(templates)
    found = np.full(len(vectors), np.nan)
    known = np.flatnonzero(np.isfinite(vectors).all(axis=(1, 2)))
    for k in known:
        found[k] = np.linalg.norm(reduced_cell(vectors[k]).vectors[0])
    areas, shortest = found.copy(), found.copy()
    # NumPy warns of matrices that are NaN.
    areas[known] = np.abs(np.linalg.det(vectors[known]))
    for k in known:
        for j in known[areas[known] < areas[k] / LEAST_INDEX]:
            if matched(vectors[k], vectors[j]) is not None:
                found[k] = min(found[k], shortest[j])
    return found


def nearest(vectors, references):
    """Vectors of the reference lattices that those of patterns are deformed from.

    Parameters
    ----------
    vectors, references : (n_patterns, 2, 2) numpy.ndarray of float64
        Lattice vectors (y, x), a row each, in one unit.

    Returns
    -------
    (n_patterns, 2, 2) numpy.ndarray of float64
        NaN of patterns with another lattice.

    Raises
    ------
    ValueError
        If no pattern has the lattice of its reference.
    """
    found = np.full_like(vectors, np.nan)
    for own, reference, out in zip(vectors, references, found, strict=True):
        basis = matched(own, reference)
        if basis is not None:
            out[:] = basis
    if not np.isfinite(found).any():
        raise ValueError(
            f"reference must be within {MOST_STRAIN:.0%} of the lattice of a pattern, "
            f"got {references.round(6).tolist()} for {vectors.round(6).tolist()}."
        )
    return found


@dataclass(frozen=True)
class MeanLattices(SumAnalysis):
    """Mean lattice of each pattern, in all frames together.

    (n_patterns, 2, 2) of lattice vectors (y, x), a row each, in pixels; NaN of those
    that have none. It is the reciprocal vectors that are averaged, over pixels.

    Parameters
    ----------
    templates : Templates
    smoothing : float
        Standard deviation of the Gaussian window, in periods: see `periods`.
    """

    templates: Any
    smoothing: float = 3.0
    whole_frames: ClassVar[bool] = True
    per_frame: ClassVar[bool] = False

    @property
    def shape(self):
        """A lattice a pattern: (int, 2, 2)."""
        return (self.templates.n_patterns, 2, 2)

    def process(self, tile):
        """Sums of reciprocal vectors, and numbers of pixels: (n_patterns, 5) array."""
        check_labels(tile.labels, self.templates.n_patterns)
        found = np.zeros((self.templates.n_patterns, 5))
        for k, sums in enumerate(found):
            for local in local_lattices(self.templates, k, tile, self.smoothing):
                weights = local.weights[local.known].astype(float)
                sums[:4] += weights @ local.cells[local.known].reshape(-1, 4)
                sums[4] += weights.sum()
        return found

    def finish(self, total):
        """Lattice vectors: (n_patterns, 2, 2) numpy.ndarray."""
        found = np.full(self.shape, np.nan)
        has_any = total[:, 4] > 0
        cells = total[has_any, :4] / total[has_any, 4:]
        found[has_any] = np.linalg.inv(cells.reshape(-1, 2, 2)).swapaxes(-1, -2)
        return found


@dataclass(frozen=True)
class Strain(MapAnalysis):
    """Strain and rotation of the lattice of each pattern, with their variances.

    (rows, columns, 8) of float32: exx, eyy, exy, the rotation in degrees from x towards
    y, and the variances of these. NaN where a pixel has no label, or its pattern no
    lattice.

    With F = V R the deformation that takes the reference to the lattice near a pixel, R
    is the rotation and V - 1 the strain, along the axes of the frame.

    Parameters
    ----------
    templates : Templates
    references : ((((float, float), (float, float)), ...)
        Lattice vectors (y, x) of each pattern, in the unit of the pixel size; NaN for
        no reference. What is kept are the vectors of the same lattice that those of the
        template are deformed from, and NaN if it is another lattice.
    pixel_size : (float, float)
        Along (y, x), in one unit.
    smoothing : float
        Standard deviation of the Gaussian window, in periods: see `periods`.
    is_own : bool
        Whether the references are the mean lattices of these patterns (`MeanLattices`).
        Their vectors are then taken as they are: those of a template that is nearly
        square may be nearer to vectors at right angles to them.

    Raises
    ------
    ValueError
        If no pattern has the lattice of its reference.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.frames.run import run
    >>> s, truth = simulate.micrograph(simulate.Lattice.square(12), (200, 240), seed=0)
    >>> seg = s.segment_symmetry(1, show_progressbar=False)
    >>> found = run(Strain(seg.model.templates, [12 * np.eye(2)]), s.data, seg.data)
    >>> found.shape, bool(np.nanmax(np.abs(found[20:-20, 20:-20, 0])) < 0.005)
    ((200, 240, 8), True)
    """

    templates: Any
    references: Any
    pixel_size: tuple[float, float] = (1.0, 1.0)
    smoothing: float = 3.0
    is_own: bool = False
    whole_frames: ClassVar[bool] = True
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)
    axes: ClassVar[tuple] = (2 * N,)

    def __post_init__(self):
        """Take the vectors that those of the templates are deformed from."""
        references = np.asarray(self.references, float)
        if not self.is_own:
            vectors = mean_vectors(self.templates) * self.pixel_size
            references = nearest(vectors, references)
        # As plain numbers, so that equal analyses are equal.
        plain = tuple(tuple(map(tuple, each)) for each in references.tolist())
        object.__setattr__(self, "references", plain)

    def process(self, tile):
        """Maps of a frame: (rows, columns, 8) numpy.ndarray of float32."""
        labels = check_labels(tile.labels, self.templates.n_patterns)
        out = np.full((*labels.shape, *self.axes), np.nan, np.float32)
        for k, reference in enumerate(np.array(self.references)):
            if not np.isfinite(reference).all():
                continue
            for local in local_lattices(self.templates, k, tile, self.smoothing):
                cells = strain_of_cells(local, reference, np.array(self.pixel_size))
                put_at_pixels(out[local.box], cells, local)
        return out


def strain_of_cells(local, reference, pixel_size):
    """Strain, rotation and their variances: (cell rows, cell columns, 8) array.

    To first order, the strain changes by sym(A' dg) and the rotation by anti(A' dg)
    with the gradients g of the displacement in fractions of the lattice vectors A.

    Parameters
    ----------
    local : LocalLattice
    reference : (2, 2) numpy.ndarray of float64
        In the unit of the pixel size.
    pixel_size : (2,) numpy.ndarray of float64
    """
    out = np.full((*local.known.shape, 2 * N), np.nan)
    known, step = local.known, local.side * pixel_size
    vectors = np.linalg.inv(local.cells[known]).swapaxes(-1, -2) * pixel_size
    found = Deformation.of(deformation(vectors, reference))
    strain = found.stretch - np.eye(2)
    noise = np.moveaxis(local.fit.noise[:, :, known], -1, 0)
    spread = np.moveaxis(local.fit.spread[:, :, known], -1, 0) / np.outer(step, step)
    noise = vectors.swapaxes(-1, -2) @ noise @ vectors
    along, across = noise * spread, noise * spread[:, ::-1, ::-1]
    mixed = (across[:, 0, 0] + across[:, 1, 1]) / 4
    both = (noise * spread)[:, 0, 1] / 2
    out[known] = np.stack(
        [
            strain[:, 1, 1],
            strain[:, 0, 0],
            strain[:, 0, 1],
            found.angle,
            along[:, 1, 1],
            along[:, 0, 0],
            mixed + both,
            np.degrees(np.degrees(mixed - both)),
        ],
        axis=-1,
    )
    return out


def put_at_pixels(out, cells, local):
    """Give pixels of a region the values of its cells, linear between their middles.

    Parameters
    ----------
    out : (rows, columns, n) numpy.ndarray of float32
        Of the box of the region; changed where no cell near by is unknown.
    cells : (cell rows, cell columns, n) numpy.ndarray of float64
    local : LocalLattice
    """
    known = local.known[..., np.newaxis]
    values = np.concatenate([np.where(known, cells, 0), known], -1).astype(np.float32)
    for first in range(0, len(out), ROWS_AT_ONCE):
        rows = np.arange(first, min(first + ROWS_AT_ONCE, len(out)))
        found = _between(_between(values, rows, 0, local.side), None, 1, local.side)
        found, weights = found[:, : out.shape[1], :-1], found[:, : out.shape[1], -1:]
        own = local.own[rows][..., np.newaxis] & (weights > 0)
        np.divide(found, weights, out=out[rows[0] : rows[-1] + 1], where=own)


def _between(values, places, axis, side):
    """Values at some pixels along an axis, or at all, linear between cells."""
    last = values.shape[axis] - 1
    if places is None:
        places = np.arange((last + 1) * side)
    places = np.clip((places - (side - 1) / 2) / side, 0, last)
    first = np.minimum(places.astype(int), max(last - 1, 0))
    share = (places - first).astype(np.float32)
    share = share.reshape(-1, *[1] * (values.ndim - 1 - axis))
    second = values.take(np.minimum(first + 1, last), axis)
    return (1 - share) * values.take(first, axis) + share * second
