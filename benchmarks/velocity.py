# SPDX-License-Identifier: GPL-3.0-or-later
"""How right the velocities of boundaries are, and their standard errors.

    python benchmarks/velocity.py [--frames 60] [--seeds 3] [--first-seed 10]
                                  [--rows "at rest" inclusion] [--errors certainty]

Movies are simulated at 3 counts, and labelled with the defaults. Of a straight boundary
there are its mean velocity over the truth (over half a pixel a frame if it is at rest),
and the velocity along it in the mean over 20 frames and 4 periods of the boundary, in
units of the truth: bias, and deviation in root mean square everywhere and at least 4
periods from the ends. In means over frames, these have the weights of a straight line
through the positions. z is the error over the standard error in root mean square: of
the mean of each pair of frames, and along the boundary. Of an inclusion that shrinks,
it is what its area loses: by the areas of the labels, and by the mean velocity times
the length.
"""

import argparse
import itertools
import time

import numpy as np

from hyperspy_symseg import simulate

AT_ONCE, PERIODS, SPACING = 20, 4, 14
STRAIGHT = {
    "speed 0.5": {"speed": 0.5},
    "speed 0.1": {"speed": 0.1},
    "speed 0.05": {"speed": 0.05},
    "speed -2": {"speed": -2.0},
    "at rest": {"speed": 0.0},
    "drift across": {"speed": 0.5, "drift_angle": -10},
    "drift askew": {"speed": 0.5, "drift_angle": 40},
    "angle 65": {"speed": 0.5, "angle": 65},
    "10 counts": {"speed": 0.5, "dose": 10},
    "1 count": {"speed": 0.5, "dose": 1},
}
ROUND = {
    "inclusion": {},
    "fast inclusion": {"area_rate": 800.0},
    "growing inclusion": {"area_rate": -400.0, "radius": 110.0},
}
ERRORS = ["certainty", "scatter"]
HEADER = (
    "movie             seed  errors     mean   bias    all inside  z mean  z map"
    "  s/pair"
)


def rms(values):
    """Root of the mean square, without what is NaN."""
    return float(np.sqrt(np.nanmean(np.square(values))))


def labelled(movie, truth):
    """Labels, certainty, and the label of what is 0 in truth."""
    movie.compute(show_progressbar=False)
    seg, certainty = movie.segment_symmetry(
        2, certainty=True, show_progressbar=False, num_workers=1
    )
    same = float(np.mean(seg.data[0] == np.asarray(truth.data[0])))
    return seg, certainty, 0 if same > 0.5 else 1


def line_weights(n_pairs):
    """Weights of velocities whose mean is the slope of a line through positions."""
    pairs = np.arange(n_pairs)
    return (pairs + 1.0) * (n_pairs - pairs)


def measured(seg, pattern, *given, **how):
    """Velocity and mean, and the processor time of a pair of frames."""
    begin = time.process_time()
    velocity, mean = seg.get_boundary_velocity(
        *given, pattern=pattern, show_progressbar=False, num_workers=1, **how
    )
    return velocity, mean, (time.process_time() - begin) / len(mean.data)


