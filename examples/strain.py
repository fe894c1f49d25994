# SPDX-License-Identifier: GPL-3.0-or-later
"""
Strain
======

Strain and rotation of the lattice at every pixel, with standard errors. Without a file,
it is a crystal of dysprosium scandate that is in the package, in a scan that drifts:
the bands along the rows are of the scan, and are measured as strain is::

    python examples/strain.py
    python examples/strain.py micrograph.dm4

The picture has the micrograph, the three components of strain, the rotation, and the
standard error of one component.
"""

import numpy as np
from _common import load, panels, parse, save, show, show_micrograph

from hyperspy_symseg import data

# %%
# The micrograph: that of a file, or one in the package.

options = parse(__doc__, "strain.png")
if options.file:
    signal = load(options.file, options.pixel_size)
else:
    signal = data.dysprosium_scandate()

# %%
# The reference is the mean lattice of the pattern, as no other is given. Strain is a
# signal, with the components as its navigation axis; this is the second one.

seg = signal.segment_symmetry()
strain = seg.get_strain(signal)
errors = strain.get_noise_variance() ** 0.5
names = strain.metadata.Symmetry_strain.components

strain.inav[1].plot(cmap="RdBu_r", centre_colormap=True)

# %%
# All components, and the standard error of one.

units = {"rotation": "degrees"}
titles = [f"{name} ({units.get(name, '%')})" for name in names]
figure, axes = panels("Micrograph", *titles, f"Standard error of {names[1]} (%)")
show_micrograph(axes[0], signal)
figures = {}
for k, (ax, name) in enumerate(zip(axes[1:5], names, strict=True)):
    scale = 1 if name == "rotation" else 100
    values = scale * strain.inav[k].data
    limit = np.nanpercentile(np.abs(values), 99)
    colors = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit}
    figure.colorbar(show(ax, strain.inav[k], values, **colors), ax=ax)
    figures[f"range of {name}"] = np.ptp(np.nanpercentile(values, (1, 99)))
values = 100 * errors.inav[1].data
figure.colorbar(show(axes[5], errors.inav[1], values, cmap="viridis"), ax=axes[5])
figures[f"error of {names[1]}"] = np.nanmedian(values)
save(figure, options.output)
print(", ".join(f"{name} {value:.3g}" for name, value in figures.items()))
