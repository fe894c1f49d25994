# SPDX-License-Identifier: GPL-3.0-or-later
"""Limits of accuracy: what an observer finds who is told what both crystals look like.

Run it with the Python that this package is installed in ::

    python benchmarks/limits.py [--seeds 3] [--doses 0.3] [--radii 2]
        [--cases klmnopq] [--case-doses 30 3] [--case-seeds 5]

The last table is of the cases of the accuracy suite, and of the observer of
``observer.py``, who is told the motifs pixel by pixel, and that boundaries are short.

In the others, the observer knows the expected counts E_A and E_B if the whole frame
were of one crystal, with the displacement of every column, and that within a disc about
a pixel the frame is of one crystal, of two with an edge between them, or, if there is a
lamella, of three strips: all equally likely, and so are all angles, offsets and
curvatures of the edges, up to those in the suite. The likelihood of each is a sum over
the disc of the evidence in the counts x; the label of a pixel is the more probable one.

A lamella is judged by pixels, with the evidence x log(E_A / E_B) - (E_A - E_B); that
columns reach across an edge is left out. "Learnt" is what is found with E_A and E_B
that are fitted to the counts of the pixels that truly belong to each, as waves of known
frequencies. For displacements, the observer is told for sure which columns there are,
so that no count can add to it: what is left is how columns sample an edge.
"""

import argparse
import math
from dataclasses import replace
from typing import NamedTuple

import accuracy_suite
import numpy as np
from accuracy_measures import boundary_displacement, mean_iou
from observer import observe
from scipy import ndimage, sparse

from hyperspy_symseg.simulate import micrograph
from hyperspy_symseg.simulate.imaging import Imaging

# As in the suite: `micrograph` and its defaults.
IMAGING = Imaging(
    accuracy_suite.COLUMN_WIDTH, None, background=0.25, ramp=0.25, jitter=0.02
)
# Bound on the wave of a boundary, as a fraction of the side of the frame, and bound of
# the uniform distribution that is as wide as that of its curvature, in 1 / side: the
# second derivative of (2 sin t + sin 2t) / 3 has a mean square of 10 / 9.
WAVE, LAMELLA_WAVE = 0.1, 0.05
BEND = math.sqrt(3 * 10 / 9) * (2 * math.pi) ** 2
# Side of what pixels of a lamella are summed over, at scale 1.
BIN = 3
# Distance of two edges at the rim of the disc, at most, in periods.
RIM_STEP = 1 / 3
# Evidence of a column in nats: not more, as no edge is quite like the boundary.
TRUST = 6.0
# Pixels from the true boundary that are labelled, for displacements.
BAND = 6
# Waves that are fitted, as fractions of the mean if columns were points.
LEAST_WAVE = 0.05
# Standard deviations of a normal distribution, for 99 of 100.
SURE = 2.33
DISPLACED_CASES = "abcde"
# One crystal alone has no boundary.
TOLD_CASES = "".join(accuracy_suite.CRYSTAL_CASES) + "q"
TOLD_DOSES = accuracy_suite.CRYSTAL_DOSES
POINTS_AT_ONCE = 4096


class Scene(NamedTuple):
    """What a frame of the suite is made of; the seed is that of `micrograph`."""

    lattices: list
    truth: np.ndarray
    seed: int
    scale: float

    @classmethod
    def of(cls, name, seed, scale=1):
        """Scene of a case of the suite."""
        return cls(*accuracy_suite.structure(name, seed, scale), scale)

    @property
    def width(self):
        """Standard deviation of a column, in pixels: float."""
        return accuracy_suite.COLUMN_WIDTH * self.scale

    @property
    def period(self):
        """Shortest lattice vector, in pixels: float."""
        return min(np.linalg.norm(each.vectors, axis=1).min() for each in self.lattices)

    def intensities(self, labels):
        """Frame without noise, 1 at the centre of a column, with any labels."""
        labels = np.broadcast_to(np.int8(labels), self.truth.shape)
        options = {"column_width": self.width, "dose": None, "seed": self.seed}
        signal, _ = micrograph(self.lattices, boundary=labels, **options)
        return signal.data.astype(float)

    def columns(self):
        """Pixels of the columns' centres if each crystal filled the frame: arrays."""
        rng = np.random.default_rng((self.seed, 1))
        rng.uniform()  # the direction of the ramp
        imaging, found = replace(IMAGING, column_width=self.width), []
        for lattice in self.lattices:
            origin = rng.uniform(size=2) @ np.array(lattice.vectors)
            sites, steps, _ = imaging.columns(lattice, self.truth.shape, origin, rng)
            pixels = np.rint(sites + steps).astype(int)
            inside = ((pixels >= 0) & (pixels < self.truth.shape)).all(axis=1)
            found.append(pixels[inside])
        return found


