# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice parameters of each pattern in every frame."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hyperspy_symseg.frames.analysis import SumAnalysis, as_objects
from hyperspy_symseg.lattice.crystal_symmetry import RECORD, CrystalSymmetry
from hyperspy_symseg.lattice.finding import LEAST_EVIDENCE, find_lattice
from hyperspy_symseg.lattice.fourier_nodes import MOST_WINDOWS, windows
from hyperspy_symseg.lattice.matching import matched
from hyperspy_symseg.lattice.naming import FEWEST_ACROSS, FEWEST_PERIODS, n_periods
from hyperspy_symseg.lattice.refinement import refine

from .checks import own_pixels

PARAMETERS = "a", "b", "angle", "area", "orientation"


@dataclass(frozen=True)
class LatticeParameters(SumAnalysis):
    """Lattice parameters of each pattern in a frame, and their variances.

    (2, 5, n_patterns): the lengths of a and b, the angle between them in degrees, the
    area of the cell, and the orientation of a in degrees from x towards y. NaN where a
    frame has too little of a pattern, or another lattice. The vectors are those near
    the given ones, so that they are the same in all frames.

    Parameters
    ----------
    vectors : (((float, float), (float, float)), ...)
        Lattice vectors (y, x) of each pattern, in the unit of the pixel size; NaN of
        those that have none.
    pixel_size : (float, float)
        Along (y, x), in one unit.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.frames.run import run
    >>> s, truth = simulate.micrograph(simulate.Lattice.square(12), (200, 240), seed=0)
    >>> values, variances = run(
    ...     LatticeParameters([12 * np.eye(2)]), s.data, truth.data
    ... )
    >>> values[:2].round(1).ravel().tolist()
    [12.0, 12.0]
    """

    vectors: Any
    pixel_size: tuple[float, float] = (1.0, 1.0)
    whole_frames: ClassVar[bool] = True

    def __post_init__(self):
        """Keep the vectors as plain numbers, so that equal analyses are equal."""
        vectors = np.asarray(self.vectors, float).tolist()
        plain = tuple(tuple(map(tuple, each)) for each in vectors)
        object.__setattr__(self, "vectors", plain)

    @property
    def shape(self):
        """Values and variances of each pattern: (2, 5, int)."""
        return (2, len(PARAMETERS), len(self.vectors))

    def process(self, tile):
        """Windows of each pattern: (n_patterns,) numpy.ndarray of lists of Window."""
        every = own_pixels(tile, len(self.vectors))
        return as_objects(
            [
                windows(tile.values, own)[:MOST_WINDOWS]
                if np.isfinite(near).all()
                else []
                for own, near in zip(every, self.vectors, strict=True)
            ]
        )

    def finish(self, total):
        """Parameters from the windows: (2, 5, n_patterns) numpy.ndarray."""
        found = [
            self._of_pattern(own, np.array(vectors))
            for own, vectors in zip(total, self.vectors, strict=True)
        ]
        return np.stack(found, axis=-1)

    def _of_pattern(self, own, near):
        """Parameters and variances of a pattern with such windows: (2, 5) array."""
        found, size = np.full((2, len(PARAMETERS)), np.nan), np.array(self.pixel_size)
        lattice = find_lattice(own[0]) if own else None
        if lattice is None or lattice.evidence < LEAST_EVIDENCE:
            return found
        refined = refine(own, lattice)
        if refined is None:
            return found
        periods = n_periods(own[0], refined.vectors)
        if np.sqrt(periods.prod()) < FEWEST_PERIODS or periods.min() < FEWEST_ACROSS:
            return found
        basis = matched(near, refined.vectors * size, is_turned=False)
        if basis is None:
            return found
        change = basis @ np.linalg.inv(refined.vectors * size)
        record = np.zeros((), RECORD)
        record["vectors"] = change @ refined.vectors
        across = np.kron(change, np.eye(2))
        record["covariance"] = across @ refined.vector_covariance @ across.T
        row = CrystalSymmetry(record, self.pixel_size)
        found[0] = *row.lengths, row.angle, row.area, row.orientation
        errors = row.angle_error, row.area_error, row.orientation_error
        found[1] = np.square([*row.length_errors, *errors])
        return found
