# SPDX-License-Identifier: GPL-3.0-or-later
"""A boundary that moves, and its speed from the areas (the paper's fourth example).

Without a file, a movie of a twin boundary is simulated::

    python examples/moving_boundary.py
    python examples/moving_boundary.py movie.zspy

A model is fitted to a few frames of the series, its 50 most separable operations are
kept, and all frames are labelled. The picture has the first and the last frame, the
share of each pattern against time, and the length of the boundary.
"""

import hyperspy.api as hs
import numpy as np
from _common import panels, parse, save, show

from hyperspy_symseg import simulate

SPEED = 0.5  # pixels a frame


def main(arguments=None):
    """Run the example.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    dict
        The figures that are printed.
    """
    options = parse(__doc__, arguments, "moving_boundary.png")
    truth = None
    if options.file:
        movie = hs.load(options.file, lazy=True)
    else:
        shape = options.size, options.size
        movie, truth = simulate.moving_boundary(40, shape, speed=SPEED)

    seg = movie.segment_symmetry(
        n_patterns=2, window=16, max_operations=289, n_operations=50
    )
    seg.compute()

    areas, lengths = seg.get_areas(), seg.get_boundary_length()
    time = areas.axes_manager.signal_axes[0]
    fractions = areas.data / areas.data.sum(axis=0)
    rate, _ = np.polyfit(time.axis, areas.data[0], 1)

    figure, axes = panels(
        "First frame", "Last frame", "Share of the area", "Length of the boundary"
    )
    for ax, place in zip(axes, (0, -1), strict=False):
        frame = movie.inav[place]
        frame.compute()
        show(ax, seg.inav[place].overlay(frame))
    for pattern, fraction in enumerate(fractions):
        axes[2].plot(time.axis, fraction, label=f"pattern {pattern}")
    axes[2].legend()
    axes[3].plot(time.axis, lengths.data[0])
    x = seg.axes_manager.signal_axes[0]
    for ax, name in zip(axes[2:], ("share", f"length ({x.units})"), strict=True):
        ax.set(xlabel=f"{time.name} ({time.units})", ylabel=name, ylim=(0, None))
    save(figure, options.output)

    figures = {"area gained a second": abs(rate), "length": lengths.data[0].mean()}
    if truth is not None:
        true_areas = (truth.data == 0).sum(axis=(1, 2)).compute() * x.scale**2
        true_rate, _ = np.polyfit(time.axis, true_areas, 1)
        figures["speed found / true"] = abs(rate / true_rate)
    print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
    return figures


if __name__ == "__main__":
    main()