def pixel_evidence(counts, first, second):
    """How much likelier the counts are with the first of two expected frames."""
    return counts * np.log(first / second) - (first - second)


def column_evidence(scene):
    """Evidence of columns that are known to be there or not, in their pixels."""
    evidence = np.zeros(scene.truth.shape)
    for pixels in scene.columns():
        own = np.where(scene.truth[tuple(pixels.T)] == 0, TRUST, -TRUST)
        np.add.at(evidence, tuple(pixels.T), own)
    return evidence


def waves(lattice, width):
    """Spatial frequencies of a crystal, and Fourier coefficients over the mean."""
    h, k = np.mgrid[-6:7, -6:7].reshape(2, -1)
    order = np.stack([h, k], axis=1)[(h > 0) | ((h == 0) & (k > 0))]
    g = order @ np.linalg.inv(lattice.vectors).T
    y, x, weights = np.transpose(lattice.motif)
    size = np.abs(np.exp(2j * np.pi * order @ [y, x]) @ weights) / weights.sum()
    size *= np.exp(-2 * (np.pi * width) ** 2 * (g**2).sum(axis=1))
    return g[size > LEAST_WAVE], size[size > LEAST_WAVE]


def fitted(scene, counts, k):
    """Expected frame of a crystal, by least squares from the pixels that are of it."""
    # Without columns, the background is a picture of the thickness ramp.
    ramp, own = scene.intensities(-1), scene.truth.ravel() == k
    places = np.indices(ramp.shape).reshape(2, -1).T
    turns = 2 * np.pi * places @ waves(scene.lattices[k], scene.width)[0].T
    every = np.hstack([np.ones((len(turns), 1)), np.cos(turns), np.sin(turns)])
    some, values = every[own], (counts / ramp).ravel()[own]
    solution = np.linalg.solve(some.T @ some, some.T @ values)
    # A tenth of the mean at least, or a single count could decide.
    return np.maximum(every @ solution, solution[0] / 10).reshape(ramp.shape) * ramp


def log_odds(evidence, points, period, radius, bend, has_strips):
    """Logarithms of the odds of the first crystal, from the discs about some pixels.

    The evidence is that for the first crystal; the period is in pixels, the radius in
    periods, and the largest curvature of an edge, `bend`, in 1 / pixels.
    """
    reach = math.ceil(radius * period)
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.hypot(y, x) <= radius * period
    y, x = y[disc], x[disc]
    n_angles = math.ceil(np.pi * radius / RIM_STEP)
    n_bends = math.ceil(radius**2 * period * bend / 2 / RIM_STEP)
    edges, masks = np.arange(-reach + 0.5, reach), []
    for angle in np.arange(n_angles) * np.pi / n_angles:
        along = y * np.cos(angle) - x * np.sin(angle)
        for each in np.linspace(-bend, bend, 2 * n_bends + 1):
            across = y * np.sin(angle) + x * np.cos(angle) - each / 2 * along**2
            masks.append((across[:, np.newaxis] < edges).astype(np.float32))
    padded = np.pad(evidence.astype(np.float32), reach)
    windows = np.lib.stride_tricks.sliding_window_view(padded, disc.shape)
    odds = []
    for start in range(0, len(points), POINTS_AT_ONCE):
        some = windows[tuple(points[start : start + POINTS_AT_ONCE].T)][:, disc]
        total = some.sum(axis=1, dtype=float)[:, np.newaxis]
        # Most pixels are at the centre of no column.
        if np.count_nonzero(some) < some.size / 10:
            some = sparse.csr_array(some)
        sides = [_sides(some @ mask, total, edges, has_strips) for mask in masks]
        first, second = (np.stack(each, axis=1) for each in zip(*sides, strict=True))
        odds.append(_log_sum(first) - _log_sum(second))
    return np.concatenate(odds)


