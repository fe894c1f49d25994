# SPDX-License-Identifier: GPL-3.0-or-later
"""Strain and rotation of the lattice of each pattern, in the regions of its label."""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import numpy as np
from scipy import ndimage, sparse

from hyperspy_symseg.frames.analysis import MapAnalysis, SumAnalysis
from hyperspy_symseg.lattice.bravais import reduced_cell
from hyperspy_symseg.lattice.matching import Deformation, deformation, nearest_basis
from hyperspy_symseg.templates.displacement_field import (
    crystal_of_pattern,
    displacement_field,
    lattice_of_pattern,
)
from hyperspy_symseg.templates.local_linear import LocalLinear
from hyperspy_symseg.templates.normalized_frame import (
    NormalizedFrame,
    cell_size,
)

from .checks import check_labels

COMPONENTS = "exx", "eyy", "exy", "rotation"
N = len(COMPONENTS)
# Pixels of a pattern in a frame that are looked at, at least: periods squared.
LEAST_AREA = 4.0
# Standard error of a strain beyond which it is not known.
MOST_ERROR = 0.02
# Strain beyond which a lattice is another one.
MOST_STRAIN = 0.15


class LocalLattice(NamedTuple):
    """The lattice of a pattern near each cell of a frame.

    Attributes
    ----------
    cells : (cell rows, cell columns, 2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel; NaN where not known.
    fit : LocalLinear
    weights : (cell rows, cell columns) numpy.ndarray of float64
        Number of pixels.
    side : int
        Of a cell, in pixels.
    """

    cells: np.ndarray
    fit: LocalLinear
    weights: np.ndarray
    side: int

    @classmethod
    def of(cls, templates, pattern, tile, own, smoothing):
        """Lattice of a pattern in a frame: LocalLattice, or None if it has none.

        Parameters
        ----------
        templates : Templates
        pattern : int
        tile : Tile
            Of a whole frame.
        own : (rows, columns) numpy.ndarray of bool
            Pixels of the pattern.
        smoothing : float
            Standard deviation of the window, in periods of the lattice, the geometric
            mean of the two shortest.
        """
        period = templates.period
        if np.count_nonzero(own) < LEAST_AREA * period**2:
            return None
        # A neighbour that is brighter has no part in means and deviations.
        frame = NormalizedFrame(tile.values, ~own, period)
        crystal = crystal_of_pattern(templates, pattern, frame)
        if crystal is None:
            return None
        side = cell_size(period)
        field = displacement_field(frame, crystal, _regions_of_cells(own, side))
        if field is None:
            return None
        a, b = reduced_cell(np.linalg.inv(crystal.cell).T).vectors
        spacing = np.sqrt(np.hypot(*a) * np.hypot(*b))
        fit = LocalLinear.of(field, smoothing * spacing / side)
        slopes = np.moveaxis(fit.gradients, (0, 1), (-2, -1)) / side
        vectors = np.linalg.inv(crystal.cell)
        noise = np.einsum("ia,ab...,ib->i...", vectors, fit.noise, vectors)
        variances = noise * np.einsum("ii...->i...", fit.spread) / side**2
        told = (variances < MOST_ERROR**2).all(axis=0)[..., np.newaxis, np.newaxis]
        cells = np.where(told, crystal.cell - slopes, np.nan)
        return cls(cells, fit, frame.cell_counts, side)

    @property
    def known(self):
        """Where it is known: (cell rows, cell columns) numpy.ndarray of bool."""
        return np.isfinite(self.cells).all(axis=(-2, -1)) & (self.weights > 0)


