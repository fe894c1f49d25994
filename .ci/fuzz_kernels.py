# SPDX-License-Identifier: GPL-3.0-or-later
"""Call every kernel through its wrappers, with shapes and values drawn at random.

It is meant for kernels that are built with sanitizers, which stop the process at a
fault: see `sanitize`. The case that is being tried is told by its seed.

    python fuzz_kernels.py SECONDS [FIRST_SEED]
"""

import functools
import itertools
import logging
import sys
import time
from collections import Counter

import numpy as np

from hyperspy_symseg.analysis import AtomicColumns, Defects
from hyperspy_symseg.analysis.column_model import Canvas, Columns, Evidence
from hyperspy_symseg.descriptors import (
    GlideReflectionSymmetry,
    JoinedDescriptors,
    PowerSpectrum,
    ReflectionSymmetry,
    RotationSymmetry,
    TranslationSymmetry,
    compute_scores,
)
from hyperspy_symseg.descriptors.polar import polar_samples
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.kernels import compiled
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.templates.blocks import window_means
from hyperspy_symseg.templates.boundaries import straightened
from hyperspy_symseg.templates.crystal import Crystal
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame
from hyperspy_symseg.templates.potts import mean_field
from hyperspy_symseg.testing import random_frame

KERNELS = {
    "_block_sums": ("moments",),
    "_blocks": (
        "difference_products",
        "interpolate",
        "largest_between",
        "normalise",
        "products",
        "window_means",
    ),
    "_boundaries": ("sharpen", "smooth"),
    "_bragg": ("fourier_sums", "sum_of_components"),
    "_column_model": ("classes", "draw", "evidence", "leverage"),
    "_displacement": (
        "best_displacements",
        "multiplied",
        "phase_factors",
        "scaled",
    ),
    "_polar": ("sample_block", "score_block"),
    "_pooling": ("pool_block",),
    "_potts": ("mean_field",),
    "_translation": ("score_block", "score_masked_block"),
}
calls = Counter()


def count_calls():
    """Count how often each kernel is called."""

    def counted(name, function):
        @functools.wraps(function)
        def call(*args, **kwargs):
            calls[name] += 1
            return function(*args, **kwargs)

        return call

    for module, names in KERNELS.items():
        kernels = compiled(module)
        for name in names:
            function = getattr(kernels, name)
            setattr(kernels, name, counted(f"{module}.{name}", function))


def mask_of(rng, shape):
    """A mask, or none."""
    if rng.random() < 0.5:
        return None
    mask = rng.random(shape) < rng.choice([0.001, 0.3, 0.95])
    mask[rng.integers(shape[0]) :] |= rng.random() < 0.3
    return mask


def pair(rng, low, high):
    """Two integers, as often as not the same."""
    first, second = map(int, rng.integers(low, high, 2))
    return first, first if rng.random() < 0.5 else second


def descriptor_of(rng):
    """A descriptor of small reach."""
    radius, step = int(rng.integers(1, 12)), int(rng.integers(1, 5))
    about_a_point = {
        "radius": radius,
        "pooling": pair(rng, 1, 24),
        "n_maxima": int(rng.integers(1, 5)),
        "step": step,
    }
    kinds = {
        TranslationSymmetry: {
            "patch": pair(rng, 1, 14),
            "window": pair(rng, 1, 14),
            "max_operations": int(rng.integers(9, 120)),
        },
        RotationSymmetry: about_a_point,
        ReflectionSymmetry: about_a_point | {"n_axes": int(rng.integers(1, 13))},
        GlideReflectionSymmetry: about_a_point
        | {"n_axes": int(rng.integers(1, 5)), "window": int(rng.integers(1, 6))},
        PowerSpectrum: {"window": int(rng.integers(2, 14))},
    }
    kind = list(kinds)[rng.choice(5, p=[0.5, 0.15, 0.15, 0.1, 0.1])]
    return kind(**kinds[kind])


def scores(rng):
    """Scores of a descriptor at a grid, whole or in tiles."""
    shape = pair(rng, 2, 90)
    descriptor = descriptor_of(rng)
    if rng.random() < 0.1:
        descriptor = JoinedDescriptors((descriptor, TranslationSymmetry(3, 4)))
    grid = Grid.over(shape, tuple(map(min, pair(rng, 1, 12), shape)))
    rows, columns = (slice(int(rng.integers(n)), n) for n in grid.shape)
    frame, mask = random_frame(rng, shape), mask_of(rng, shape)
    descriptor.check_frame(shape)
    descriptor.compute(frame, grid.within(rows, columns), mask)
    with workers(int(rng.integers(1, 4))):
        compute_scores(descriptor, frame, grid, mask)
    radius, n_angles = map(int, rng.integers((2, 1), (12, 80)))
    polar_samples(frame, grid, radius, n_angles, mask)


