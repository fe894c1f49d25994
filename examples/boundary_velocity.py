# SPDX-License-Identifier: GPL-3.0-or-later
"""
Velocity of a boundary
======================

How fast a grain shrinks: the velocity of its boundary, with errors, despite drift.

Without a file, a movie of a round grain that drifts is simulated::

    python examples/boundary_velocity.py
    python examples/boundary_velocity.py movie.zspy

The picture has three of the frames; where the boundary has been, coloured by its
velocity; the mean velocity against time; and the area, as the labels have it and as the
velocity does.
"""

import hyperspy.api as hs
import numpy as np
from _common import panels, parse, save, show

from hyperspy_symseg import simulate

N_FRAMES, DRIFT = 20, 10  # the latter in pixels

# %%
# The movie: that of a file, or a simulated one.

options = parse(__doc__, "boundary_velocity.png")
truth = None
if options.file:
    movie = hs.load(options.file)
else:
    radius = 0.35 * options.size
    movie, truth = simulate.shrinking_inclusion(
        N_FRAMES,
        (options.size, options.size),
        radius=radius,
        # It loses two thirds of its area.
        area_rate=2 / 3 * np.pi * radius**2 / N_FRAMES,
        drift=DRIFT,
    )
    movie.compute(show_progressbar=False)

# %%
# The movie is segmented once.

seg, certainty = movie.segment_symmetry(n_patterns=2, certainty=True)
# sphinx_gallery_thumbnail_number = 2
seg.overlay(movie).plot()

# %%
# Velocities are those of pairs of frames.

pattern = 0
if truth is not None:
    # Of both numbers, that of the grain.
    is_inside = truth.data[0].compute() == 0
    pattern = int(np.median(seg.data[0][is_inside]))
velocity, mean = seg.get_boundary_velocity(movie, pattern=pattern, certainty=certainty)
errors = mean.get_noise_variance().data ** 0.5

# %%
# Three frames, where the boundary has been, and what is against time.

figure, axes = panels(
    "First frame",
    "Frame in the middle",
    "Last frame",
    "Velocity along the boundary",
    "Mean velocity",
    "Area",
)
n_frames = len(seg.data)
for ax, place in zip(axes, (0, n_frames // 2, -1), strict=False):
    show(ax, seg.inav[place].overlay(movie.inav[place]))
# Where it has been more than once, the last velocity.
swept = np.full(velocity.data.shape[1:], np.nan)
for frame in velocity.data:
    np.copyto(swept, frame, where=np.isfinite(frame))
limit = np.nanpercentile(np.abs(swept), 99)
colors = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
image = show(axes[3], velocity, swept, **colors)
axes[3].set_facecolor("0.9")
quantity = velocity.metadata.Signal.quantity
figure.colorbar(image, ax=axes[3], label=quantity)
time = mean.axes_manager.signal_axes[0]
seconds = f"{time.name} ({time.units})"
axes[4].errorbar(time.axis, mean.data, errors, fmt="o", label="found")
axes[4].set(xlabel=seconds, ylabel=quantity)
areas, lengths = seg.get_areas(), seg.get_boundary_length().data[pattern]
gains = mean.data * (lengths[1:] + lengths[:-1]) / 2 * time.scale
every = areas.axes_manager.signal_axes[0].axis
axes[5].plot(every, areas.data[pattern], color="black", label="labels")
axes[5].plot(every[1:], areas.data[pattern, 0] + np.cumsum(gains), "o")
axes[5].lines[-1].set_label("velocity times length")
axes[5].set(xlabel=seconds, ylabel=areas.metadata.Signal.quantity)
axes[5].legend()

# %%
# What is found, and what is true of a simulated movie.

figures = {"mean": mean.data.mean(), "error of a pair": errors.mean()}
if truth is not None:
    simulation = movie.metadata.Simulation
    middle = np.arange(N_FRAMES - 1) + 0.5
    radii = simulation.radius**2 - simulation.area_rate * middle / np.pi
    true = -simulation.area_rate / (2 * np.pi * np.sqrt(radii))
    true *= truth.axes_manager.signal_axes[0].scale / simulation.frame_time
    axes[4].plot(time.axis, true, color="black", label="true")
    axes[4].legend()
    figures["found / true"] = mean.data.mean() / true.mean()
    z = (mean.data - true) / errors
    figures["error / standard error"] = np.sqrt(np.mean(z**2))
save(figure, options.output)
print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