def _regions_of_cells(own, side):
    """Number of the region that has most pixels of a cell: (cell rows, columns)."""
    regions, n = ndimage.label(own)
    shape = tuple(-(-length // side) for length in own.shape)
    if n < 2:
        return np.ones(shape, int)
    cells = np.add.outer(
        np.arange(own.shape[0]) // side * shape[1], np.arange(own.shape[1]) // side
    )
    counts = sparse.coo_array(
        (np.ones(np.count_nonzero(own)), (cells[own], regions[own])),
        shape=(shape[0] * shape[1], n + 1),
    )
    return np.asarray(counts.tocsr().argmax(axis=1)).reshape(shape)


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
    found, strains = np.full_like(vectors, np.nan), []
    for own, reference, out in zip(vectors, references, found, strict=True):
        if not np.isfinite([own, reference]).all() or not np.linalg.det(reference):
            continue
        reduced = reduced_cell(reference).vectors
        basis, strain, _ = nearest_basis(own, reduced, any_index=True)
        strains.append(strain)
        if strain <= MOST_STRAIN:
            out[:] = basis
    if not np.isfinite(found).any():
        least = f"{min(strains):.0%}" if strains else "none"
        raise ValueError(
            f"reference must be within {MOST_STRAIN:.0%} of the lattice of a pattern, "
            f"got {least} at best."
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
        Standard deviation of the Gaussian window, in periods.
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
        labels = check_labels(tile.labels, self.templates.n_patterns)
        found = np.zeros((self.templates.n_patterns, 5))
        for k, sums in enumerate(found):
            own = tile.valid & (labels == k)
            local = LocalLattice.of(self.templates, k, tile, own, self.smoothing)
            if local is None:
                continue
            weights = local.weights[local.known].astype(float)
            sums[:4] = weights @ local.cells[local.known].reshape(-1, 4)
            sums[4] = weights.sum()
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
        Standard deviation of the Gaussian window, in periods.

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
    whole_frames: ClassVar[bool] = True
    dtype: ClassVar[np.dtype] = np.dtype(np.float32)
    axes: ClassVar[tuple] = (2 * N,)

    def __post_init__(self):
        """Take the vectors that those of the templates are deformed from."""
        vectors = mean_vectors(self.templates) * self.pixel_size
        references = nearest(vectors, np.asarray(self.references, float))
        # As plain numbers, so that equal analyses are equal.
        plain = tuple(tuple(map(tuple, each)) for each in references.tolist())
        object.__setattr__(self, "references", plain)

    def process(self, tile):
        """Maps of a frame: (rows, columns, 8) numpy.ndarray of float32."""
        labels = check_labels(tile.labels, self.templates.n_patterns)
        out = np.full((*labels.shape, *self.axes), np.nan, np.float32)
        for k, reference in enumerate(np.array(self.references)):
            own = tile.valid & (labels == k)
            if not np.isfinite(reference).all():
                continue
            local = LocalLattice.of(self.templates, k, tile, own, self.smoothing)
            if local is None or not local.known.any():
                continue
            cells = strain_of_cells(local, reference, np.array(self.pixel_size))
            found = at_pixels(cells, local.known, local.side, own.shape)
            np.copyto(out, found, where=own[..., np.newaxis])
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


def at_pixels(cells, known, side, shape):
    """Values at the pixels, linear between the middles of cells that are known.

    Parameters
    ----------
    cells : (cell rows, cell columns, n) numpy.ndarray of float64
    known : (cell rows, cell columns) numpy.ndarray of bool
    side : int
        Of a cell, in pixels.
    shape : (int, int)
        Rows and columns of pixels.

    Returns
    -------
    (rows, columns, n) numpy.ndarray of float32
        NaN where no cell near by is known.
    """
    known = known[..., np.newaxis]
    values = np.concatenate([np.where(known, cells, 0), known], -1).astype(np.float32)
    for axis, n in enumerate(shape):
        last = values.shape[axis] - 1
        places = np.clip((np.arange(n) - (side - 1) / 2) / side, 0, last)
        first = np.minimum(places.astype(int), max(last - 1, 0))
        share = (places - first).astype(np.float32)
        share = share.reshape(-1, *[1] * (values.ndim - 1 - axis))
        values = (1 - share) * values.take(first, axis) + share * values.take(
            np.minimum(first + 1, last), axis
        )
    weights = values[..., -1:]
    out = np.full((*shape, cells.shape[-1]), np.nan, np.float32)
    return np.divide(values[..., :-1], weights, out=out, where=weights > 0)
