# SPDX-License-Identifier: GPL-3.0-or-later
"""Every analysis there is: one row each."""

import re
from dataclasses import dataclass, replace
from pathlib import Path

import dask.array as da
import numpy as np

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis import (
    Abundances,
    Areas,
    AtomicColumns,
    BoundaryLengths,
    BoundaryVelocity,
    ChannelSums,
    Defects,
    GrainMap,
    GrainNeighbours,
    GrainOutlines,
    Grains,
    HrtemColumns,
    LatticeParameters,
    MeanLattices,
    NetworkSymmetry,
    Overlay,
    Relabelling,
    Strain,
    Symmetry,
)
from hyperspy_symseg.descriptors import RotationSymmetry, TranslationSymmetry
from hyperspy_symseg.descriptors.scores import Scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.analysis import MapAnalysis, PointAnalysis, SumAnalysis
from hyperspy_symseg.frames.extremes import Extremes
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.labels import Labels

SHAPE, PERIOD = (150, 170), 11.0
LATTICE = simulate.Lattice.square(PERIOD, orientation=5)
FRAMES = np.stack(
    [
        simulate.micrograph(LATTICE, SHAPE, dose=10, vacancies=2, seed=seed)[0].data
        for seed in range(3)
    ]
)
LABELS = np.zeros(FRAMES.shape, np.int8)
LABELS[0, :, 120:] = 1
LABELS[1, :9, :7] = -1
MASK = np.zeros(FRAMES.shape, bool)
MASK[0, 20:30, 40:60] = True
MASK[2, :, :5] = True
DOCS = Path(__file__).parents[2] / "doc" / "developing.md"


def newcomer():
    """What the first block of code in the developer's page defines: dict."""
    code = re.search(r"^```python\n(.*?)^```", DOCS.read_text(), re.S | re.M)[1]
    # Of no module that a worker of a cluster could import.
    names = {"__name__": "__main__"}
    exec(compile(code, DOCS.name, "exec"), names)
    return names


@dataclass(frozen=True)
class Relative(MapAnalysis):
    """Intensities relative to the largest of the frame: needs a look at all of it."""

    def prepare(self, frame):
        return frame.values[frame.valid].max(initial=1)

    def process(self, tile):
        return np.where(tile.valid, tile.values, 0) / tile.prepared


@dataclass(frozen=True)
class Histogram(SumAnalysis):
    """Histogram of all frames together."""

    n_bins: int = 8
    per_frame = False

    @property
    def shape(self):
        return (self.n_bins,)

    def process(self, tile):
        values = tile.values[tile.valid].astype(float)
        return np.histogram(values, self.n_bins, (0, 50))[0]


@dataclass(frozen=True)
class BrightPixels(PointAnalysis):
    """Row, column and intensity of the pixels above a level."""

    level: float = 20.0

    def process(self, tile):
        values = np.where(tile.valid, tile.values, 0)[tile.own]
        places = np.argwhere(values > self.level)
        first = [axis.start for axis in tile.inner]
        return np.column_stack([places + first, values[tuple(places.T)]])

    def join(self, rows):
        rows = np.concatenate(rows)
        return rows[np.lexsort(rows.T[1::-1])]


def model():
    descriptor = TranslationSymmetry(patch=18, window=19)
    return SymmetryModel.fit(FRAMES[0], descriptor, 1, stride=9, period=PERIOD)


def plain_model():
    descriptor = TranslationSymmetry(patch=8, window=9, max_operations=49)
    return SymmetryModel.fit(FRAMES[0], descriptor, 2, stride=5)


def abundances():
    # Of a lattice, and of one that there is not.
    waves = ((0, 4), (4, 0), (3, 3))
    return Abundances((18, 16), (6, 5), waves, ((40, 40, 0), (0, 9, 40)), 0.1)


def twice(templates):
    """Templates of two patterns, a crystal and the same with free phases."""
    n = len(templates.patterns)
    return replace(
        templates,
        n_patterns=2,
        patterns=np.repeat([0, 1], n),
        reflections=np.tile(templates.reflections, (2, 1)),
        amplitudes=np.tile(templates.amplitudes, 2),
        phases=np.concatenate([templates.phases, np.zeros(n)]),
        indices=np.concatenate([templates.indices, np.zeros((n, 2), int)]),
        crystals=[0, -1],
        n_pixels=(),
        variances=(),
    )


