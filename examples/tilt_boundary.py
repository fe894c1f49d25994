# SPDX-License-Identifier: GPL-3.0-or-later
"""
A tilt boundary, by mirrors and rotations
=========================================

A tilt boundary by reflection and by rotation (figure 10).

Two grains of one lattice have mirror lines of different directions, but the same
rotation centres. So reflections separate the grains, and rotations join them and mark
the boundary, where there are no centres. Without a file, the grains are simulated::

    python examples/tilt_boundary.py
    python examples/tilt_boundary.py Fe_bcc_100.npy --pixel-size 0.01245

The picture also has the maps of scores before pooling, in which mirror lines and
rotation centres can be seen.
"""

from _common import ious, load, panels, parse, save, show, show_micrograph
from scipy import ndimage

from hyperspy_symseg import simulate

# Columns are 16 pixels apart in both frames. The patch holds a column and its nearest
# neighbours; the window holds two by two cells, and so at least two centres of a kind
# wherever it is.
PATCH = {"radius": 20}
POOLING = {"pooling": 33, "n_maxima": 2}

# %%
# Two grains, and a measure of how well the boundary is marked.


def simulated(size):
    """Frame of two grains, and its true labels."""
    grain = simulate.Lattice.square(16, orientation=25)
    return simulate.micrograph(
        [grain, grain.rotated(36)],
        (size, size),
        boundary="straight",
        column_width=2.5,
    )


def shares_at_boundary(marked, grains, distance):
    """Share of the pixels marked, near the boundary of two grains and elsewhere.

    Parameters
    ----------
    marked : numpy.ndarray of bool
    grains : numpy.ndarray of int
        Labels of the grains, 0 and 1.
    distance : int
        How far from the boundary is near, in pixels.

    Returns
    -------
    (float, float)
    """
    depth = ndimage.distance_transform_edt
    near = depth(grains == 0) + depth(grains == 1) <= distance
    return marked[near].mean(), marked[~near].mean()


# %%
# The micrograph: that of a file, or a simulated one.

options = parse(__doc__, "tilt_boundary.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal, truth = simulated(options.size)

# %%
# The same image twice: by reflections, and by rotations.

reflection = signal.segment_symmetry(
    n_patterns=2, descriptor="reflection", n_axes=18, **PATCH, **POOLING
)
# The boundary has no lattice of its own that its labels could be refined by.
rotation = signal.segment_symmetry(
    n_patterns=2, descriptor="rotation", refine=False, **PATCH, **POOLING
)
reflection.overlay(signal).plot()
rotation.overlay(signal).plot()

# %%
# Which mirror tells the grains apart best.

separability = reflection.get_separability()
angles = separability.axes_manager["Axis angle"].axis
best = angles[separability.data.max(axis=1).argmax()]

# %%
# Labels, separability, and maps of scores before pooling.

figure, axes = panels(
    "Micrograph",
    "Labels, by reflection",
    "Labels, by rotation",
    "Separability of the reflections",
    f"Score of the mirror at {best:.0f}°",
    "Score of four-fold rotation",
)
show_micrograph(axes[0], signal)
show(axes[1], reflection.overlay(signal))
show(axes[2], rotation.overlay(signal))
lines = {"largest maximum": "0.4", "second": "C1"}
for (name, color), values in zip(lines.items(), separability.data.T, strict=True):
    axes[3].plot(angles, values, ".-", color=color, label=name)
axes[3].set(xlabel="Axis angle (°)", ylabel="Separability", ylim=(0, None))
axes[3].legend()
maps = [
    signal.get_symmetry_map("reflection", angle=best, **PATCH),
    signal.get_symmetry_map("rotation", fold=4, **PATCH),
]
for ax, scores in zip(axes[4:], maps, strict=True):
    figure.colorbar(show(ax, scores, cmap="cividis"), ax=ax)
save(figure, options.output)

# %%
# In numbers.

# The boundary is pattern 0, the smaller one.
grains = reflection.data if options.file else truth.data
near, far = shares_at_boundary(rotation.data == 0, grains, PATCH["radius"])
figures = {"near": near, "far": far}
if not options.file:
    figures["mean IoU"] = ious(reflection.data, truth.data).mean()
    print(f"Reflection: mean IoU with the grains {figures['mean IoU']:.3f}")
print(
    f"Rotation: pattern 0 has {near:.1%} of the pixels within a patch radius of "
    f"the boundary, {far:.1%} of the others"
)
