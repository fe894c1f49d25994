# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels in the colours of their patterns, and plots of a model."""

import numpy as np
from matplotlib.colors import ListedColormap, Normalize, to_rgb
from matplotlib.patches import Patch
from matplotlib.patheffects import withStroke

from hyperspy_symseg.analysis.overlay import PATTERN_COLORS, pattern_colors

__all__ = [
    "PATTERN_COLORS",
    "UNLABELLED_COLOR",
    "draw_bars",
    "draw_legend",
    "name_navigator",
    "name_patterns",
    "outline",
    "paint",
    "pattern_colormap",
    "pattern_colors",
    "pattern_words",
    "plot_clusters",
    "plot_explained_variance",
    "plot_n_patterns",
    "plot_patterns",
    "plot_periods",
    "plot_separability",
]

UNLABELLED_COLOR = "#808080"
# Width and height of a row of the plot of patterns, in inches, and area of the circle
# of its strongest reflection, in points squared.
ROW_SIZE, LARGEST_SPOT = (9.0, 3.6), 150.0
# How it is written what numbers of patterns are worth, upwards from their points, and
# how high these may be, of the height of the axes: a reason is longer than a gain.
WRITTEN = {
    "xytext": (2, 9),
    "textcoords": "offset points",
    "rotation": 90,
    "ha": "center",
    "va": "bottom",
    "multialignment": "left",
    "fontsize": "small",
}
HIGHEST_REFUSED, HIGHEST = 0.3, 0.7
# Bars whose names fit side by side.
FEW_BARS = 5
# Of a legend, that can be read above bright and dark images, as that of movies.
LEGEND = {
    "loc": "upper right",
    "fontsize": "small",
    "labelcolor": "w",
    "facecolor": "k",
    "edgecolor": "none",
    "framealpha": 0.65,
    "handlelength": 1,
    "handleheight": 1,
}


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


def name_patterns(colorbar, n_patterns, names=None):
    """Write the numbers of patterns, and their colours, beside the bar of a plot.

    Parameters
    ----------
    colorbar : matplotlib.colorbar.Colorbar
        Of a plot with `pattern_colormap`. It stays as it is where neither colours nor
        patterns have names.
    n_patterns : int
    names : sequence of str, optional
        Of the patterns.
    """
    words = pattern_words(n_patterns, names)
    # Longer ones would reach beyond the figure.
    turned = {"rotation": 90, "va": "center"} if names is not None else {}
    if names is None and not all(pattern_colors(n_patterns)[0]):
        return

    def name_colors(image):
        # Not where the user asked for another norm, such as a logarithmic one.
        if type(image.norm) is Normalize:
            colorbar.set_ticks(np.arange(n_patterns), labels=words, **turned)

    colorbar.set_label("")
    name_colors(colorbar.mappable)
    # HyperSpy sets a new norm with every frame, and that takes the names away.
    colorbar.mappable.callbacks.connect("changed", name_colors)
    # HyperSpy has made room for numbers.
    colorbar.ax.figure.tight_layout()


def draw_bars(ax, numbers, values, names=None, n_patterns=0):
    """Draw a bar from zero for each pattern, in its colour and with its name.

    Those of a logarithmic scale begin at a power of ten.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Of a plot against the number of the pattern.
    numbers : (n,) numpy.ndarray of int
        Of the patterns that are drawn.
    values : (n,) numpy.ndarray
    names : sequence of str, optional
        Of all patterns.
    n_patterns : int
        Number of all, if there are more than the largest of `numbers` says.
    """
    n_patterns = max(n_patterns, numbers.max() + 1)
    colors, words = pattern_colors(n_patterns)[1], pattern_words(n_patterns, names)
    ax.bar(numbers, values, color=colors[numbers], edgecolor="0.5")
    ax.axhline(0, color="0.5", linewidth=1)
    ax.set_xticks(numbers, labels=[words[number] for number in numbers])
    if len(values) > FEW_BARS:
        ax.tick_params(axis="x", rotation=90)
    ax.set(xlim=(numbers.min() - 0.6, numbers.max() + 0.6), xlabel="Pattern")
    # Limits are those of the bars, whatever was drawn before.
    finite = values[np.isfinite(values)].astype(float)
    low, high = finite.min(initial=0), finite.max(initial=0)
    room = 0.05 * (high - low or 1)
    limits = low - room * (low < 0), high + room
    if ax.get_yscale() == "log":
        # There is no zero: from a power of ten below the smallest bar.
        least = finite[finite > 0].min(initial=high or 1)
        limits = 10 ** np.floor(np.log10(least) - 0.1), 1.3 * (high or 1)
    ax.set_ylim(limits)
    ax.figure.tight_layout()