def shares(velocity, true):
    """Velocities over the truth of AT_ONCE frames and PERIODS periods: 2-d array."""
    found, side = [], PERIODS * SPACING
    frames, rows, _ = velocity.shape
    weights = line_weights(AT_ONCE)
    for first in range(0, frames - AT_ONCE + 1, AT_ONCE // 2):
        some = velocity[first : first + AT_ONCE]
        means = [
            np.nanmean(some[:, row : row + side], axis=(1, 2))
            for row in range(0, rows - side + 1, side)
        ]
        found.append(np.average(means, axis=1, weights=weights) / true)
    return np.array(found)


def straight(name, options, frames, seed, wanted):
    """Print the rows of a straight boundary."""
    movie, truth = simulate.moving_boundary(200, drift=10.0, seed=seed, **options)
    first = (200 - frames) // 2
    movie, truth = (each.inav[first : first + frames] for each in (movie, truth))
    simulation = movie.metadata.Simulation
    angle = np.radians(simulation.drift_angle)
    drift = np.outer(simulation.displacements, (np.sin(angle), np.cos(angle)))
    drift = (drift - drift[first])[first : first + frames]
    seg, certainty, pattern = labelled(movie, truth)
    true = simulation.speed * 0.01 / simulation.frame_time
    for errors, given, how in (
        ("certainty", [movie], {"certainty": certainty}),
        ("scatter", [], {"drift": drift}),
    ):
        if errors not in wanted:
            continue
        velocity, mean, seconds = measured(seg, pattern, *given, **how)
        deviation = mean.get_noise_variance().data ** 0.5
        z_mean = rms((mean.data - true) / deviation)
        deviation = velocity.get_noise_variance().data ** 0.5
        z_map = rms((velocity.data - true) / deviation)
        unit = true or 0.5 * 0.01 / simulation.frame_time
        found = np.average(mean.data, weights=line_weights(len(mean.data))) / unit
        ratio = shares(velocity.data, unit) - true / unit
        print(
            f"{name:17} {seed:4d}  {errors:9} {found:5.3f} "
            f"{ratio.mean():+6.3f} {rms(ratio):6.3f} {rms(ratio[:, 1:-1]):6.3f}  "
            f"{z_mean:6.2f} {z_map:6.2f} {seconds:7.2f}",
            flush=True,
        )


def inclusion(name, options, frames, seed, wanted):
    """Print the rows of an inclusion."""
    movie, truth = simulate.shrinking_inclusion(frames, seed=seed, **options)
    simulation = movie.metadata.Simulation
    seg, certainty, pattern = labelled(movie, truth)
    radii = np.sqrt(
        simulation.radius**2 - simulation.area_rate * np.arange(frames) / np.pi
    )
    radii = (radii[1:] + radii[:-1]) / 2 * 0.01
    rate = simulation.area_rate * 0.01**2 / simulation.frame_time
    areas = seg.get_areas()
    times = areas.axes_manager.signal_axes[0].axis
    by_area = -np.polyfit(times, areas.data[pattern], 1)[0] / rate
    lengths = seg.get_boundary_length().data[pattern]
    lengths = (lengths[1:] + lengths[:-1]) / 2
    for errors, given, how in (
        ("certainty", [movie], {"certainty": certainty}),
        ("scatter", [], {}),
    ):
        if errors not in wanted:
            continue
        velocity, mean, seconds = measured(seg, pattern, *given, **how)
        true = -rate / (2 * np.pi * radii)
        z_mean = rms((mean.data - true) / mean.get_noise_variance().data ** 0.5)
        true = true[:, np.newaxis, np.newaxis]
        z_map = rms((velocity.data - true) / velocity.get_noise_variance().data ** 0.5)
        weights = line_weights(len(mean.data))
        by_velocity = -np.average(mean.data * lengths, weights=weights) / rate
        print(
            f"{name:17} {seed:4d}  {errors:9} area rate by areas {by_area:5.3f}, by "
            f"velocities {by_velocity:5.3f}; z {z_mean:5.2f} {z_map:5.2f}, "
            f"{seconds:5.2f} s/pair",
            flush=True,
        )


def main(arguments=None):
    """Run the benchmark.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.
    """
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument(
        "--errors",
        nargs="*",
        choices=ERRORS,
        default=ERRORS,
        help="where they are from",
    )
    parser.add_argument("--rows", nargs="*", help="names, or their beginnings")
    options = parser.parse_args(arguments)
    wanted = tuple(options.rows or [""])
    print(HEADER)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for seed, (function, rows) in itertools.product(
        seeds, ((straight, STRAIGHT), (inclusion, ROUND))
    ):
        for name, given in rows.items():
            if name.startswith(wanted):
                function(name, given, options.frames, seed, options.errors)


if __name__ == "__main__":
    main()
