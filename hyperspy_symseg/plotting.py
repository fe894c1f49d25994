# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels in the colours of their patterns, and plots of a model."""

import numpy as np
from matplotlib.colors import ListedColormap, Normalize, to_rgb

from hyperspy_symseg.analysis.overlay import PATTERN_COLORS, pattern_colors

__all__ = [
    "PATTERN_COLORS",
    "UNLABELLED_COLOR",
    "name_patterns",
    "paint",
    "pattern_colormap",
    "pattern_colors",
    "plot_clusters",
    "plot_explained_variance",
    "plot_n_patterns",
    "plot_periods",
    "plot_separability",
]

UNLABELLED_COLOR = "#808080"


def pattern_colormap(n_patterns):
    """Colour map for labels, with limits -0.5 and n_patterns - 0.5.

    Parameters
    ----------
    n_patterns : int

    Returns
    -------
    matplotlib.colors.ListedColormap
        Grey below the limits.
    """
    colormap = ListedColormap(pattern_colors(n_patterns)[1], name="patterns")
    return colormap.with_extremes(under=UNLABELLED_COLOR)


def name_patterns(colorbar, n_patterns):
    """Write the numbers of patterns, and their colours, beside the bar of a plot.

    Parameters
    ----------
    colorbar : matplotlib.colorbar.Colorbar
        Of a plot with `pattern_colormap`. It stays as it is where colours have no
        names.
    n_patterns : int
    """
    names = pattern_colors(n_patterns)[0]
    if not all(names):
        return

    def name_colors(image):
        # Not where the user asked for another norm, such as a logarithmic one.
        if type(image.norm) is Normalize:
            labels = [f"{i} {name}" for i, name in enumerate(names)]
            colorbar.set_ticks(np.arange(n_patterns), labels=labels)

    colorbar.set_label("")
    name_colors(colorbar.mappable)
    # HyperSpy sets a new norm with every frame, and that takes the names away.
    colorbar.mappable.callbacks.connect("changed", name_colors)


def paint(labels, n_patterns):
    """Labels in the colours of `pattern_colormap`.

    Parameters
    ----------
    labels : (rows, columns) numpy.ndarray of int
        Pixels labelled -1 are grey.
    n_patterns : int

    Returns
    -------
    (rows, columns, 3) numpy.ndarray of uint8

    Examples
    --------
    >>> paint(np.array([[0, -1]]), 2)
    array([[[230, 159,   0],
            [128, 128, 128]]], dtype=uint8)
    """
    # Label -1 is the last row.
    colors = np.vstack([pattern_colors(n_patterns)[1], to_rgb(UNLABELLED_COLOR)])
    return np.rint(255 * colors).astype(np.uint8)[labels]


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


def plot_n_patterns(model, ax=None):
    """Plot the costs of the numbers of patterns that were tried.

    Parameters
    ----------
    model : SymmetryModel
        Fitted with ``n_patterns="auto"``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The number that was chosen is marked.

    Raises
    ------
    ValueError
        If it has no costs.
    """
    if model.costs is None:
        raise ValueError(
            'model must be fitted with n_patterns="auto" and a lattice period, got one '
            "without costs."
        )
    ax = _axes(ax)
    numbers, n = np.arange(1, len(model.costs) + 1), model.n_patterns
    ax.plot(numbers, model.costs, "o-", color="0.4")
    ax.plot(n, model.costs[n - 1], "o", color="C1", label="chosen")
    ax.set(xlabel="Number of patterns", ylabel="Cost (nats)", xticks=numbers)
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
    ax = _axes(ax)
    dimensions = "xyz"[: 3 if hasattr(ax, "get_zlim") else 2]
    if len(model.components) < len(dimensions):
        raise ValueError(
            f"n_components of the model must be at least {len(dimensions)} for this "
            f"plot, got {len(model.components)}."
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


def plot_periods(periods, ax=None, pixel_size=None, units=None):
    """Plot the power spectrum with the reflections and the characteristic period.

    Parameters
    ----------
    periods : Periods
    ax : matplotlib.axes.Axes, optional
    pixel_size : float, optional
        Side of a pixel, for the axes and the title; by default lengths are in pixels.
    units : str, optional
        Unit of the pixel size.

    Returns
    -------
    matplotlib.axes.Axes
        Both reflections of a pair are marked, and a circle is at the period; a second
        one at that of a moire or a superlattice, if there is one.

    Raises
    ------
    ValueError
        If there is no spectrum: the frames are tiny, or have no contrast.
    """
    if periods.spectrum is None:
        raise ValueError(
            "periods must be of frames with some contrast, of at least 16 pixels along "
            "each axis, got periods without a spectrum."
        )
    ax = _axes(ax)
    scale, unit = (1, "px") if pixel_size is None else (pixel_size, units or "")
    _plot_spectrum(ax, periods.spectrum, scale)
    title, reach = "No period", 0.5
    if periods.period is not None:
        gy, gx = np.concatenate([periods.reflections, -periods.reflections]).T
        style = {"markersize": 9, "markeredgewidth": 1, "fillstyle": "none"}
        label = f"{len(gx) // 2} reflections, {100 * periods.share:.2g} % of the power"
        ax.plot(gx / scale, gy / scale, "o", color="C1", label=label, **style)
        turn = np.linspace(0, 2 * np.pi, 361)
        radius = 1 / (periods.period * scale)
        circle = np.stack([np.cos(turn), np.sin(turn)])
        ax.plot(*(radius * circle), "--", color="w", linewidth=1, label="period")
        if periods.superlattice_period is not None:
            circle /= periods.superlattice_period * scale
            ax.plot(*circle, ":", color="w", linewidth=1, label="superlattice")
        title = f"Period {periods.period:.2f} px"
        if pixel_size is not None:
            title += f" = {periods.period * scale:.4g} {unit}".rstrip()
        reach = min(0.5, 1.2 * max(np.hypot(gy, gx).max(), 2 / periods.period))
        ax.legend(loc="upper right", labelcolor="w", facecolor="0.2")
    per_unit = f" (1/{unit})" if unit else ""
    ax.set(
        xlabel=f"Frequency along x{per_unit}",
        ylabel=f"Frequency along y{per_unit}",
        xlim=(-reach / scale, reach / scale),
        ylim=(reach / scale, -reach / scale),
        title=title,
    )
    return ax


def _plot_spectrum(ax, spectrum, scale):
    """Image of the logarithm of the power, from well below the noise to the spots."""
    rows, columns = spectrum.shape
    # Zero frequency in the middle of the middle pixel.
    y, x = np.arange(rows) - rows // 2, np.arange(columns) - columns // 2
    power = np.log10(np.maximum(spectrum.power_at(y[:, np.newaxis], x), 1e-30))
    left, right = (x[[0, -1]] + (-0.5, 0.5)) / columns / scale
    top, bottom = (y[[0, -1]] + (-0.5, 0.5)) / rows / scale
    low, high = np.percentile(power, (30, 99.98))
    ax.imshow(
        power,
        cmap="gray",
        vmin=low,
        vmax=high,
        extent=(left, right, bottom, top),
        interpolation="antialiased",
    )
