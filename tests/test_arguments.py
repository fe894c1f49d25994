# SPDX-License-Identifier: GPL-3.0-or-later
"""Arguments of the public methods drawn at random: valid ones, edges, and wrong ones.

A call gives a result, or an error that names one of the arguments drawn.
"""

import functools
import time

import dask.array as da
import hyperspy.api as hs
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import hyperspy_symseg  # noqa: F401
from hyperspy_symseg import simulate
from hyperspy_symseg.descriptors import (
    GlideReflectionSymmetry,
    PowerSpectrum,
    ReflectionSymmetry,
    RotationSymmetry,
    TranslationSymmetry,
)
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.lattice import find_periods
from hyperspy_symseg.segmentation import SymmetryModel

SHAPE = (45, 52)
# Of the processor, against what would take minutes.
SECONDS = 30
OBJECT = object()
ANYTHING = [
    None,
    True,
    False,
    np.True_,
    -1,
    0,
    1,
    2,
    3,
    2**31,
    2**70,
    -(2**70),
    0.5,
    1.5,
    -3.0,
    1e300,
    np.nan,
    np.inf,
    1j,
    "",
    "x",
    "auto",
    b"x",
    [],
    [1],
    [1, [2]],
    [[1, 2], [3]],
    (2, 3),
    (2.0, 3),
    (1, 2, 3),
    ("a", "b"),
    {},
    {1, 2},
    OBJECT,
    slice(None),
    np.int8(3),
    np.int8(100),
    np.uint8(200),
    np.int8(-100),
    np.float16(3),
    np.float64(2.5),
    np.timedelta64(3, "s"),
    np.array(3),
    np.array([]),
    np.array([2, 3], np.int8),
    np.array([True, False]),
    np.array([None]),
    np.array("x"),
    np.zeros((3, 2)),
    da.zeros(3, chunks=1),
]
MASK = np.zeros(SHAPE, bool)
MASK[:9] = True
MASKS = [MASK, ~np.zeros(SHAPE, bool), MASK.T, MASK.astype(int), da.from_array(MASK)]
WORKERS = [np.int8(64), np.uint8(255), 2**15, 2**15 + 1]
FLAGS = [True, False, np.False_]
FOLDS = [(2, 3), [4], np.array([2, 6], np.int8), [5], (2, 2)]
SHIFTS = [
    [[0, 3], [3, 0]],
    np.array([[0, -128], [5, 5]], np.int8),
    [[0, 0]],
    [[0.1, 3]],
]
ANGLES = [[90.0], (90, 120), np.array([45, 60], np.int16), [0], [360], [1e-9]]
SMALL = {"patch": 5, "window": 4, "max_operations": 9, "stride": 4}
POINT = {
    "radius": [5, np.int8(5), 1591, 1592, 10**6, 0.1],
    "n_angles": [12, np.uint8(48), 7, 10**5],
    "pooling": [5, np.int8(5), (3, 5), 10**9],
    "n_maxima": [1, np.int8(2), 1000, 1001],
    "step": [1, 2, np.int8(2), 10**9],
    "only": [[0], [0, 1], np.array([1], np.int8), [10**9]],
}
TRANSLATION = {
    "patch": [5, np.int8(5), (3, 4), 0.05, (0.05, 5), 22, 10**9],
    "window": [4, np.int8(4), (3, 4), 0.04, 44, 52, 10**9],
    "max_operations": [9, np.int8(9), 2**20, 2**20 + 1],
    "translations": SHIFTS,
}
SEGMENT = TRANSLATION | {
    "n_patterns": [1, 2, np.int8(2), "auto", 127, 2**15],
    "descriptor": [
        "translation",
        "power_spectrum",
        ["translation", "rotation"],
        TranslationSymmetry(5, 4, 9),
        ["translation", "translation"],
    ],
    "stride": [4, np.int8(4), (3, 5), 0.04, 45, 46, 10**9],
    "n_components": [1, np.int8(3), 0.9, np.float32(0.5), 10**9],
    "mask": MASKS,
    "fit_on": [1, np.int8(1), [0], [-1], slice(0, 1), 0.1, [0.1], 10**9],
    "n_operations": [1, np.int8(5), 9, 10],
    "period": [7, np.int8(7), 0.13, 1, 41, 1e-9, 1e9, None, "auto", (7, 7)],
    "refine": [*FLAGS, "auto"],
    "upsample": FLAGS,
    "certainty": FLAGS,
    "random_state": [0, np.int8(7), 2**32 - 1, 2**32],
    "show_progressbar": FLAGS,
    "num_workers": WORKERS,
    "lazy_output": FLAGS,
    "radius": POINT["radius"],
    "log": FLAGS,
    "nonsense": [3],
}


