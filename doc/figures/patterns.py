# SPDX-License-Identifier: GPL-3.0-or-later
"""Patterns of four kinds, and their labels."""

import matplotlib.pyplot as plt
from common import show

from hyperspy_symseg import data

CASES = {
    "twins": data.twin_lamella,
    "ordered precipitates": data.ordered_precipitates,
    "polar domains": data.polar_domains,
    "particle in vacuum": data.particle_in_vacuum,
}
figure, axes = plt.subplots(2, 4, figsize=(8.5, 4), layout="constrained")
for pair, (title, load) in zip(axes.T, CASES.items(), strict=True):
    s, _ = load()
    show(pair[0], s, title)
    show(pair[1], s.segment_symmetry().overlay(s))
