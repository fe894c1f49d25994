# SPDX-License-Identifier: GPL-3.0-or-later
"""Columns of a simulated sheet of graphene with vacancies, at two defoci."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg.simulate import hrtem

PIXEL = 0.15
sheet = hrtem.graphene((21.0, 27.0), vacancies=0.03, seed=2)
figure, axes = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
for ax, defocus in zip(axes, (40, -40), strict=True):
    microscope = hrtem.Microscope(voltage=80, defocus=defocus, focal_spread=8)
    s, _ = hrtem.frame(sheet, microscope, (140, 180), PIXEL, dose=300)
    columns = s.find_atomic_columns(material="graphene")
    y, x = columns.data[0][:, :2].T
    show(ax, s, f"defocus {defocus} Å")
    ax.scatter(x, y, 60, facecolors="none", edgecolors="C1", linewidths=1.5)