def draw_legend(ax, words, **kwargs):
    """Write what patterns are called, each beside its colour, in a corner of axes.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Of an image.
    words : sequence of str
        As of `pattern_words`, for each pattern.
    **kwargs
        As of ``Axes.legend``.

    Returns
    -------
    matplotlib.legend.Legend
        White on black, through which the image is seen.
    """
    colors = pattern_colors(len(words))[1]
    # Names may begin with an underscore, and a dollar is no formula.
    handles = [Patch(color=color) for color in colors]
    labels = [word.replace("$", r"\$") for word in words]
    return ax.legend(handles, labels, **LEGEND | kwargs)


def name_navigator(plot, navigator):
    """Write what a navigator shows beside it, where HyperSpy says that it is a sum.

    Parameters
    ----------
    plot : hyperspy.drawing.mpl_hie.MPL_HyperImage_Explorer
    navigator : Signal1D, Signal2D, str or None
        Nothing is written beside others than curves.
    """
    if getattr(navigator, "data", None) is not None and navigator.data.ndim == 1:
        plot.navigator_plot.ax.set_ylabel(navigator.metadata.Signal.quantity)


def outline(scalebar):
    """Draw dark edges about a scale bar, which would be lost on bright colours.

    Parameters
    ----------
    scalebar : hyperspy.drawing._widgets.scalebar.ScaleBar
    """
    for artist in (scalebar.line, scalebar.text):
        artist.set_path_effects([withStroke(linewidth=4, foreground="0.1")])