GRID, REFINED = Grid.over(SHAPE, 5), model()
TWO, LATTICES = twice(REFINED.templates), [LATTICE.vectors] * 2
ROWS = {
    "abundances": abundances(),
    "areas": Areas(2, 0.5),
    "boundary lengths": BoundaryLengths(2, (0.1, 0.2)),
    "boundary lengths of a grid": BoundaryLengths(2, step=(5, 5)),
    "sums of channels": ChannelSums(2, variance="counts"),
    "atomic columns": AtomicColumns(TWO),
    "atomic columns of crystals": AtomicColumns(TWO, "crystal"),
    "atomic columns by the network": AtomicColumns(method="network"),
    "columns of HRTEM": HrtemColumns("MoS2"),
    "columns of HRTEM in crystals": HrtemColumns("MoS2", templates=TWO),
    "defects": Defects(REFINED),
    "grains": Grains(2, 2, templates=TWO),
    "grain map": GrainMap(2),
    "grain neighbours": GrainNeighbours(2, pixel_size=(0.1, 0.2)),
    "grain outlines": GrainOutlines(2, 3),
    "overlay": Overlay(2),
    "relabelling": Relabelling(2, ((0, 1), (1, -1))),
    "extremes": Extremes(),
    "symmetry": Symmetry(2),
    "lattice parameters": LatticeParameters(LATTICES),
    "strain": Strain(TWO, LATTICES),
    "mean lattices": MeanLattices(TWO),
    "symmetry by the network": NetworkSymmetry(2),
    "scores": Scores(TranslationSymmetry(patch=8, window=9, max_operations=49), GRID),
    "pooled scores": Scores(RotationSymmetry(radius=9, pooling=3), GRID),
    "labels of scores": Labels(plain_model(), GRID),
    "labels of a grid": Labels(plain_model(), GRID, upsample=False),
    "labels of templates": Labels(REFINED, GRID, certainty=True),
    "prepared": Relative(),
    "of all frames": Histogram(),
    "points": BrightPixels(),
}
# The tests may be installed without the checkout.
if DOCS.exists():
    ROWS["local mean"] = newcomer()["LocalMean"]()
# The evidence about a place comes from all that its tile sees.
DEPEND_ON_TILES = {"defects", "labels of templates"}

CERTAINTY = np.random.default_rng(0).uniform(0.9, 1, FRAMES.shape).astype(np.float32)
MOVED = LABELS.copy()
MOVED[1, :, 118:] = MOVED[2, :, 123:] = 1
PAIR_OPTIONS = {"period": 11.0, "smoothing": 5.0, "pixel_size": (0.1, 0.2)}
# Analyses of consecutive frames, each with its channels.
PAIR_ROWS = {
    "labels": (BoundaryVelocity(2, **PAIR_OPTIONS), (MOVED,)),
    "drift given": (
        BoundaryVelocity(2, drift=((1.5, -2.0), (0.2, 0.1)), **PAIR_OPTIONS),
        (MOVED,),
    ),
    "micrographs": (
        BoundaryVelocity(2, drift="auto", has_frames=True, **PAIR_OPTIONS),
        (MOVED, FRAMES),
    ),
    "certainty": (
        BoundaryVelocity(2, 1, 0, has_certainty=True, **PAIR_OPTIONS),
        (MOVED, CERTAINTY),
    ),
    "all": (
        BoundaryVelocity(
            2, drift="auto", has_frames=True, has_certainty=True, **PAIR_OPTIONS
        ),
        (MOVED, FRAMES, CERTAINTY),
    ),
}
PAIR_MASK = MASK[:-1] | MASK[1:]


def pairs(channels, chunks=None):
    """Channels of both frames, as arrays in memory or lazy."""
    if chunks is not None:
        channels = [da.from_array(each, chunks) for each in channels]
    return tuple(pair for each in channels for pair in (each[:-1], each[1:]))


def assert_same(found, expected, rtol=0):
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    if found.dtype == object:
        for each, other in zip(found.ravel(), expected.ravel(), strict=True):
            np.testing.assert_allclose(each, other, rtol=rtol)
        return
    for name in found.dtype.names or [...]:
        if found[name].dtype.names or found[name].dtype.kind not in "f":
            np.testing.assert_array_equal(found[name], expected[name])
        else:
            np.testing.assert_allclose(found[name], expected[name], rtol=rtol)
