# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user writes, for a checker of types: `run` has mypy look at it.

It is read, not run. HyperSpy has no types: what is asked of a signal of its own is
anything, and the functions of this package say what it is.
"""

from typing import Any, assert_type

import dask.array as da
import hyperspy.api as hs
import numpy as np

import hyperspy_symseg
from hyperspy_symseg import descriptors, segmentation, signals, simulate, testing
from hyperspy_symseg.frames import Grid, Tile
from hyperspy_symseg.frames.analysis import MapAnalysis
from hyperspy_symseg.frames.lazy import lazy
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.symmetry_table import SymmetryTable

s, truth = simulate.grain_boundary(shape=(120, 140), seed=3)
loaded = hs.load("grain_boundary.dm4")

seg = hyperspy_symseg.segment_symmetry(loaded, n_patterns=2, patch=9)
assert_type(seg, signals.SymmetryLabels)
assert_type(seg.model, segmentation.SymmetryModel)
assert_type(seg.pattern_names, tuple[str, ...] | None)
assert_type(seg.relabel({1: 0}), signals.SymmetryLabels)
assert_type(seg.find_outliers(s, 4.0), signals.SymmetryPoints)
assert_type(seg.get_symmetry(s), SymmetryTable)
assert_type(seg.overlay(loaded), signals.SymmetryOverlay)
seg.save("labels.hspy")
seg.get_certainty(s).plot()

labels, certainty = hyperspy_symseg.segment_symmetry(s, certainty=True)
assert_type(labels, signals.SymmetryLabels)
columns = hyperspy_symseg.find_atomic_columns(s, seg, material="graphene")
assert_type(columns, signals.SymmetryPoints)
assert_type(columns.column_names, list[str])
grains, events = seg.get_grains(s).track(5.0)
assert_type(grains, signals.SymmetryPoints)

frame: np.ndarray[Any, Any] = np.zeros((40, 50))
descriptor = descriptors.TranslationSymmetry(patch=5, window=(4, 3))
model = segmentation.SymmetryModel.fit(frame, descriptor, stride=3, period=7.0)
assert_type(model, segmentation.SymmetryModel)
assert_type(model.predict(frame), np.ndarray[tuple[Any, ...], np.dtype[Any]])
assert_type(Grid.over((40, 50), 3), Grid)
assert_type(find_periods(frame).superlattice_period, float | None)


class Brightness(MapAnalysis):
    """An analysis of a user."""

    def process(self, tile: Tile) -> Any:
        """Values of a tile."""
        return tile.values[tile.own]


with workers(2):
    found = run(Brightness(), frame)
assert_type(lazy(Brightness(), frame), da.Array)

testing.label_maps((3, 4), n_patterns=2)
hyperspy_symseg.show_versions()
