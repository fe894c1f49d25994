# SPDX-License-Identifier: GPL-3.0-or-later
"""Plots of the stages between scores and labels: Matplotlib axes in, axes out."""

import numpy as np


def _axes(ax):
    """Axes of a new figure, if none are given."""
    import matplotlib.pyplot as plt

    return plt.subplots(layout="constrained")[1] if ax is None else ax


def plot_explained_variance(model, ax=None):
    """Plot the variance explained against the number of principal components.

    Parameters
    ----------
    model : SymmetryModel
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The number of components in use is marked.
    """
    ax = _axes(ax)
    explained = np.cumsum(model.variance_spectrum)
    n_used = len(model.components)
    ax.plot(np.arange(1, len(explained) + 1), explained, ".-", color="0.4")
    ax.plot(n_used, explained[n_used - 1], "o", color="C1", label="in use")
    ax.set(
        xlabel="Principal components",
        ylabel="Fraction of the variance explained",
        ylim=(0, 1.02),
        xscale="log",
    )
    ax.legend()
    return ax


def plot_separability(model, ax=None):
    """Plot separability against variance, for operations and principal components.

    Parameters
    ----------
    model : SymmetryModel
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
    """
    ax = _axes(ax)
    variances = model.variances * model.weights**2
    ax.plot(variances, model.separability, ".", color="0.4", label="operations")
    ax.plot(
        model.component_variances,
        model.component_separability,
        "o",
        color="C1",
        label="principal components",
    )
    ax.set(xlabel="Variance of the score", ylabel="Separability")
    # A variance of 0, of the zero shift, has no place here; a separability has.
    ax.set_xscale("log")
    ax.set_yscale("symlog", linthresh=1e-2)
    ax.set_ylim(0, None)
    ax.legend()
    return ax


def plot_clusters(model, frame, ax=None, mask=None):
    """Plot descriptors of a frame among the principal components.

    Parameters
    ----------
    model : SymmetryModel
    frame : (rows, columns) array of any real dtype
    ax : matplotlib.axes.Axes, optional
        Of two or three dimensions.
    mask : (rows, columns) array of bool, optional
        True where a pixel is left out.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        If the model has fewer components than the axes.
    """
    from .colors import pattern_colors

    ax = _axes(ax)
    dimensions = "xyz"[: 3 if hasattr(ax, "get_zlim") else 2]
    if len(model.components) < len(dimensions):
        raise ValueError(
            f"n_components={len(model.components)} of the model: allowed for this plot "
            f"is at least {len(dimensions)}."
        )
    projected, labels = model.sample(frame, mask)
    projected = projected[:, : len(dimensions)]
    names, colors = pattern_colors(model.n_patterns)
    for label, (name, color) in enumerate(zip(names, colors, strict=True)):
        own = projected[labels == label].T
        text = " ".join(filter(None, (f"pattern {label}", name)))
        ax.plot(*own, ".", color=color, markersize=2, label=text)
    centres = model.centres[:, : len(dimensions)].T
    ax.plot(*centres, "x", color="k", markersize=9, label="centres")
    for number, name in enumerate(dimensions, 1):
        getattr(ax, f"set_{name}label")(f"Principal component {number}")
    for handle in ax.legend().legend_handles:
        handle.set_markersize(8)
    return ax
