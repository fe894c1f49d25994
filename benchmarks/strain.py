# SPDX-License-Identifier: GPL-3.0-or-later
"""How well strain and rotation are measured, beside what counts and jitter allow.

Crystals with a displacement field of waves, which strain by up to 2 % and rotate by up
to 2 degrees, are counted and segmented. One table, in Markdown ::

    python benchmarks/strain.py [--seeds 3] [--first 0] [--side 1024]
                                [--picture strain.png] [--only NAME ...]

The truth is the polar decomposition of the exact deformation, averaged in the same
Gaussian window over the pixels of the grain. The limit is that of columns whose
position is known to the Cramer-Rao bound of their counts (Poisson, with background; the
amplitude is known) and to the jitter, as both would be if nothing else was unknown: the
standard error of the slope of a plane through the columns of the grain in the window.

"Inside" is what is three standard deviations of the window, or more, from the edge of
the grain: there both are the same mean. z is the error in standard errors that are
reported, in root mean square. Times are of the processor, for a megapixel.
"""

import argparse
import math
import time
from typing import NamedTuple

import numpy as np
from hyperspy.signals import Signal2D
from scipy import ndimage
from scipy.spatial import cKDTree

import hyperspy_symseg  # noqa: F401
from hyperspy_symseg.simulate import Lattice, regions
from hyperspy_symseg.simulate.imaging import Imaging

PERIOD, JITTER, BACKGROUND, COLUMN_WIDTH = 12.0, 0.02, 0.25, 2.0
MOST_STRAIN, MOST_ROTATION = 0.02, 2.0
WAVES, LONGEST = 6, 4
SMOOTHING, TRUNCATE = 3.0, 3.0
# Pixels between places that are compared, and between those whose limit is computed.
STEP, LIMIT_STEP = 4, 32
COMPONENTS = "exx", "eyy", "exy", "rotation"


class Case(NamedTuple):
    """Crystals, and how they are seen."""

    name: str
    kind: str = "square"
    dose: float = 10.0
    shortest: float = 20.0  # wave, in periods
    jitter: float = JITTER
    grains: int = 1
    frames: int = 1


CASES = (
    Case("square"),
    Case("square, waves of 40 periods", shortest=40),
    Case("square, no jitter", jitter=0.0),
    Case("square, 3 counts", dose=3.0),
    Case("square, 1 count", dose=1.0),
    Case("hexagonal", kind="hexagonal"),
    Case("two grains", grains=2),
    Case("three frames", frames=3),
)


class Field(NamedTuple):
    """A displacement field of waves, and a rotation of all.

    Attributes
    ----------
    waves, amplitudes : (n, 2) numpy.ndarray of float64
        In radians a pixel, and in pixels.
    phases : (n,) numpy.ndarray of float64
    turn : (2, 2) numpy.ndarray of float64
        Less the unit matrix.
    middle : (2,) numpy.ndarray of float64
    """

    waves: np.ndarray
    amplitudes: np.ndarray
    phases: np.ndarray
    turn: np.ndarray
    middle: np.ndarray

    @classmethod
    def of(cls, rng, side, shortest):
        """Draw a field for a frame of a side: Field."""
        lengths = rng.uniform(shortest, LONGEST * shortest, WAVES) * PERIOD
        direction, polarization, phases = rng.uniform(0, 2 * np.pi, (3, WAVES))
        waves = 2 * np.pi / lengths * np.stack([np.sin(direction), np.cos(direction)])
        amplitudes = lengths * np.stack([np.sin(polarization), np.cos(polarization)])
        none, middle = np.zeros((2, 2)), np.full(2, side / 2)
        field = cls(waves.T, amplitudes.T, phases, none, middle)
        y, x = np.mgrid[0:side:STEP, 0:side:STEP]
        places = np.column_stack([y.ravel(), x.ravel()]).astype(float)
        gradients = field.gradients(places)
        strains = np.abs(gradients + gradients.swapaxes(1, 2)).max() / 2
        rotations = (gradients[:, 0, 1] - gradients[:, 1, 0]) / 2
        most = math.radians(MOST_ROTATION)
        scale = min(MOST_STRAIN / strains, most / np.abs(rotations).max())
        # As far as the rotation may go still.
        turn = most - scale * rotations.max()
        cos, sin = math.cos(turn) - 1, math.sin(turn)
        turn = np.array([[cos, sin], [-sin, cos]])
        return field._replace(amplitudes=scale * field.amplitudes, turn=turn)

    def displacements(self, places):
        """Displacement (n, 2) of places (n, 2), in pixels."""
        waves = np.sin(places @ self.waves.T + self.phases) @ self.amplitudes
        return waves + (places - self.middle) @ self.turn.T

    def gradients(self, places):
        """Derivatives (n, 2, 2) of the displacement at places (n, 2)."""
        slopes = np.cos(places @ self.waves.T + self.phases)
        return np.einsum("np,pa,pb->nab", slopes, self.amplitudes, self.waves) + (
            self.turn
        )

    def truth(self, shape):
        """Strain, and rotation in degrees, of every STEP-th pixel: (4, rows, columns).

        By a polar decomposition, whose stretch is the square root of F F'.
        """
        y, x = np.mgrid[0 : shape[0] : STEP, 0 : shape[1] : STEP]
        here = np.column_stack([y.ravel(), x.ravel()]).astype(float)
        before = here
        for _ in range(8):
            before = here - self.displacements(before)
        matrices = np.eye(2) + self.gradients(before)
        sizes, axes = np.linalg.eigh(matrices @ matrices.swapaxes(1, 2))
        stretch = (axes * np.sqrt(sizes)[:, np.newaxis]) @ axes.swapaxes(1, 2)
        rotation = np.linalg.solve(stretch, matrices)
        angle = np.degrees(np.arctan2(rotation[:, 0, 1], rotation[:, 0, 0]))
        found = [stretch[:, 1, 1] - 1, stretch[:, 0, 0] - 1, stretch[:, 0, 1], angle]
        return np.reshape(found, (4, *y.shape))


