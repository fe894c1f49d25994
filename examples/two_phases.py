# SPDX-License-Identifier: GPL-3.0-or-later
"""
Two phases, and every stage on the way
======================================

Two phases, told apart by translations, and every stage on the way (figures 8, 9).

Without a file, two phases with rows of columns in common are simulated::

    python examples/two_phases.py
    python examples/two_phases.py LaO.png

The picture has the micrograph, the labels, and what lies between them: which
translations tell the phases apart, whether these are those that vary most, how much of
the variance the principal components explain, and the descriptors among them.
"""

from _common import ious, load, panels, parse, save, show, show_micrograph

from hyperspy_symseg import simulate

# %%
# Two phases with rows of columns in common.


def simulated(size):
    """Frame of two phases, and its true labels."""
    hexagonal = simulate.Lattice.hexagonal(11, orientation=20)
    rectangular = simulate.Lattice.rectangular(
        11, 17, orientation=20, motif=[(0, 0, 1), (0.5, 0.35, 0.6)]
    )
    return simulate.micrograph([hexagonal, rectangular], (size, size))


# %%
# The micrograph: that of a file, or a simulated one.

options = parse(__doc__, "two_phases.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal, truth = simulated(options.size)

# %%
# Labels.

# Every other pixel of the window, so that the map has details.
seg = signal.segment_symmetry(n_patterns=2, window=18, max_operations=400)

seg.overlay(signal).plot()

# %%
# Each stage between the micrograph and the labels can be plotted.

figure, axes = panels(
    "Micrograph",
    "Labels, by translations",
    "Separability of the translations",
    "Separability against variance",
    "Variance explained",
    "Descriptors",
)
show_micrograph(axes[0], signal)
show(axes[1], seg.overlay(signal))
image = show(axes[2], seg.get_separability(), cmap="cividis")
figure.colorbar(image, ax=axes[2])
seg.plot_separability(axes[3])
seg.plot_explained_variance(axes[4])
seg.plot_clusters(signal, axes[5])
save(figure, options.output)

# %%
# In numbers.

areas = seg.get_areas().data
figures = {
    "smaller phase": areas.min() / areas.sum(),
    "largest separability": seg.model.separability.max(),
    "variance explained": seg.model.explained_variance_ratio.sum(),
}
if not options.file:
    figures["mean IoU"] = ious(seg.data, truth.data).mean()
print(", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
