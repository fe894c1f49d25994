# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of the symmetry of crystals: average cell, reflections, and weights."""

import numpy as np
from matplotlib.path import Path as Outline

from hyperspy_symseg.frames.checks import shown
from hyperspy_symseg.lattice.plane_groups import PLANE_GROUPS
from hyperspy_symseg.lattice.symmetry_elements import symmetry_elements
from hyperspy_symseg.networks.predicted_symmetry import PredictedSymmetry

# Width and height of a row, in inches.
ROW_SIZE = 11.0, 3.8
# Pixels along the longer side of the average cell, and how far it goes beyond the cell.
PIXELS, MARGIN = 400, 0.12
# Reflections that have their indices, areas of circles in points squared, and weights
# that have a bar, at most.
INDEXED, LARGEST_SPOT, BARS = 12, 200.0, 6
# Structure factors that are above the noise by this count.
VISIBLE = 2.0
ELEMENT, EDGE = "#d55e00", "#0072b2"


def plot_symmetry(rows, axes=None, nominal=False):
    """Plot the average cell, the reflections and the weights of crystals.

    Parameters
    ----------
    rows : sequence of CrystalSymmetry or PredictedSymmetry
    axes : (crystals, 3) numpy.ndarray of matplotlib.axes.Axes, optional
        By default those of a new figure.
    nominal : bool
        Whether to draw the elements of the nominal group.

    Returns
    -------
    (crystals, 3) numpy.ndarray of matplotlib.axes.Axes

    Raises
    ------
    TypeError, ValueError
        If the axes are others.
    """
    if axes is None:
        import matplotlib.pyplot as plt

        width, height = ROW_SIZE
        _, axes = plt.subplots(
            len(rows),
            3,
            squeeze=False,
            figsize=(width, height * len(rows)),
            layout="constrained",
        )
    axes = np.asarray(axes)
    if axes.shape != (len(rows), 3):
        raise ValueError(
            f"axes must have the shape {(len(rows), 3)}, three for each crystal, got "
            f"{shown(axes.shape)}."
        )
    for row, (cell, reflections, weights) in zip(rows, axes, strict=True):
        predicted = isinstance(row, PredictedSymmetry)
        if predicted and row.n_windows:
            for ax in (cell, reflections):
                ax.set_axis_off()
            text = f"{row.name}: {row.bravais}\nby the network"
            cell.text(0.5, 0.5, text, ha="center", va="center")
            _plot_bravais(weights, row)
            continue
        if predicted or not row.is_named:
            for ax in (cell, reflections, weights):
                ax.set_axis_off()
            text = f"{row.name}: {row.bravais}\n{row.reason}"
            cell.text(0.5, 0.5, text, ha="center", va="center")
            continue
        group, remark = row.plane_group, ""
        if nominal:
            group, remark = row.nominal_plane_group, " (nominal)"
        elif group is None:
            group, remark = row.likely_plane_groups[0], " (likely)"
        _plot_cell(cell, row, group)
        cell.set_title(f"{row.name}: {group}{remark}")
        _plot_reflections(reflections, row, group)
        _plot_weights(weights, row)
    return axes


