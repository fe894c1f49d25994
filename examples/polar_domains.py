# SPDX-License-Identifier: GPL-3.0-or-later
"""
Polar domains
=============

Domains of one lattice, in which a column of the cell is off-centre to one side or the
other. Their spectra are the same; the phases of the reflections differ. Without a file,
they are simulated::

    python examples/polar_domains.py
    python examples/polar_domains.py micrograph.dm4

The picture has the micrograph, the labels, and the mean unit cell of each domain.
"""

from _common import ious, load, panels, parse, save, show, show_micrograph

from hyperspy_symseg import data

# %%
# The micrograph: that of a file, or a simulated one.

options = parse(__doc__, "polar_domains.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal, truth = data.polar_domains((options.size, options.size))

# %%
# Nothing is told.

seg = signal.segment_symmetry()

seg.overlay(signal).plot()

# %%
# The mean unit cell and the reflections of each pattern.

figure, axes = panels(
    "Micrograph",
    "Cell of pattern 0",
    "Reflections of pattern 0",
    "Labels",
    "Cell of pattern 1",
    "Reflections of pattern 1",
)
show_micrograph(axes[0], signal)
show(axes[3], seg.overlay(signal))
if seg.n_patterns == 2:
    seg.plot_patterns(axes=axes.reshape(2, 3)[:, 1:])
save(figure, options.output)

# %%
# In numbers.

figures = {"patterns": seg.n_patterns}
if not options.file:
    same = seg.n_patterns == 2
    figures["mean IoU"] = ious(seg.data, truth.data).mean() if same else 0
print(", ".join(f"{name} {value:.4g}" for name, value in figures.items()))