def model(rng):
    """A model with templates: fit, labels, probabilities, outliers, columns."""
    shape = pair(rng, 24, 150)
    frame, mask = random_frame(rng, shape), mask_of(rng, shape)
    with workers(int(rng.integers(1, 4))):
        model = SymmetryModel.fit(
            frame,
            TranslationSymmetry(int(rng.integers(2, 10)), int(rng.integers(2, 10))),
            rng.choice([1, 2, 3, 4]),
            stride=pair(rng, 1, 9),
            period=float(rng.uniform(1.0, 25.0)),
            mask=mask,
        )
    other = pair(rng, 24, 150)
    frame, mask = random_frame(rng, other), mask_of(rng, other)
    labels = model.predict(frame, mask)
    if model.templates is not None:
        model.predict_proba(frame, mask)
        run(Defects(model), frame, labels, mask)
        run(AtomicColumns(model.templates), frame, labels, mask)


def blocks(rng):
    """What templates are made of, alone: of any shape, many patterns, large windows."""
    shape = pair(rng, 1, 70)
    frame = random_frame(rng, shape)
    period = float(rng.uniform(1.0, 40.0))
    normalized = NormalizedFrame(frame, mask_of(rng, shape), period)
    normalized.residuals(rng.normal(size=shape).astype(np.float32))
    indices = rng.integers(-12, 13, (int(rng.integers(20)), 2)).astype(np.int32)
    factors = rng.choice([0, 1, 1e6]) * rng.normal(size=(2, len(indices), 2))
    crystal = Crystal(
        rng.normal(0, 0.1, (2, 2)),
        indices,
        factors @ [1, 1j],
        float(rng.uniform(0.2, 12.0)),
    )
    weights = rng.random((2, *normalized.counts.shape)).astype(np.float32)
    crystal.components(normalized).expected(weights)
    n, *sides = map(int, rng.integers(1, 40, 3))
    loglik = rng.normal(0, rng.choice([0, 1, 1e30]), (n, *sides)).astype(np.float32)
    posterior = mean_field(loglik, int(rng.integers(1, 21)))
    straightened(posterior, loglik)
    reach = int(rng.integers(2, 30))
    weights = np.full(reach, 0.5 / reach, rng.choice(["f4", "f8"]))
    window_means(loglik, weights)


def columns(rng):
    """Columns in a frame, drawn and measured; some are far beyond it."""
    shape = pair(rng, 1, 90)
    mask = mask_of(rng, shape)
    valid = np.ones(shape, bool) if mask is None else ~mask
    values = rng.choice([0, 1, 1e3]) * rng.normal(size=shape)
    canvas = Canvas(values, valid, float(rng.uniform(1.0, 40.0)))
    n = int(rng.integers(60))
    positions = rng.uniform(-0.5, 1.5, (n, 2)) * shape
    positions[rng.random(n) < 0.02] = rng.choice([np.nan, np.inf, -1e300])
    widths = rng.uniform(0.3, rng.choice([3.0, 30.0]), n)
    drawn = Columns(positions, rng.normal(1, rng.choice([0, 1, 1e3]), n), widths)
    expected = canvas.drawn(drawn, drawn.amplitudes)
    canvas.background(expected, None)
    covariance = rng.normal(size=(n, 3, 3))
    leverages = canvas.leverage(drawn, covariance + covariance.swapaxes(1, 2))
    noise = canvas.noise(expected, leverages)
    Evidence.of(canvas, drawn, expected, rng.normal(size=n), noise)


# Of ten cases, each kind has these.
CASES = scores, blocks, columns, scores, model, scores, blocks, scores, model, scores


def main(seconds, seed=0):
    """Try cases until the time is over; return the exit status."""
    logging.getLogger("hyperspy_symseg").setLevel("CRITICAL")
    count_calls()
    tried, refused = Counter(), Counter()
    end = time.monotonic() + seconds
    for number in itertools.count(seed):
        if time.monotonic() > end:
            break
        rng = np.random.default_rng(number)
        case = CASES[number % len(CASES)]
        print(f"seed {number}: {case.__name__}", file=sys.stderr, flush=True)
        tried[case.__name__] += 1
        try:
            case(rng)
        except (TypeError, ValueError) as error:
            # What is not allowed, such as a patch larger than the frame.
            refused[f"{case.__name__}: {str(error)[:30]}"] += 1
    for name, n in sorted(tried.items()):
        print(f"{n} of {name}")
    for reason, n in refused.most_common(12):
        print(f"  {n} refused: {reason}")
    never = 0
    for module, names in KERNELS.items():
        for name in names:
            n = calls[f"{module}.{name}"]
            never += n == 0
            print(f"{module}.{name}: {n} calls")
    return int(never > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