def _plot_cell(ax, row, group):
    """Average cell with the elements of a group, in axis units, y downwards."""
    vectors = row.get_conventional_vectors(group)
    corners = np.array([[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]) @ vectors
    size = np.ptp(corners, axis=0)
    low = corners.min(axis=0) - MARGIN * size.max()
    high = corners.max(axis=0) + MARGIN * size.max()
    step = (high - low).max() / PIXELS
    y, x = (np.arange(a, b, step) for a, b in zip(low, high, strict=True))
    places = np.stack(np.meshgrid(y, x, indexing="ij"), axis=-1)
    i = PLANE_GROUPS.index(group)
    fractions = places @ np.linalg.inv(row.vectors) + row.record["origins"][i]
    extent = (low[1], high[1], high[0], low[0])
    ax.imshow(_density(row, fractions), cmap="gray", extent=extent)
    ax.plot(*corners[:, ::-1].T, color=EDGE, lw=1.2, ls=":")
    elements = symmetry_elements(group)
    for lines, style in ((elements.mirrors, "-"), (elements.glides, (0, (5, 3)))):
        for ends in lines:
            ax.plot(*(ends @ vectors)[:, ::-1].T, color=ELEMENT, lw=1.4, ls=style)
    for u, v, fold in elements.centres:
        place = np.array([u, v]) @ vectors
        marker = _symbol(fold, vectors)
        size = 15 if fold == 2 else 11
        ax.plot(*place[::-1], marker=marker, color=ELEMENT, ms=size, mec="w", mew=0.8)
    unit = f" ({row.unit})" if row.unit else ""
    ax.set(xlabel=f"x{unit}", ylabel=f"y{unit}")


def _symbol(fold, vectors):
    """Marker of a rotation centre, turned with the cell."""
    y, x = vectors[0]
    angle = np.degrees(np.arctan2(-y, x))
    if fold == 2:
        # Of two arcs, along b.
        half = np.linspace(-1, 1, 15)
        arc = 0.42 * (1 - half**2)
        lens = np.concatenate(
            [np.stack([arc, half], -1), np.stack([-arc, -half], -1)[1:]]
        )
        turn = np.radians(angle)
        sine, cosine = np.sin(turn), np.cos(turn)
        return Outline(lens @ [[cosine, sine], [-sine, cosine]])
    return (fold, 0, angle + (45 if fold == 4 else 0))


def _density(row, fractions):
    """Sum of the waves of the structure factors: (rows, columns) array."""
    indices, amplitudes = _factors(row)
    phases = np.exp(2j * np.pi * np.tensordot(fractions, indices.T, 1))
    return (phases @ amplitudes).real


def _factors(row):
    """Indices (n, 2) and structure factors (n,) that are above the noise."""
    record = row.record
    amplitudes = record["structure_factors"] @ [1, 1j]
    seen = np.abs(amplitudes) ** 2 > VISIBLE * np.nan_to_num(
        record["noise"], nan=np.inf
    )
    return record["indices"][seen].astype(int), amplitudes[seen]


def _plot_reflections(ax, row, group):
    """Reflections as circles, the strongest with their conventional indices."""
    indices, amplitudes = _factors(row)
    reciprocal = np.linalg.inv(row.vectors).T
    i = PLANE_GROUPS.index(group)
    labels = indices @ row.record["conventional"][i].astype(int).T
    sizes = np.abs(amplitudes) / np.abs(amplitudes).max(initial=1e-300) * LARGEST_SPOT
    g = indices @ reciprocal
    both = np.concatenate([g, -g])
    ax.scatter(*both[:, ::-1].T, s=np.tile(sizes, 2), color="0.35", lw=0)
    ax.plot(0, 0, "+", color="0.35")
    for k in np.argsort(-sizes, kind="stable")[:INDEXED]:
        text = "".join(f"{n}" if n >= 0 else rf"\bar{{{-n}}}" for n in labels[k])
        ax.annotate(
            f"${text}$",
            g[k, ::-1],
            xytext=(0, 3 + np.sqrt(sizes[k]) / 2),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    reach = 1.15 * np.abs(both).max(initial=1e-300)
    unit = f" (1/{row.unit})" if row.unit else ""
    ax.set(
        title="Reflections",
        xlim=(-reach, reach),
        ylim=(reach, -reach),
        aspect="equal",
        xlabel=f"gx{unit}",
        ylabel=f"gy{unit}",
    )


def _plot_bravais(ax, row):
    """Weights of the Bravais types as bars, with their spreads."""
    weights, spreads = row.bravais_weights, row.bravais_spreads
    places = np.arange(len(weights))
    colors = [EDGE if name == row.bravais else "0.6" for name in weights]
    errors = list(spreads.values())
    ax.barh(places, list(weights.values()), xerr=errors, color=colors, ecolor="0.3")
    ax.set_yticks(places, labels=list(weights))
    title = f"Weights, {row.n_windows} windows"
    ax.set(title=title, xlim=(0, 1), ylim=(len(weights) - 0.5, -0.5))


def _plot_weights(ax, row):
    """Weights of the most likely groups as bars, with their misfits in words."""
    weights, misfits = row.plane_group_weights, row.misfits
    best = sorted(weights, key=weights.get, reverse=True)[:BARS]
    nominal = row.nominal_plane_group
    if nominal not in best:
        best[-1] = nominal
    places = np.arange(len(best))
    values = [weights[group] for group in best]
    colors = [EDGE if group == nominal else "0.6" for group in best]
    ax.barh(places, values, color=colors)
    for place, group, value in zip(places, best, values, strict=True):
        text = f"misfit {misfits[group]:.2f}"
        if group == nominal:
            text += ", nominal"
        inside = value > 0.5
        ax.text(
            value + (-0.02 if inside else 0.02),
            place,
            text,
            va="center",
            ha="right" if inside else "left",
            color="w" if inside else "k",
            fontsize=9,
        )
    ax.set_yticks(places, labels=best)
    ax.set(title=f"Weights, {row.bravais}", xlim=(0, 1), ylim=(len(best) - 0.5, -0.5))
