# SPDX-License-Identifier: GPL-3.0-or-later
"""Lattice, Bravais type and plane group of each pattern."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.analysis import SumAnalysis, as_objects
from hyperspy_symseg.lattice.crystal_symmetry import RECORD, record_of
from hyperspy_symseg.lattice.fourier_nodes import MOST_WINDOWS, windows
from hyperspy_symseg.lattice.naming import name_crystal

from .checks import own_pixels


@dataclass(frozen=True)
class Symmetry(SumAnalysis):
    """Symmetry of each pattern, from all its regions in all frames together.

    (n_patterns,) of `RECORD`: see `CrystalSymmetry`. Of a pattern, the largest regions
    count.

    Parameters
    ----------
    n_patterns : int or None
        None: there are no labels, and all pixels that count are one crystal.
    pixel_size : (float, float)
        Along (y, x), in one unit.
    strain : float
        Standard deviation of the distortion that the lattice may have.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.frames.run import run
    >>> from hyperspy_symseg.lattice.crystal_symmetry import CrystalSymmetry
    >>> lattice = simulate.Lattice.square(13, orientation=20)
    >>> s, truth = simulate.micrograph(lattice, (200, 240), seed=0)
    >>> [record] = run(Symmetry(), s.data)
    >>> CrystalSymmetry(record).plane_group
    'p4mm'
    """

    n_patterns: int | None = None
    pixel_size: tuple[float, float] = (1.0, 1.0)
    strain: float = 0.02
    whole_frames: ClassVar[bool] = True
    per_frame: ClassVar[bool] = False
    dtype: ClassVar[np.dtype] = RECORD

    @property
    def shape(self):
        """One record a pattern: (int,)."""
        return (1 if self.n_patterns is None else self.n_patterns,)

    def process(self, tile):
        """Windows of each pattern: (n_patterns,) numpy.ndarray of lists of Window."""
        every = own_pixels(tile, self.n_patterns)
        return as_objects([windows(tile.values, own) for own in every])

    def merge(self, a, b):
        """The largest windows of two frames."""
        return as_objects(
            [
                sorted([*one, *other], key=lambda each: -each.area)[:MOST_WINDOWS]
                for one, other in zip(a, b, strict=True)
            ]
        )

    def finish(self, total):
        """Records from the windows: (n_patterns,) numpy.ndarray of `RECORD`."""
        found = [name_crystal(each, self.pixel_size, self.strain) for each in total]
        return np.stack([record_of(each) for each in found])