def _sides(sums, total, edges, has_strips):
    """Log-likelihoods of each crystal at the centre, with edges at any offset.

    The sums are the evidence on the near sides of the edges.
    """
    near, far = sums[:, edges < 0].astype(float), sums[:, edges > 0].astype(float)
    prior = -np.log(2 * len(edges))
    first = [total, prior + far, prior + total - near]
    second = [np.zeros_like(total), prior + near, prior + total - far]
    if has_strips:
        prior = -np.log(len(edges) * (len(edges) - 1))
        first.append((prior + _log_sum(-near) + _log_sum(far))[:, np.newaxis])
        between = prior + _log_sum(near) + _log_sum(-far)
        second.append(total + between[:, np.newaxis])
        for side in (near, far):
            before = np.logaddexp.accumulate(-side, axis=1)[:, :-1]
            second.append(prior + before + side[:, 1:])
            before = np.logaddexp.accumulate(side, axis=1)[:, :-1]
            first.append(prior + total + before - side[:, 1:])
    return _log_sum(np.hstack(first)), _log_sum(np.hstack(second))


def _log_sum(logarithms):
    """Logarithms of the sums, along the rows, of what the logarithms are of."""
    top = logarithms.max(axis=1)
    return np.log(np.exp(logarithms - top[:, np.newaxis]).sum(axis=1)) + top


