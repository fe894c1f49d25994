# SPDX-License-Identifier: GPL-3.0-or-later
"""
Spectra, added up by pattern
============================

A weak edge that no single pixel shows, in the sum of the spectra of a pattern.

A particle of an oxide in a metal is simulated, and a spectrum image of its middle, with
pixels of twice the size and 0.05 counts a channel::

    python examples/spectra_by_pattern.py

The edge of oxygen is a tenth of the background above it. The picture has the micrograph
with the outline of the spectrum image, the labels, the spectrum of a pixel of the
oxide, a map of all counts above the edge, the mean spectra of the patterns with their
standard errors, and what the mean of the oxide has more.
"""

import hyperspy.api as hs
import numpy as np
from _common import ious, panels, parse, save, show, show_micrograph
from matplotlib.patches import Rectangle

from hyperspy_symseg import simulate
from hyperspy_symseg.plotting import pattern_colors

# Energies in eV, and mean counts in a channel.
ONSET, ENERGIES, STEP, COUNTS = 532.0, (450.0, 700.0), 2.0, 0.05
# Exponents of the background and of the edge, and the height of the edge, as a share of
# the background.
BACKGROUND, EDGE, SHARE = -3.0, -2.5, 0.1
NAMES = ["oxide", "metal"]

# %%
# A micrograph, and a spectrum image of its middle with pixels twice as large.


def simulated(size):
    """Micrograph, true labels, and spectrum image of the middle of them."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    labels = (np.hypot(x, 1.2 * y) > 0.27).astype(np.int8)
    oxide = simulate.Lattice.hexagonal(11, orientation=20)
    metal = simulate.Lattice.square(10, orientation=33)
    signal, truth = simulate.micrograph([oxide, metal], boundary=labels)
    # Every other pixel.
    middle = slice(size // 8, size - size // 8, 2)
    own = truth.data[middle, middle]
    energy = np.arange(*ENERGIES, STEP)
    counts = np.random.default_rng(0).poisson(means(energy)[own]).astype(np.uint8)
    spectra = hs.signals.Signal1D(counts)
    for axis, of_frame in zip(
        spectra.axes_manager.navigation_axes,
        signal.axes_manager.signal_axes,
        strict=True,
    ):
        axis.name, axis.units = of_frame.name, of_frame.units
        axis.scale, axis.offset = 2 * of_frame.scale, of_frame.index2value(middle.start)
    (axis,) = spectra.axes_manager.signal_axes
    axis.name, axis.units, axis.scale, axis.offset = "Energy", "eV", STEP, energy[0]
    return signal, truth, spectra


def means(energy):
    """Mean counts of oxide and metal at energies: (2, energies) numpy.ndarray."""
    background = (energy / energy.mean()) ** BACKGROUND
    edge = SHARE * (ONSET / energy.mean()) ** BACKGROUND * (energy / ONSET) ** EDGE
    return COUNTS * (background + [[1.0], [0.0]] * (energy >= ONSET) * edge)


# %%
# How sure the edge is, and the panels.


def significance(excess, variance, energy):
    """What is above the edge, in standard deviations."""
    above = energy >= ONSET
    return excess[..., above].sum(-1) / np.sqrt(variance[..., above].sum(-1))


def draw(axes, signal, seg, spectra, mean):
    """Draw the panels."""
    show_micrograph(axes[0], signal)
    x, y = spectra.axes_manager.navigation_axes
    corner = x.low_value - x.scale / 2, y.low_value - y.scale / 2
    outline = {"fill": False, "edgecolor": "red", "linewidth": 2}
    axes[0].add_patch(Rectangle(corner, x.size * x.scale, y.size * y.scale, **outline))
    show(axes[1], seg.overlay(signal))

    (axis,) = spectra.axes_manager.signal_axes
    energy, variance = axis.axis, mean.metadata.Signal.Noise_properties.variance
    middle = spectra.data[y.size // 2, x.size // 2]
    axes[2].step(energy, middle, where="mid", color="black", linewidth=1)
    counts = spectra.isig[ONSET:].sum(axis="Energy").as_signal2D((0, 1))
    show(axes[3], counts, cmap="gray")

    colors = pattern_colors(2)[1]
    truth = means(energy)
    for k, (name, color) in enumerate(zip(seg.pattern_names, colors, strict=True)):
        error = np.sqrt(variance.data[k])
        axes[4].errorbar(
            energy, mean.data[k], error, fmt=".", color=color, ms=4, lw=1, label=name
        )
        axes[4].plot(energy, truth[k], color="black", linewidth=0.8)
    axes[4].legend()
    more, error = mean.data[0] - mean.data[1], np.sqrt(variance.data.sum(axis=0))
    axes[5].errorbar(energy, more, error, fmt=".", color="black", ms=4, lw=1)
    axes[5].plot(energy, truth[0] - truth[1], color="red", label="simulated")
    axes[5].legend()
    for ax in (axes[2], *axes[4:]):
        ax.set(xlabel="Energy loss (eV)", ylabel="counts a channel and pixel")


# %%
# The micrograph, and its labels. Pattern 0 is the one with the fewest pixels.

options = parse(__doc__, "spectra_by_pattern.png")
signal, truth, spectra = simulated(options.size)
seg = signal.segment_symmetry(n_patterns=2)
seg.pattern_names = NAMES
seg.overlay(signal).plot()

# %%
# The spectra are added up by pattern, those of pixels twice as large.

mean = seg.mean_by_pattern(spectra)

# %%
# No pixel shows the edge; the mean does.

figure, axes = panels(
    "Micrograph, with the spectrum image",
    "Labels",
    "Spectrum of a pixel of the oxide",
    "Counts above the edge",
    "Mean spectra of the patterns",
    "Oxide less metal",
)
draw(axes, signal, seg, spectra, mean)
save(figure, options.output)

# %%
# In numbers.

energy = spectra.axes_manager[-1].axis
variance = mean.metadata.Signal.Noise_properties.variance.data
oxide, metal = means(energy)
x, y = spectra.axes_manager.navigation_axes
pixel = spectra.data[y.size // 2, x.size // 2]
figures = {
    "mean IoU": ious(seg.data, truth.data).mean(),
    "edge in a pixel (sigma)": significance(pixel - metal, metal, energy),
    "edge in the mean (sigma)": significance(
        mean.data[0] - mean.data[1], variance.sum(axis=0), energy
    ),
    "edge found / true": np.sum((mean.data[0] - mean.data[1])[energy >= ONSET])
    / np.sum(oxide - metal),
}
print(", ".join(f"{name} {value:.3f}" for name, value in figures.items()))
