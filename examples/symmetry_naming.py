# SPDX-License-Identifier: GPL-3.0-or-later
"""
Lattices and plane groups by name
=================================

The symmetry of each pattern, and how two grains lie to each other: lattice vectors with
errors, Bravais type, plane groups with their weights, and the coincidence lattice.
Without a file, it is the grain boundary in iron that is in the package::

    python examples/symmetry_naming.py
    python examples/symmetry_naming.py micrograph.dm4

The picture has the average cell of each pattern with the elements of its nominal plane
group, the reflections, and the weights of the plane groups.
"""

from _common import load, panels, parse, save

from hyperspy_symseg import data

# %%
# The micrograph, and its labels.

options = parse(__doc__, "symmetry_naming.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal = data.iron_grain_boundary()

seg = signal.segment_symmetry(n_patterns=2)
seg.overlay(signal).plot()

# %%
# A table is printed, with one row a pattern.

sym = seg.get_symmetry(signal)
print(sym)

# %%
# Mean cells with the elements of the nominal plane group, reflections, and weights of
# the plane groups.

figure, axes = panels(*[""] * 6)
sym.plot(axes=axes.reshape(2, 3), nominal=True)
save(figure, options.output)

# %%
# How the two grains lie to each other.

figures = {f"a of pattern {k}": row.lengths[0] for k, row in enumerate(sym)}
if all(row.bravais != "none" for row in sym):
    between = sym.misorientation(0, 1)
    print(between)
    figures["misorientation"] = between.angle