def pattern_words(n_patterns, names=None):
    """Number of each pattern, and its name or that of its colour: list of str.

    Parameters
    ----------
    n_patterns : int
    names : sequence of str, optional
        Of the patterns. Colours of more than fourteen patterns have none.

    Examples
    --------
    >>> pattern_words(2), pattern_words(2, ("wall", "matrix"))
    (['0 orange', '1 sky blue'], ['0 wall', '1 matrix'])
    """
    names = pattern_colors(n_patterns)[0] if names is None else names
    return [f"{k} {name}".rstrip() for k, name in enumerate(names)]


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
    """Plot the costs of the numbers of patterns, and why some were refused.

    Parameters
    ----------
    model : SymmetryModel
        Fitted with ``n_patterns="auto"``.
    ax : matplotlib.axes.Axes, optional

    Returns
    -------
    matplotlib.axes.Axes
        The number that was chosen is marked. At each number is what it is worth more
        than the best smaller one, and why it does not count; a refused one without a
        cost is at that of the best smaller one.

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
    refusals = model.refusals
    if refusals is not None:
        # Patterns that have no pixels are not in the model.
        n = max(k for k, refusal in enumerate(refusals, 1) if not refusal)
    ax.plot(numbers, model.costs, "o-", color="0.4")
    ax.plot(n, model.costs[n - 1], "o", color="C1", label="chosen")
    if refusals is not None:
        _write_refusals(ax, model.costs, refusals)
        numbers = np.arange(1, len(refusals) + 1)
    ax.set(xlabel="Number of patterns", ylabel="Cost (nats)", xticks=numbers)
    ax.legend()
    return ax


def _write_refusals(ax, costs, refusals):
    """Write what each number of patterns is worth, or why it does not count."""
    from hyperspy_symseg.templates.refusals import (
        NOT_TRIED,
        REFUSALS,
        best_costs,
        gains,
        phrases,
    )

    worth, best = gains(costs, refusals), best_costs(costs, refusals)
    heights = np.where(np.isfinite(costs), costs, best)
    are_refused = np.array(refusals[: len(costs)]) != ""
    numbers = np.arange(1, len(refusals) + 1)
    if are_refused.any():
        places = numbers[: len(costs)][are_refused], heights[are_refused]
        ax.plot(*places, "o", color="0.4", markerfacecolor="w", label="refused")

    def write(words, number, height, color="k"):
        ax.annotate(words, (number, height), color=color, **WRITTEN)

    for number, height, gain, refusal in zip(
        numbers[1:], heights[1:], worth[1:], refusals[1:], strict=False
    ):
        write("\n".join(phrases(refusal, gain)), number, height)
    if len(costs) < len(refusals):
        place = numbers[len(costs) :].mean(), heights[-1]
        write(REFUSALS[NOT_TRIED], *place, color="0.5")
    low = heights.min()
    room = (heights - low) / np.where(are_refused, HIGHEST_REFUSED, HIGHEST)
    # Nothing is written above one pattern.
    top = low + max(heights[0] - low, room[1:].max(initial=1))
    ax.set_ylim(low - 0.05 * (top - low), top + 0.05 * (top - low))
    ax.set_xlim(0.5, len(refusals) + 0.5)


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
    words = pattern_words(model.n_patterns, model.names)
    colors = pattern_colors(model.n_patterns)[1]
    for label, (text, color) in enumerate(zip(words, colors, strict=True)):
        own = projected[labels == label].T
        ax.plot(*own, ".", color=color, markersize=2, label=f"pattern {text}")
    centres = model.centres[:, : len(dimensions)].T
    ax.plot(*centres, "x", color="k", markersize=9, label="centres")
    for number, name in enumerate(dimensions, 1):
        getattr(ax, f"set_{name}label")(f"Principal component {number}")
    for handle in ax.legend().legend_handles:
        handle.set_markersize(8)
    return ax


def plot_patterns(model, axes=None):
    """Plot what each pattern looks like: its unit cell and its reflections.

    Parameters
    ----------
    model : SymmetryModel
        With templates.
    axes : (patterns, 2) numpy.ndarray of matplotlib.axes.Axes, optional

    Returns
    -------
    (patterns, 2) numpy.ndarray of matplotlib.axes.Axes
        As from ``SymmetryLabels.plot_patterns``.

    Raises
    ------
    TypeError, ValueError
        If the axes are others, or the model has no templates.
    """
    patterns = model.patterns
    axes = _rows_of_axes(axes, len(patterns))
    size, unit = model.pixel_size, model.units[0]
    if size is None or model.units[0] != model.units[1]:
        size, unit = (1.0, 1.0), "px"
    elif not unit and tuple(size) == (1, 1):
        unit = "px"
    size = np.abs(size)
    words = pattern_words(model.n_patterns, model.names)
    largest = max(each.amplitudes.max(initial=0) for each in patterns)
    reach = 1.15 * max(
        np.abs(each.reflections / size).max(initial=0) for each in patterns
    )
    for k, (pattern, row) in enumerate(zip(patterns, axes, strict=True)):
        on_it = [patterns[other] for other in pattern.on_its_lattice]
        _plot_cell(row[0], pattern, on_it, size, model.templates.period)
        _plot_reflections(row[1], pattern, largest, size)
        row[0].set_title(f"{words[k]}: {pattern.kind}")
        n = len(pattern.amplitudes)
        row[1].set_title(f"{n} reflection{'s' * (n != 1)}")
        for ax, quantity, per_unit in (
            (row[0], "", f" ({unit})" if unit else ""),
            (row[1], "Frequency along ", f" (1/{unit})" if unit else ""),
        ):
            ax.set(
                xlabel=f"{quantity}x{per_unit}",
                ylabel=f"{quantity}y{per_unit}",
                aspect="equal",
            )
        if reach:
            row[1].set(xlim=(-reach, reach), ylim=(reach, -reach))
    return axes


def _rows_of_axes(axes, n):
    """Axes (n, 2) of a new figure, if none are given."""
    import matplotlib.pyplot as plt
    from matplotlib.axes import Axes

    if axes is None:
        size = ROW_SIZE[0], ROW_SIZE[1] * n
        return plt.subplots(n, 2, squeeze=False, figsize=size, layout="constrained")[1]
    axes = np.asarray(axes, object)
    if not all(isinstance(ax, Axes) for ax in axes.flat):
        raise TypeError(f"axes must be axes of matplotlib, got {axes.flat[0]!r}.")
    if axes.size != 2 * n:
        raise ValueError(
            f"axes must be {n} rows of two, one for each pattern, got the shape "
            f"{axes.shape}."
        )
    return axes.reshape(n, 2)


def _plot_cell(ax, pattern, on_it, size, period):
    """Image of the mean unit cell, or of the Patterson function."""
    if not len(pattern.amplitudes):
        ax.text(0.5, 0.5, "nothing that repeats", ha="center", transform=ax.transAxes)
        ax.set(xticks=[], yticks=[])
        return
    u, v = np.meshgrid(*[np.linspace(-0.5, 1.5, 129)] * 2, indexing="ij")
    if pattern.a is None:
        a, b = 2 * period * np.eye(2)
        u, v, origin, label = u - 0.5, v - 0.5, np.zeros(2), "Patterson function"
    else:
        a, b = pattern.a, pattern.b
        # The strongest column of all patterns on the lattice is at the corners.
        places = np.multiply.outer(a, u) + np.multiply.outer(b, v)
        total = sum(each.mean(*places) for each in (pattern, *on_it))
        brightest = np.unravel_index(total.argmax(), total.shape)
        origin, label = places[:, brightest[0], brightest[1]], "Intensity (deviations)"
    y, x = np.multiply.outer(a, u) + np.multiply.outer(b, v)
    values = pattern.mean(y + origin[0], x + origin[1])
    image = ax.pcolormesh(
        x * size[1], y * size[0], values, cmap="gray", shading="gouraud"
    )
    ax.figure.colorbar(image, ax=ax, label=label)
    if pattern.a is not None:
        corners = np.array([0 * a, a, a + b, b, 0 * a]) * size
        ax.plot(*corners.T[::-1], "-", color="C1", linewidth=1)
        for name, vector in (("a", a), ("b", b)):
            place = vector * size / 2
            ax.text(*place[::-1], name, color="C1", ha="center", va="center")
    ax.invert_yaxis()


def _plot_reflections(ax, pattern, largest, size):
    """Reflections of a pattern, both of a pair, with areas by their amplitudes."""
    both = np.concatenate([pattern.reflections, -pattern.reflections]) / size
    areas = LARGEST_SPOT * np.tile(pattern.amplitudes, 2) / (largest or 1)
    ax.scatter(both[:, 1], both[:, 0], areas, color="0.3", linewidths=0)
    ax.plot(0, 0, "+", color="0.6")
    if pattern.a is not None:
        for name, vector in zip(("a*", "b*"), _reciprocal(pattern), strict=True):
            y, x = vector / size
            arrow = {"arrowstyle": "->", "color": "C1"}
            ax.annotate("", (x, y), (0, 0), arrowprops=arrow)
            ax.text(1.5 * x, 1.5 * y, name, color="C1", ha="center", va="center")


def _reciprocal(pattern):
    """Reciprocal vectors of a crystal (y, x), in cycles a pixel: (2, 2)."""
    return np.linalg.inv(np.array([pattern.a, pattern.b])).T


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
        if unit != "px" and (unit, scale) != ("", 1):
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