def scene(case, side, seed):
    """Frames of counts, lattices, fields by frame and grain, columns, and truth."""
    rng = np.random.default_rng((seed, 17))
    truth = regions((side, side), case.grains, seed=seed)
    turns = rng.uniform(0, 90) + np.array([0, 37])[: case.grains]
    lattices = [getattr(Lattice, case.kind)(PERIOD, turn) for turn in turns]
    imaging = Imaging(COLUMN_WIDTH, case.dose, BACKGROUND, 0.0, case.jitter)
    frames, fields, columns = [], [], []
    for _ in range(case.frames):
        own_fields, own_columns, own_places = [], [], []
        for k, lattice in enumerate(lattices):
            field = Field.of(rng, side, case.shortest)
            origin = rng.uniform(0, PERIOD, 2)
            sites, jitter, weights = imaging.columns(
                lattice, (side, side), origin, rng, room=0.1 * side
            )
            places = sites + field.displacements(sites)
            pixels = np.clip(np.rint(places), 0, side - 1).astype(int)
            own = truth[tuple(pixels.T)] == k
            seen = own & (np.abs(places - pixels) <= 0.5).all(axis=1)
            own_fields.append(field)
            own_columns.append((places[own] + jitter[own], weights[own]))
            own_places.append(places[seen])
        drawn = imaging.draw(own_columns, (side, side), 0.0)
        frames.append(imaging.expose(drawn, rng))
        fields.append(own_fields)
        columns.append(own_places)
    return np.array(frames), lattices, fields, columns, truth


def column_error(dose, jitter):
    """Standard deviation of the position of a column along an axis, in pixels."""
    y, x = np.mgrid[-15:16, -15:16]
    column = np.exp(-(y**2 + x**2) / 2 / COLUMN_WIDTH**2)
    slopes = column * x / COLUMN_WIDTH**2
    information = dose * (slopes**2 / (column + BACKGROUND)).sum()
    return math.sqrt(1 / information + (jitter * PERIOD) ** 2)


def limits(columns, places, error):
    """Standard errors (4, n) at places (n, 2) of a grain with columns (m, 2)."""
    width = SMOOTHING * PERIOD
    tree, found = cKDTree(columns), np.full((4, len(places)), np.nan)
    near_by = tree.query_ball_point(places, TRUNCATE * width)
    for i, (place, near) in enumerate(zip(places, near_by, strict=True)):
        away = columns[near] - place
        weights = np.exp(-(away**2).sum(axis=1) / 2 / width**2)
        terms = np.column_stack([np.ones(len(away)), away])
        normal = np.linalg.inv(terms.T @ (weights[:, np.newaxis] * terms))
        meat = terms.T @ (weights[:, np.newaxis] ** 2 * terms)
        yy, xx = np.diag(normal @ meat @ normal)[1:]
        found[:, i] = xx, yy, (xx + yy) / 4, (xx + yy) / 4
    found = error * np.sqrt(found)
    found[3] = np.degrees(found[3])
    return found


class Errors(NamedTuple):
    """Errors, reported standard errors (4, n), and limits (4, m)."""

    errors: np.ndarray
    reported: np.ndarray
    limits: np.ndarray


def smoothed(truth, own):
    """Mean of a truth (4, rows, columns) in the window, over places of a grain."""
    width = SMOOTHING * PERIOD / STEP

    def mean(values):
        return ndimage.gaussian_filter(
            values, width, mode="constant", truncate=TRUNCATE
        )

    return np.stack([mean(own * each) for each in truth]) / np.maximum(
        mean(own.astype(float)), 1e-12
    )


