# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels in napari, and what is painted there as labels again.

Napari is not needed for `layers` and `labels_from`, only for `open_viewer`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .optional import optional

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from napari import Viewer
    from napari.layers import Labels
    from numpy.typing import ArrayLike

    from hyperspy_symseg.signals import SymmetryLabels

# Of the patterns over the image, from 0 to 1.
OPACITY = 0.5
# What napari draws nothing for: patterns are one more than their numbers.
BACKGROUND = 0


def layers(
    labels: SymmetryLabels, signal: Signal2D | None = None
) -> list[tuple[Any, dict[str, Any], str]]:
    """Layers of labels, and of the image below them, as napari takes them.

    Each is a tuple of data, keyword arguments and kind, as in napari's "layer data
    tuples": ``napari.layers.Layer.create(*layer)``, or what a reader of a plugin
    returns.

    Parameters
    ----------
    labels : SymmetryLabels
        Lazy labels stay lazy.
    signal : Signal2D, optional
        The micrographs.

    Returns
    -------
    list of (array, dict, str)
        The image, if it was given, and the labels, with scale, translation and units of
        the axes; an axis that is not uniform, or whose unit is not known, is counted in
        pixels. The number of a pattern is one more there: 0 is no label, and
        transparent. Colours are those of `SymmetryLabels.plot`, and names are in the
        table of features.

    Raises
    ------
    TypeError
        If these are no labels, or no image.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.napari import layers
    >>> s, truth = simulate.grain_boundary()
    >>> seg = s.segment_symmetry(2, show_progressbar=False)
    >>> [kind for _, _, kind in layers(seg, s)]
    ['image', 'labels']
    """
    from .plotting import pattern_colors, pattern_words

    _check_labels(labels)
    n_patterns, names = labels.n_patterns, labels.pattern_names
    _, colors = pattern_colors(n_patterns)
    # None is what any other number would be.
    colormap = {None: (0.0, 0.0, 0.0, 0.0), BACKGROUND: (0.0, 0.0, 0.0, 0.0)}
    for pattern, color in enumerate(colors):
        colormap[pattern + 1] = (*map(float, color), 1.0)
    own = {
        "name": "patterns",
        "colormap": colormap,
        "opacity": OPACITY,
        "features": {
            "index": list(range(n_patterns + 1)),
            "pattern": ["no label", *pattern_words(n_patterns, names)],
        },
        **_world(labels),
    }
    data = labels.data + np.int8(1)
    # One of 127 would overflow.
    if n_patterns > 126:
        data = labels.data.astype(np.int32) + 1
    made = [(data, own, "labels")]
    if signal is not None:
        made.insert(0, _image(signal))
    return made


def labels_from(layer: Labels | ArrayLike, labels: SymmetryLabels) -> SymmetryLabels:
    """Labels with what was painted in napari, recorded as done by hand.

    Parameters
    ----------
    layer : napari.layers.Labels or array of int
        The layer that `layers` has made of these labels, or its data.
    labels : SymmetryLabels
        The labels as they were.

    Returns
    -------
    SymmetryLabels or LazySymmetryLabels
        As from `SymmetryLabels.relabel`, once for each pattern that was painted with.

    Raises
    ------
    TypeError, ValueError
        If the layer is another.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.napari import labels_from, layers
    >>> s, truth = simulate.grain_boundary()
    >>> seg = s.segment_symmetry(2, show_progressbar=False)
    >>> [(painted, _, _)] = layers(seg)
    >>> painted[:9, :9] = 2
    >>> int(labels_from(painted, seg).data[0, 0])
    1
    """
    _check_labels(labels)
    painted = np.asarray(getattr(layer, "data", layer))
    before = np.asarray(labels.data)
    if painted.dtype.kind not in "iu":
        raise TypeError(f"layer must hold ints, got {painted.dtype}.")
    if painted.shape != before.shape:
        raise ValueError(
            f"layer must have the shape of the labels, {before.shape}, got "
            f"{painted.shape}."
        )
    painted = painted.astype(np.int64) - 1
    differ, n = painted != before, labels.n_patterns
    numbers = np.unique(painted[differ])
    new = numbers[numbers >= n]
    if (numbers < -1).any() or (new != np.arange(n, n + len(new))).any():
        raise ValueError(
            f"layer must hold 0, the patterns 1 to {n}, and new ones from {n + 1} on "
            f"without a gap, got {(numbers + 1).tolist()}."
        )
    for pattern in numbers:
        own = differ & (painted == pattern)
        for index in np.ndindex(before.shape[:-2]):
            if own[index].any():
                # In the order of `inav`.
                frames = index[::-1] if index else None
                labels = labels.relabel(int(pattern), roi=own[index], frames=frames)
    return labels


def open_viewer(
    labels: SymmetryLabels, signal: Signal2D | None = None, viewer: Viewer | None = None
) -> Viewer:
    """Show labels in napari.

    Parameters
    ----------
    labels : SymmetryLabels
    signal : Signal2D, optional
        The micrographs.
    viewer : napari.Viewer, optional
        By default, a new one.

    Returns
    -------
    napari.Viewer
        With a scale bar, if the axes have a unit.

    Raises
    ------
    ImportError
        If napari is not installed.
    TypeError
        If these are no labels, or no image.
    """
    made = layers(labels, signal)
    napari = optional("napari", "open_viewer", "napari")
    if viewer is None:
        viewer = napari.Viewer()
    for data, options, kind in made:
        if kind == "labels":
            colors = napari.utils.DirectLabelColormap(color_dict=options["colormap"])
            options = options | {"colormap": colors}
        viewer.add_layer(napari.layers.Layer.create(data, options, kind))
    viewer.scale_bar.visible = True
    return viewer


def _check_labels(labels):
    from .signals import SymmetryLabels

    if not isinstance(labels, SymmetryLabels):
        raise TypeError(f"labels must be SymmetryLabels, got {type(labels).__name__}.")


def _image(signal):
    """Layer of an image: (array, dict, str)."""
    from hyperspy.signals import Signal2D

    if not isinstance(signal, Signal2D):
        raise TypeError(f"signal must be a Signal2D, got a {type(signal).__name__}.")
    title = signal.metadata.get_item("General.title") or "image"
    options = {"name": title, "colormap": "gray", **_world(signal)}
    return signal.data, options, "image"


def _world(signal):
    """Scale, translation and units of the axes, in the order of the array: dict."""
    axes = signal.axes_manager._axes
    units = list(map(_unit, axes))
    pairs = list(zip(axes, units, strict=True))
    return {
        "scale": [axis.scale if unit else 1.0 for axis, unit in pairs],
        "translate": [axis.offset if unit else 0.0 for axis, unit in pairs],
        "units": [unit or "pixel" for unit in units],
        "axis_labels": [
            axis.name if isinstance(axis.name, str) else f"axis {k}"
            for k, axis in enumerate(axes)
        ],
    }


def _unit(axis):
    """Unit of an axis as napari knows it: str, or None if it is counted in pixels."""
    import pint

    from .signals.axes import PIXELS, is_product_of_units, unit

    name = unit(axis).strip()
    if not axis.is_uniform:
        return None
    if not name or name in PIXELS:
        return "pixel"
    if not is_product_of_units(name):
        return None
    try:
        pint.get_application_registry().parse_units(name)
    except Exception:
        # pint has errors of many kinds.
        return None
    return name