def label_lamella(scene, evidence, radius):
    """Labels of a lamella, from the evidence of the pixels; the radius in periods."""
    side = round(BIN * scene.scale)
    padded = np.pad(evidence, [(0, -n % side) for n in evidence.shape])
    sums = padded.reshape(padded.shape[0] // side, side, -1, side).sum(axis=(1, 3))
    points = np.indices(sums.shape).reshape(2, -1).T
    bend = BEND * LAMELLA_WAVE / min(evidence.shape) * side
    odds = log_odds(sums, points, scene.period / side, radius, bend, True)
    places = (np.indices(evidence.shape) + 0.5) / side - 0.5
    odds = odds.reshape(sums.shape)
    odds = ndimage.map_coordinates(odds, places, order=1, mode="nearest")
    return (odds < 0).astype(np.int8)


def expected_frames(scene, dose):
    """Expected counts of each crystal if it filled the frame."""
    return [dose / scene.scale**2 * scene.intensities(k) for k in (0, 1)]


def measure_evidence(seed, dose, scale):
    """Counts and columns in a lamella, nats a column, and those of its waves."""
    scene = Scene.of("h", seed, scale)
    own, lattice = scene.truth == 1, scene.lattices[1]
    first, second = expected_frames(scene, dose)
    n_counts, n_columns = second[own].sum(), own.sum() * lattice.density
    nats = pixel_evidence(second, second, first)[own].sum() / n_columns
    above = 2 * np.pi * scene.width**2 * lattice.density
    sizes = np.sort(waves(lattice, scene.width)[1])[:-4:-1]
    sizes *= above / (above + IMAGING.background)
    return [n_counts, n_columns, nats, 2 * SURE**2 / nats, *(n_counts * sizes**2)]


def measure_lamella(seed, dose, scale, radii):
    """Mean IoU of a lamella, told and learnt, with each radius."""
    scene = Scene.of("h", seed, scale)
    counts, truth = accuracy_suite.case("h", dose, seed, scale)
    learnt = [fitted(scene, counts, k) for k in (0, 1)]
    return [
        mean_iou(label_lamella(scene, pixel_evidence(counts, *each), radius), truth)
        for each in (expected_frames(scene, dose), learnt)
        for radius in radii
    ]


def measure_displacement(seed, name, radii):
    """Boundary displacement, with each radius, of labels true but near the boundary."""
    scene = Scene.of(name, seed)
    truth, evidence = scene.truth, column_evidence(scene)
    distances = [ndimage.distance_transform_edt(truth == k) for k in (0, 1)]
    near = np.maximum(*distances) <= BAND
    bend, found = BEND * WAVE / min(truth.shape), []
    for radius in radii:
        labels, points = truth.copy(), np.argwhere(near)
        labels[near] = log_odds(evidence, points, scene.period, radius, bend, False) < 0
        found.append(boundary_displacement(labels, truth))
    return found


def measure_observer(seed, name, doses):
    """Mean IoU of the labels of who is told the motifs of a case, at each dose."""
    scene, found = accuracy_suite.scene_of(name, seed), []
    for dose in doses:
        counts, truth = accuracy_suite.case(name, dose, seed)
        found.append(mean_iou(observe(scene, counts, dose), truth))
    return found


def print_table(columns, rows, seeds, measure):
    """Print what is measured: means over the seeds, and standard errors."""
    print(f"\n| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    for title, arguments in rows.items():
        found = [measure(seed, *arguments) for seed in seeds]
        errors = np.std(found, axis=0) / math.sqrt(max(len(found) - 1, 1))
        pairs = zip(np.mean(found, axis=0), errors, strict=True)
        cells = [f"{mean:.4g} ± {error:.2g}" for mean, error in pairs]
        print(f"| {title} | {' | '.join(cells)} |", flush=True)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="how many (3)")
    parser.add_argument("--doses", type=float, nargs="+", default=(0.3,))
    parser.add_argument("--radii", type=float, nargs="+", default=(2,), help="periods")
    parser.add_argument("--cases", default=TOLD_CASES)
    parser.add_argument("--case-doses", type=float, nargs="+", default=TOLD_DOSES)
    parser.add_argument("--case-seeds", type=int, default=5, help="of the cases (5)")
    options = parser.parse_args()
    unknown = set(options.cases) - set(accuracy_suite.ALL_CASES)
    if unknown:
        parser.error(f"There is no case {', '.join(sorted(unknown))}.")
    seeds, radii = range(options.seeds), options.radii
    within = [f"{each:g} periods" for each in radii]
    rows = {f"dose {i:g}, x {j}": (i, j) for i in options.doses for j in (1, 3)}
    columns = "counts", "columns", "nats a column", "columns for 99 %"
    columns = "twin lamella", *columns, *(f"nats, wave {i}" for i in (1, 2, 3))
    print_table(columns, rows, seeds, measure_evidence)
    rows = {title: (*each, radii) for title, each in rows.items()}
    columns = [f"{what}, {each}" for what in ("told", "learnt") for each in within]
    print_table(["mean IoU", *columns], rows, seeds, measure_lamella)
    rows = {f"({i}) {accuracy_suite.CASES[i]}": (i, radii) for i in DISPLACED_CASES}
    columns = "boundary displacement, pixels", *within
    print_table(columns, rows, seeds, measure_displacement)
    rows = {
        f"({i}) {accuracy_suite.ALL_CASES[i]}": (i, options.case_doses)
        for i in options.cases
    }
    columns = [f"dose {dose:g}" for dose in options.case_doses]
    seeds = range(options.case_seeds)
    print_table(["mean IoU, told the motifs", *columns], rows, seeds, measure_observer)
    print(
        f"\nMeans ± standard errors; seeds: {options.seeds}, in the last table "
        f"{options.case_seeds}."
    )


if __name__ == "__main__":
    main()