def judged(case, side, seed):
    """Errors inside and everywhere, seconds a megapixel, and maps of the first frame.

    Returns
    -------
    inside, everywhere : Errors
    seconds : float
    maps : (found, truth, reported)
        Each (4, rows, columns).
    """
    frames, lattices, fields, columns, truth = scene(case, side, seed)
    signal = Signal2D(frames if case.frames > 1 else frames[0])
    labels = signal.segment_symmetry(case.grains, show_progressbar=False)
    found_labels = labels.data.reshape(frames.shape)
    order = [
        np.bincount(truth[found_labels[0] == k]).argmax() for k in range(case.grains)
    ]
    references = [lattices[k].vectors for k in order]
    began = time.process_time()
    strain = labels.get_strain(signal, reference=references, show_progressbar=False)
    seconds = (time.process_time() - began) / frames.size * 1e6
    found = strain.data.reshape(case.frames, 4, side, side)[..., ::STEP, ::STEP]
    variance = strain.get_noise_variance().data.reshape(case.frames, 4, side, side)
    reported = np.sqrt(variance[..., ::STEP, ::STEP])
    error, margin = column_error(case.dose, case.jitter), SMOOTHING * PERIOD * TRUNCATE
    places = np.mgrid[0:side:LIMIT_STEP, 0:side:LIMIT_STEP].reshape(2, -1).T
    both, maps = ([], []), []
    for i, own_fields in enumerate(fields):
        for k, field in enumerate(own_fields):
            own = truth == k
            distance = ndimage.distance_transform_edt(np.pad(own, 1))[1:-1, 1:-1]
            expected = smoothed(field.truth(own.shape), own[::STEP, ::STEP])
            right = own & (found_labels[i] == order.index(k))
            maps.append((found[i], expected, reported[i]))
            for least, results in zip((margin, 0), both, strict=True):
                seen = (right & (distance > least))[::STEP, ::STEP]
                seen &= np.isfinite(found[i]).all(axis=0)
                near = places[distance[tuple(places.T)] > least]
                results.append(
                    Errors(
                        (found[i] - expected)[:, seen],
                        reported[i][:, seen],
                        limits(columns[i][k], near, error),
                    )
                )
    joined = [
        Errors(*(np.concatenate(each, axis=1) for each in zip(*results, strict=True)))
        for results in both
    ]
    return *joined, seconds, maps[0]


def rms(values):
    """Root mean square of (4, n) values: (4,)."""
    return np.sqrt((values**2).mean(axis=1))


def row(name, where, results, seconds):
    """Line of the table."""
    errors, reported, limit = (
        np.concatenate(each, axis=1) for each in zip(*results, strict=True)
    )
    size, least, z = rms(errors), rms(limit), rms(errors / reported)
    percent = " / ".join(f"{100 * each:.3f}" for each in size[:3])
    least_percent = " / ".join(f"{100 * each:.3f}" for each in least[:3])
    together = math.sqrt(np.mean((size / least) ** 2))
    cells = [
        f"{name}, {where}",
        percent,
        least_percent,
        f"{size[3]:.3f} / {least[3]:.3f}",
        f"{together:.2f}",
        f"{z.min():.2f} to {z.max():.2f}",
        f"{np.mean(seconds):.2f}",
    ]
    return f"| {' | '.join(cells)} |"


def picture(maps, path):
    """Draw what was found, the truth, and the errors in standard errors."""
    import matplotlib.pyplot as plt

    found, truth, reported = maps
    figure, axes = plt.subplots(3, 4, figsize=(13, 9.5), layout="constrained")
    for k, name in enumerate(COMPONENTS):
        most = np.nanmax(np.abs(truth[k]))
        for values, limit, what, ax in zip(
            (found[k], truth[k], (found[k] - truth[k]) / reported[k]),
            (most, most, 3),
            ("found", "truth, smoothed", "error over standard error"),
            axes[:, k],
            strict=True,
        ):
            image = ax.imshow(values, cmap="RdBu_r", vmin=-limit, vmax=limit)
            ax.set(title=f"{name}: {what}", xticks=[], yticks=[])
            figure.colorbar(image, ax=ax, shrink=0.7)
    figure.savefig(path, dpi=60)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--picture")
    parser.add_argument("--only", nargs="*", default=None)
    arguments = parser.parse_args()
    print(
        "| case | exx / eyy / exy, rms error in % | their limit | rotation, degrees / "
        "limit | over the limit | z | s a megapixel |\n|---|---|---|---|---|---|---|"
    )
    for case in CASES:
        if arguments.only is not None and case.name not in arguments.only:
            continue
        seeds = range(arguments.first, arguments.first + arguments.seeds)
        results = [judged(case, arguments.side, seed) for seed in seeds]
        inside, everywhere, seconds, maps = zip(*results, strict=True)
        print(row(case.name, "inside", inside, seconds), flush=True)
        print(row(case.name, "everywhere", everywhere, seconds), flush=True)
        if arguments.picture and case is CASES[0]:
            picture(maps[0], arguments.picture)


if __name__ == "__main__":
    main()