def signal():
    return simulated().inav[0]


@functools.cache
def simulated():
    movie, _ = simulate.moving_boundary(
        2,
        SHAPE,
        speed=3,
        drift=2,
        spacing=7,
        column_width=1.2,
        dose=30,
    )
    movie.compute(show_progressbar=False)
    return movie


@functools.cache
def labels():
    return simulated().segment_symmetry(2, **SMALL, show_progressbar=False)


@functools.cache
def model():
    return signal().segment_symmetry(2, **SMALL, show_progressbar=False).model


def segment(given, source):
    return source.segment_symmetry(
        **SMALL
        | {"n_patterns": 2, "show_progressbar": False, "lazy_output": True}
        | given
    )


def fit(frame=None, descriptor=None, **options):
    frame = signal().data if frame is None else frame
    descriptor = TranslationSymmetry(5, 4, 9) if descriptor is None else descriptor
    return SymmetryModel.fit(
        frame, descriptor, **{"n_patterns": 2, "stride": 4} | options
    )


def score(kind, options, given):
    descriptor = kind(**options | given)
    descriptor.check_frame(SHAPE)
    return descriptor.compute(signal().data, Grid((20, 20), (3, 3), (2, 2)))


def micrograph(**given):
    # Too large a frame is the user's wish.
    return simulate.micrograph(simulate.Lattice.square(7), **{"shape": SHAPE} | given)


