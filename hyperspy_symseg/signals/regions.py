# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of frames that are chosen by hand: as pixels, and as metadata have them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_symseg.frames.checks import as_array, is_number, shown

from .axes import axis_name, factor_between, unit

if TYPE_CHECKING:
    from hyperspy.axes import DataAxis

REGIONS = "RectangularROI", "CircleROI", "PolygonROI"
# Of a record, what is said of any region.
NOT_ITS_OWN = "kind", "units", "name"
# Along an axis, of a region that reaches beyond the frame.
MOST_PIXELS = 2**15


@dataclass(frozen=True)
class BrushStroke:
    """A line that was drawn with a brush: a region, as those of HyperSpy are.

    For ``seg.relabel(1, roi=stroke)``, and as an example of a pattern.

    Parameters
    ----------
    points : sequence of (float, float) or of (int, int)
        Where the brush was, one after the other, as (x, y): on the axes, as the
        vertices of a ``PolygonROI``; ints only are pixels. One point is a dot.
    width : float, int or a pair of these
        Of the brush, along both axes or along (y, x): a float is in axis units, an int
        in pixels.

    Raises
    ------
    TypeError, ValueError
        If they are something else.

    Notes
    -----
    These are the pixels whose middle is half a width or less from the line, and those
    that the points lie in. What is beyond the edges of the frame is left out.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.signals import BrushStroke
    >>> s, truth = simulate.grain_boundary()
    >>> seg = s.segment_symmetry(2, show_progressbar=False)
    >>> stroke = BrushStroke([(1.0, 2.0), (3.0, 2.5)], width=0.4)
    >>> seg.relabel(1, roi=stroke)
    <SymmetryLabels, title: Simulated micrograph, dimensions: (|512, 512)>
    """

    points: Sequence[tuple[float, float]]
    width: float | tuple[float, float]

    def __post_init__(self):
        """Check both, and make them constant."""
        points = as_array("points", self.points)
        is_of_numbers = points.dtype.kind in "iuf" and np.isfinite(points).all()
        if not is_of_numbers or points.ndim != 2 or points.shape[1] != 2:
            raise ValueError(
                "points must be one pair (x, y) of numbers or more, got "
                f"{shown(self.points)}."
            )
        width = self.width
        pair = width if isinstance(width, list | tuple) else (width, width)
        if len(pair) != 2 or not all(map(is_number, pair)):
            raise TypeError(
                "width must be an int of pixels, a float of axis units, or a pair "
                f"(y, x) of these, got {shown(width)}."
            )
        if not all(0 < each < np.inf for each in pair):
            raise ValueError(f"width must be larger than 0, got {shown(width)}.")
        object.__setattr__(self, "points", tuple(map(tuple, points.tolist())))
        width = tuple(width) if isinstance(width, list | tuple) else width
        object.__setattr__(self, "width", width)

    def on_axes(self, axes: tuple[DataAxis, DataAxis]) -> BrushStroke:
        """The same stroke in axis units.

        Parameters
        ----------
        axes : (DataAxis, DataAxis)
            The axes (y, x).

        Returns
        -------
        BrushStroke
            Of floats; its width is a pair.

        Raises
        ------
        ValueError
            If the width is one float for axes of different units.

        Examples
        --------
        >>> from hyperspy.axes import UniformDataAxis
        >>> y, x = (UniformDataAxis(size=9, scale=0.5, offset=k) for k in (0, 3))
        >>> BrushStroke([(2, 1)], 3).on_axes((y, x))
        BrushStroke(points=((4.0, 0.5),), width=(1.5, 1.5))
        """
        y, x = axes
        width = self.width
        if not isinstance(width, tuple):
            if isinstance(width, float | np.floating) and unit(y) != unit(x):
                raise ValueError(
                    "width must be a pair (y, x), or an int of pixels, for axes of the "
                    f"units {unit(y)!r} and {unit(x)!r}, got {shown(width)}."
                )
            width = width, width
        width = tuple(
            float(each) * (1 if isinstance(each, float | np.floating) else size)
            for each, size in zip(width, (abs(y.scale), abs(x.scale)), strict=True)
        )
        points = np.array(self.points)
        if points.dtype.kind != "f":
            points = points * (x.scale, y.scale) + (x.offset, y.offset)
        return BrushStroke(points, width)

    def mask(self, axes: tuple[DataAxis, DataAxis]) -> np.ndarray:
        """Pixels that the brush went over.

        Parameters
        ----------
        axes : (DataAxis, DataAxis)
            The axes (y, x).

        Returns
        -------
        (rows, columns) numpy.ndarray of bool
        """
        from hyperspy_symseg.analysis.relabelling import brushed

        stroke = self.on_axes(axes)
        scale, offset = _of_axes(axes)
        points = (np.array(stroke.points)[:, ::-1] - offset) / scale
        radii = np.array(stroke.width) / np.abs(scale) / 2
        return brushed(tuple(axis.size for axis in axes), points, radii)