QUIET = {"show_progressbar": False}
OF_LABELS = {
    "signal": [labels, hs.signals.Signal1D(np.arange(3.0)), hs.signals.Signal2D(MASK)],
    "mask": MASKS,
    "show_progressbar": FLAGS,
    "num_workers": WORKERS,
    "lazy_output": FLAGS,
}
POINT_SMALL = {"radius": 4, "pooling": 5, "n_maxima": 1, "step": 2}
SIMULATION = {
    "column_width": [1.2, np.float32(2), 1e-9],
    "dose": [None, 3, np.int8(3), 1e9],
    "background": [0, np.int8(1)],
    "ramp": [0, 1],
    "jitter": [0, np.float16(0.1)],
    "pixel_size": [0.1, np.int8(1)],
    "seed": [0, np.int8(3), 2**70],
    "shape": [SHAPE, np.array(SHAPE, np.int8), (1, 1)],
}
# What is called, and what it takes beside anything.
CALLS = {
    "segment an image": (lambda **given: segment(given, signal()), SEGMENT),
    "segment a series": (lambda **given: segment(given, simulated()), SEGMENT),
    "apply a model": (
        lambda **given: signal().segment_symmetry(
            **{"model": model(), "lazy_output": True} | QUIET | given
        ),
        SEGMENT | {"model": [OBJECT]},
    ),
    "get descriptors": (
        lambda **given: signal().get_symmetry_descriptors(
            **SMALL | {"lazy_output": True} | QUIET | given
        ),
        {
            name: SEGMENT[name]
            for name in (
                *TRANSLATION,
                "descriptor",
                "stride",
                "mask",
                "num_workers",
                "lazy_output",
                "show_progressbar",
                "radius",
            )
        },
    ),
    "get a map": (
        lambda **given: signal().get_symmetry_map(
            **{"descriptor": "rotation", "fold": 4, "radius": 5} | QUIET | given
        ),
        {
            "descriptor": ["reflection", "glide_reflection", "translation"],
            "fold": [2, np.int8(3), 5],
            "angle": [90, 45.0, np.int16(120), 360],
            "glide": [3, np.int8(3), 0.03],
            "translation": [(3, 0), np.array([3, 1], np.int8), (0.05, 0.0)],
            "patch": TRANSLATION["patch"],
            "mask": MASKS,
            "lazy_output": FLAGS,
            "num_workers": WORKERS,
            "show_progressbar": FLAGS,
        }
        | {name: POINT[name] for name in ("radius", "n_angles")},
    ),
    "overlay": (
        lambda **given: labels().overlay(**{"signal": simulated()} | given),
        {
            "signal": OF_LABELS["signal"],
            "saturation": [0, 1, np.float32(0.3), np.int8(1)],
        },
    ),
    "certainty": (
        lambda **given: labels().get_certainty(
            **{"signal": simulated(), "lazy_output": True} | QUIET | given
        ),
        OF_LABELS,
    ),
    "boundary velocity": (
        lambda **given: labels().get_boundary_velocity(**QUIET | given),
        {
            "signal": OF_LABELS["signal"],
            "pattern": [0, np.int8(1), 2, "rim"],
            "against": [0, np.int8(1), 2, "rim", None],
            "drift": ["auto", None, np.zeros((2, 2)), [[0, 0], [1, np.inf]]],
            "smoothing": [0, np.int8(5), 0.03, None, 10**9],
            "certainty": OF_LABELS["signal"],
            "mask": MASKS,
            "num_workers": WORKERS,
            "show_progressbar": FLAGS,
        },
    ),
    "outliers": (
        lambda **given: labels().find_outliers(
            **{"signal": simulated(), "lazy_output": True} | QUIET | given
        ),
        OF_LABELS | {"threshold": [5, np.int8(5), np.float16(5)]},
    ),
    "periods": (
        lambda **given: labels().plot_periods(**{"signal": simulated()} | given),
        {"signal": OF_LABELS["signal"], "mask": MASKS},
    ),
    "clusters": (
        lambda **given: labels().inav[0].plot_clusters(**{"signal": signal()} | given),
        {"signal": OF_LABELS["signal"], "mask": MASKS},
    ),
    "fit": (
        fit,
        {
            name: SEGMENT[name]
            for name in (
                "n_patterns",
                "stride",
                "n_components",
                "n_operations",
                "mask",
                "random_state",
            )
        }
        | {
            "frame": [signal().data[0], [[1, 2], [3]]],
            "descriptor": ["translation", PowerSpectrum(window=4)],
            "period": [7, np.int8(7), 2, 40, 2**15, 1e-9, None, "auto"],
            "pixel_size": [(0.1, 0.2), (0, 1), np.array([1, 2], np.int8)],
            "units": [("nm", "pm"), ["", ""]],
        },
    ),
    "predict": (
        lambda **given: model().predict(**{"frame": signal().data} | given),
        {
            "frame": [signal().data[0], [[1, 2], [3]], np.zeros((3, 3))],
            "mask": MASKS,
            "stride": SEGMENT["stride"],
            "upsample": FLAGS,
        },
    ),
    "sample": (
        lambda **given: model().sample(**{"frame": signal().data} | given),
        {"mask": MASKS, "frame": [np.zeros((3, 3))]},
    ),
    "select": (
        lambda **given: model().select(**{"n": 5} | given),
        {
            "n": [1, np.int8(5), 9, 10],
            "frame": [signal().data, np.zeros((3, 3))],
            "mask": MASKS,
        },
    ),
    "translations": (
        lambda **given: score(TranslationSymmetry, {"patch": 5, "window": 4}, given),
        TRANSLATION,
    ),
    "rotations": (
        lambda **given: score(RotationSymmetry, POINT_SMALL, given),
        POINT | {"folds": FOLDS, "angles": ANGLES},
    ),
    "reflections": (
        lambda **given: score(ReflectionSymmetry, POINT_SMALL, given),
        POINT | {"n_axes": [1, np.int8(6), 360, 361], "angles": ANGLES},
    ),
    "glide reflections": (
        lambda **given: score(
            GlideReflectionSymmetry, POINT_SMALL | {"n_axes": 2, "window": 2}, given
        ),
        POINT
        | {
            "n_axes": [1, np.int8(6), 360, 361],
            "window": [1, np.int8(2), 44, 45, 10**9],
            "glides": [[(0, 2)], np.array([[45, 2]]), [(0, 2, 3)], [(0.0, 10**9)]],
        },
    ),
    "power spectra": (
        lambda **given: score(PowerSpectrum, {"window": 4}, given),
        {
            "window": [4, np.int8(4), (3, 4), 22, 10**5],
            "log": FLAGS,
            "frequencies": [[(0, 1)], np.array([[-1, 1]], np.int8), [(0, 9)]],
        },
    ),
    "grid": (
        lambda **given: Grid(**{"first": 0, "stride": 1, "shape": 3} | given),
        {name: [(3, 4), np.int8(100)] for name in ("first", "stride", "shape")},
    ),
    "find periods": (
        lambda **given: find_periods(**{"frames": signal().data} | given),
        {"frames": [simulated().data, MASK], "masks": [MASK, MASK.T, [MASK]]},
    ),
    "simulate a micrograph": (
        micrograph,
        SIMULATION
        | {
            "boundary": ["curved", "straight", np.zeros(SHAPE, int)],
            "vacancies": [1, np.int8(1), 10**9],
        },
    ),
    "simulate a movie": (
        lambda **given: simulate.moving_boundary(**{"shape": SHAPE} | given),
        SIMULATION
        | {
            "n_frames": [1, np.int8(100), 10**6],
            "speed": [0, np.int8(1), 1e3],
            "drift": [0, np.int8(1)],
            "drift_angle": [None, 0, np.int8(90), 1e30],
            "angle": [90, np.int8(90), 1],
            "inclination": [0, np.int8(9)],
            "spacing": [7, np.int8(14)],
            "frame_time": [1, np.float32(0.1)],
        },
    ),
    "simulate a grain that shrinks": (
        lambda **given: simulate.shrinking_inclusion(
            **{"shape": SHAPE, "radius": 15, "area_rate": 1, "drift": 1} | given
        ),
        SIMULATION
        | {
            "n_frames": [1, np.int8(100), 10**6],
            "radius": [1, np.int8(15), 1e3],
            "area_rate": [0, np.int8(-1), 1e9],
            "drift": [0, np.int8(1), 40],
            "drift_angle": [0, np.int8(90), 1e30],
            "misorientation": [0, np.int8(9)],
            "spacing": [7, np.int8(14)],
        },
    ),
    "simulate regions": (
        lambda **given: simulate.regions(**{"shape": SHAPE} | given),
        {
            "n": [1, np.int8(3), 127, 128],
            "boundary": ["straight"],
            "amplitude": [0, np.int8(1)],
            "seed": SIMULATION["seed"],
            "shape": SIMULATION["shape"],
        },
    ),
}


@st.composite
def calls(draw):
    """What is called, with one to three arguments."""
    name = draw(st.sampled_from(list(CALLS)))
    pools = CALLS[name][1]
    names = draw(
        st.lists(st.sampled_from(list(pools)), min_size=1, max_size=3, unique=True)
    )
    anything = st.sampled_from(ANYTHING)
    return name, {each: draw(st.sampled_from(pools[each]) | anything) for each in names}


@given(calls())
@settings(max_examples=250, deadline=None)
def test_any_arguments_give_a_result_or_an_error_that_names_one(errors_name, call):
    name, arguments = call
    began = time.process_time()
    # What a frame, or a signal, has no room for may be said of it.
    with errors_name([*arguments, "frame", "signal", "axis"]):
        CALLS[name][0](**arguments)
    assert time.process_time() - began < SECONDS