def region_mask(name, region, axes):
    """Pixels of a region.

    Parameters
    ----------
    name : str
        The argument, for messages.
    region : BaseROI, BrushStroke, BaseSignal or array of bool
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    (rows, columns) numpy.ndarray of bool

    Raises
    ------
    TypeError, ValueError
        If it is something else, is empty or does not lie in the frame.
    """
    shape = tuple(axis.size for axis in axes)
    # Who has made a region has imported its module, which brings pyplot and takes long.
    roi = sys.modules.get("hyperspy.roi")
    if roi is not None and isinstance(region, roi.BaseROI):
        own = _roi_mask(name, region, axes)
    elif isinstance(region, BrushStroke):
        own = region.mask(axes)
    else:
        own = as_array(name, getattr(region, "data", region))
        if own.dtype != bool:
            raise TypeError(
                f"{name} must be a {' or '.join(REGIONS)} of HyperSpy, a BrushStroke, "
                f"or an array or a signal of bool, got {shown(region)}."
            )
        if own.shape != shape:
            raise ValueError(
                f"{name} must have the shape of a frame, {shape}, got {own.shape}."
            )
    if not own.any():
        units = " and ".join(dict.fromkeys(unit(axis) or "no unit" for axis in axes))
        raise ValueError(
            f"{name} must have a pixel, on axes in {units}, got none in "
            f"{shown(region)}."
        )
    return own


def region_record(region, axes):
    """What the metadata say of a region, in types that files can hold.

    Parameters
    ----------
    region : BaseROI, BrushStroke, BaseSignal or array of bool
        As `region_mask` has checked it.
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    dict
        Its kind, the units of the axes, and what it is on them.
    """
    if isinstance(region, BrushStroke):
        stroke = region.on_axes(axes)
        own = {"points": np.array(stroke.points), "width": np.array(stroke.width)}
    elif hasattr(region, "parameters"):
        own = {
            key: np.array(value, float) if key == "vertices" else float(value)
            for key, value in region.parameters.items()
        }
    else:
        inside = np.array(as_array("roi", getattr(region, "data", region)))
        scale, offset = _of_axes(axes)
        own = {"inside": inside, "scale": scale, "offset": offset}
    kind = "array" if "inside" in own else type(region).__name__
    return {"kind": kind, "units": list(map(unit, axes)), **own}


def recorded_mask(record, axes):
    """Pixels of a region that the metadata have, where it is on other axes.

    Parameters
    ----------
    record : dict
        As from `region_record`. It may come from a file.
    axes : (DataAxis, DataAxis)
        The axes (y, x), such as those of a crop.

    Returns
    -------
    (rows, columns) numpy.ndarray of bool
        None of them, if it lies elsewhere.

    Raises
    ------
    TypeError, ValueError
        If it is no such record, or the axes have units of another kind.
    """
    region = recorded_region(record)
    axes = [
        axis_in(axis, str(units), name)
        for axis, units, name in zip(axes, record["units"], "yx", strict=True)
    ]
    if isinstance(region, BrushStroke):
        return region.mask(axes)
    if isinstance(region, np.ndarray):
        return _array_mask(axes, region, record["scale"], record["offset"])
    return _roi_mask("region", region, axes, cut=True)


def recorded_region(record):
    """Region that the metadata have.

    Parameters
    ----------
    record : dict
        As from `region_record`. It may come from a file.

    Returns
    -------
    BaseROI, BrushStroke or (rows, columns) numpy.ndarray of bool
        On the axes that it was chosen on.

    Raises
    ------
    TypeError, ValueError
        If it is no such record.
    """
    import hyperspy.api as hs

    if not isinstance(record, dict):
        raise TypeError(f"region must be a dictionary, got {shown(record)}.")
    own = {key: each for key, each in record.items() if key not in NOT_ITS_OWN}
    kind = str(record.get("kind", ""))
    if kind == "array":
        return np.asarray(own["inside"], bool)
    if kind == "BrushStroke":
        points = np.asarray(own["points"], float)
        return BrushStroke(points, tuple(map(float, own["width"])))
    if kind not in REGIONS or not hasattr(hs.roi, kind):
        known = " or ".join((*REGIONS, "BrushStroke", "array"))
        raise ValueError(f"region must be a {known}, got {shown(kind)}.")
    if "vertices" in own:
        own["vertices"] = [tuple(map(float, each)) for each in own["vertices"]]
    return getattr(hs.roi, kind)(**own)


def axis_in(axis, units, default):
    """An axis in units that a record has.

    Parameters
    ----------
    axis : DataAxis
        Of labels. It stays as it is.
    units : str
    default : str
        Name of an axis that has none.

    Returns
    -------
    DataAxis

    Raises
    ------
    ValueError
        If its own are of another kind.

    Examples
    --------
    >>> from hyperspy.axes import UniformDataAxis
    >>> axis = axis_in(UniformDataAxis(size=9, scale=20, units="pm"), "nm", "x")
    >>> round(axis.scale, 9)
    0.02
    """
    wanted = axis.copy()
    wanted.units = units
    factor = factor_between(wanted, axis)
    if factor is None:
        raise ValueError(
            f"axis {axis_name(axis, default)} of the labels must have "
            f"{f'a unit such as {units}' if units else 'no unit'}, as that on which "
            f"they were changed by hand, got {unit(axis) or 'no unit'}."
        )
    if factor == 1:
        return wanted
    if axis.is_uniform:
        wanted.scale, wanted.offset = axis.scale * factor, axis.offset * factor
    else:
        wanted.axis = np.asarray(axis.axis) * factor
    return wanted


def _of_axes(axes):
    """Scales and offsets (y, x): two (2,) numpy.ndarray."""
    return tuple(
        np.array([getattr(axis, name) for axis in axes], float)
        for name in ("scale", "offset")
    )


def _array_mask(axes, inside, scale, offset):
    """Pixels of axes whose middle lies in one of an array of bool that is True."""
    inside = np.asarray(inside, bool)
    places = []
    for axis, size, step, first in zip(axes, inside.shape, scale, offset, strict=True):
        # Of positions between two pixels the same one is taken, whatever the rounding.
        place = np.floor((axis.axis - first) / step + 0.5 + 1e-6)
        places.append(np.clip(place, -1, size).astype(int))
    # What is beyond its edges is not in it.
    around = np.pad(inside, 1)
    return around[np.ix_(*(place + 1 for place in places))]


def _roi_mask(name, roi, axes, cut=False):
    """Pixels of the frame that are in a region of interest, as HyperSpy cuts it.

    If `cut`, it may reach beyond the frame, or lie elsewhere.
    """
    import hyperspy.api as hs

    kinds = tuple(getattr(hs.roi, kind) for kind in REGIONS if hasattr(hs.roi, kind))
    if not isinstance(roi, kinds):
        raise TypeError(
            f"{name} must be a region with pixels in it, a "
            f"{' or '.join(REGIONS)}, got {shown(roi)}."
        )
    if not roi.is_valid() or len(tuple(roi)) == 0:
        raise ValueError(f"{name} must be set, got {shown(roi)}.")
    if isinstance(roi, hs.roi.RectangularROI):
        x, y = (roi.left, roi.right), (roi.top, roi.bottom)
    elif isinstance(roi, hs.roi.CircleROI):
        x, y = ((centre - roi.r, centre + roi.r) for centre in (roi.cx, roi.cy))
    else:
        x, y = zip(*roi.vertices, strict=True)
    margins = []
    for axis, ends, what in zip(axes, (y, x), "yx", strict=True):
        # Of whole pixels, and up to the far edge of the last one, but for rounding.
        pixels = (np.array(ends, float) - axis.offset) / axis.scale
        first, last = pixels.min(), pixels.max()
        if first < -1.01 or last > axis.size + 0.01:
            if cut and (last < -1 or first > axis.size):
                return np.zeros(tuple(axis.size for axis in axes), bool)
            if not cut or not last - first < MOST_PIXELS:
                raise ValueError(
                    f"{name} must lie in the frame, from {axis.low_value:g} to "
                    f"{axis.high_value:g} along {what}, got {shown(roi)}."
                )
        beyond = max(-first, 0), max(last - axis.size, 0)
        margins.append([int(np.ceil(each)) + 1 if cut else 0 for each in beyond])
    shape = [axis.size + sum(both) for axis, both in zip(axes, margins, strict=True)]
    numbers = np.arange(np.prod(shape), dtype=np.float64).reshape(shape)
    numbers = hs.signals.Signal2D(
        numbers,
        axes=[
            axis.get_axis_dictionary()
            | {"navigate": False, "size": size}
            | {"offset": axis.offset - before * axis.scale}
            for axis, size, (before, _) in zip(axes, shape, margins, strict=True)
        ],
    )
    inside = np.ma.filled(roi(numbers).data, np.nan).ravel()
    own = np.zeros(numbers.data.size, bool)
    own[inside[np.isfinite(inside)].astype(np.int64)] = True
    own = own.reshape(shape)
    (above, _), (left, _) = margins
    return own[above : above + axes[0].size, left : left + axes[1].size]
