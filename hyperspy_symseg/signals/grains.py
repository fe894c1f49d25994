# SPDX-License-Identifier: GPL-3.0-or-later
"""Grains of labels as signals: the work of the methods of `SymmetryLabels`."""

import numpy as np
from hyperspy.api import plot
from hyperspy.signals import Signal2D

from hyperspy_symseg.analysis import GrainMap, GrainNeighbours, GrainOutlines, Grains
from hyperspy_symseg.analysis.grains import NAMES
from hyperspy_symseg.analysis.strain import mean_vectors
from hyperspy_symseg.frames.checks import check_flag, shown
from hyperspy_symseg.frames.run import run, run_or_lazy
from hyperspy_symseg.grain_tables import (
    BRANCH,
    Lattices,
    Rings,
    check_grains,
    import_pandas,
    neighbour_table,
    neighbours_of,
    path_of,
    write_geojson,
)
from hyperspy_symseg.plotting import pattern_colors
from hyperspy_symseg.point_tables import check_path, each_table
from hyperspy_symseg.version import package_version

from .arguments import area_in_pixels, mask_array, working
from .axes import (
    axis_name,
    check_pixel_size,
    check_same_axes,
    frame_axes,
    unit,
)
from .metadata import is_relabelled, result_metadata, stored_model
from .points import as_points, check_one_of
from .source import Source


def get_grains(labels, signal, min_area, asked, how):
    """Work of `SymmetryLabels.get_grains`, which says what it takes and returns.

    In `asked` and `how` are the other arguments, in the latter those of `working`.
    """
    axes = frame_axes(labels)
    min_area = area_in_pixels("min_area", min_area, axes)
    calibrated = check_flag("calibrated", asked["calibrated"])
    if calibrated and unit(axes[0]) != unit(axes[1]):
        y, x = (axis_name(axis, name) for axis, name in zip(axes, "yx", strict=True))
        raise ValueError(
            f"calibrated must be False unless axes {y} and {x} have one unit, got True "
            f"with {unit(axes[0])!r} and {unit(axes[1])!r}."
        )
    mask, lazy_output = asked["mask"], asked["lazy_output"]
    check_flag("lazy_output", lazy_output, None)
    frames, templates = None, None
    if signal is None:
        mask = mask_array(mask, labels.data.shape)
    else:
        labels._check_has_their_shape(signal)
        check_same_axes(labels, signal, "signal")
        source = Source.of(signal, mask, True)
        frames, mask = source.frames, source.mask
        templates = _templates_of(labels, axes)
    if lazy_output is None:
        lazy_output = labels._lazy or (signal is not None and signal._lazy)
    if templates is not None:
        given = {"mask": asked["mask"], "lazy_output": lazy_output}
        frames = frames, labels.get_certainty(signal, **given, **how).data
    what = "Measuring grains"
    with working(what, **how):
        # The number of patterns may be read.
        grains = _of_regions(Grains, labels, min_area, templates=templates)
        given = grains, frames, labels.data, mask
        found = run_or_lazy(*given, is_lazy=lazy_output, description=what)
    record = {"version": package_version(), "min_area": min_area}
    record |= {"masked": mask is not None, "has_signal": signal is not None}
    if mask is not None and mask.ndim == 2:
        # For those that look at the labels again. One of every frame may be too large.
        record["mask"] = np.asarray(mask)
    return as_points(
        found[..., 0] if labels.axes_manager.navigation_dimension else found,
        labels,
        NAMES,
        "Grains",
        calibrated=calibrated,
        Symmetry_points={"n_patterns": grains.n_patterns},
        Grains=record,
    )


def _templates_of(labels, axes):
    """Templates of the patterns of labels, or None where no model has given these."""
    if stored_model(labels.metadata) is None:
        return None
    if is_relabelled(labels.metadata, labels.original_metadata):
        return None
    model = labels.model
    if model.templates is not None:
        check_pixel_size(model, axes)
    return model.templates


def _of_regions(analysis, labels, min_area, **options):
    """An analysis of the regions of labels, in pixels of one area."""
    record, size = labels._record, (1.0, 1.0)
    y, x = frame_axes(labels)
    if unit(y) == unit(x):
        size = abs(y.scale / x.scale) ** 0.5
        size = size, 1 / size
    step = tuple(map(int, record.label_step)) if record.upsample else (1, 1)
    return analysis(labels.n_patterns, min_area, size, step, **options)


def _mask_of(labels, grains):
    """The mask that grains were found with, of one frame for all: array, or None."""
    mask = grains.metadata.get_item(f"{BRANCH}.mask")
    return None if mask is None else mask_array(np.asarray(mask), labels.data.shape)


def get_grain_map(labels, grains, column):
    """Work of `SymmetryLabels.get_grain_map`, which says what it takes and returns."""
    min_area, quantity, values = check_grains(grains), "Grain", None
    _check_same_series(labels, grains)
    if column is not None:
        names = grains.column_names
        check_one_of("column", column, names)
        quantity = f"{column.replace('_', ' ').capitalize()} of grains"
        n, which = labels.axes_manager.navigation_dimension, names.index(column)
        values = {index[:n]: table[:, which] for index, table in grains._frames()}
    known = _known(labels, grains) if values else _compared(labels, grains)
    analysis = _of_regions(GrainMap, labels, min_area, values=values, known=known)
    found = labels._found(analysis, mask=_mask_of(labels, grains))
    axes = list(labels.axes_manager.as_dictionary().values())
    result = Signal2D(found, axes=axes, **result_metadata(labels, quantity))
    return result.as_lazy() if labels._lazy else result


def numbers_of_grains(labels, grains):
    """Function of the number of a frame, which gives the numbers of its grains.

    Parameters
    ----------
    labels : SymmetryLabels
        Of a series with one navigation axis.
    grains : SymmetryPoints
        Of these.

    Returns
    -------
    callable
        It returns (rows, columns) numpy.ndarray of int32.

    Raises
    ------
    TypeError, ValueError
        If the labels are not those of the grains.
    """
    from .symmetry_labels import SymmetryLabels

    if not isinstance(labels, SymmetryLabels):
        raise TypeError(
            "labels must be those that the grains are of, from segment_symmetry, got "
            f"{shown(labels)}."
        )
    min_area = check_grains(grains)
    _check_same_series(labels, grains)
    known, mask = _compared(labels, grains), _mask_of(labels, grains)

    def numbers(frame):
        own = None if known is None else {(): known[(frame,)]}
        analysis = _of_regions(GrainMap, labels, min_area, known=own)
        return np.asarray(run(analysis, None, labels.data[frame], mask))

    return numbers


def _known(labels, grains):
    """By the place of each frame, pattern and number of pixels of its grains: dict."""
    names, n = grains.column_names, labels.axes_manager.navigation_dimension
    y, x = frame_axes(labels)
    size = abs(y.scale * x.scale) if grains.is_calibrated else 1.0
    which = [names.index(name) for name in ("pattern", "area")]
    return {
        index[:n]: np.rint(table[:, which] / (1.0, size))
        for index, table in grains._frames()
    }


def _compared(labels, grains):
    """What `_known` says, where grains are compared with those of the labels, or None.

    Those that are found later are not looked for to be compared alone, unless they are
    of a mask that is not kept.
    """
    record = grains.metadata.get_item(BRANCH)
    is_kept = record.has_item("mask") or not record.get_item("masked")
    return None if grains._lazy and is_kept else _known(labels, grains)


def _check_same_series(labels, grains):
    """Check that a table of grains is of as many frames as there are labels."""
    shapes = [each.axes_manager.navigation_shape for each in (labels, grains)]
    if shapes[0] != shapes[1]:
        raise ValueError(
            f"grains must be those of these labels, with the navigation shape "
            f"{shapes[0]}, got {shapes[1]}."
        )


def _grains_and(analysis, labels, grains):
    """Of every frame, its index, table of grains and what an analysis finds: list."""
    min_area = check_grains(grains)
    _check_same_series(labels, grains)
    frames, known = grains._frames(), _known(labels, grains)
    analysis = _of_regions(analysis, labels, min_area, known=known)
    found = run(analysis, None, labels.data, _mask_of(labels, grains))
    return [
        (index, table, each)
        for (index, table), each in zip(frames, found.ravel(), strict=True)
    ]


def get_grain_neighbours(labels, grains):
    """Work of `SymmetryLabels.get_grain_neighbours`."""
    check_grains(grains)
    import_pandas()
    axes = frame_axes(labels)
    templates, lattices = _templates_of(labels, axes), None
    if templates is not None:
        size = np.array(_of_regions(GrainNeighbours, labels, 0).pixel_size)
        lattices = Lattices(mean_vectors(templates) * size)
    length = np.sqrt(abs(axes[0].scale * axes[1].scale)) if grains.is_calibrated else 1
    rows = []
    for index, table, found in _grains_and(GrainNeighbours, labels, grains):
        found = found * (1, 1, length)
        known = found, table, grains.column_names, lattices
        rows += [(*index, *row) for row in neighbours_of(*known)]
    return neighbour_table(rows, grains._levels)


def _rings(labels, pattern=None):
    """Function of the outlines of a frame: Rings."""
    axes = [axis.get_axis_dictionary() for axis in frame_axes(labels)]
    known = [{key: float(axis[key]) for key in ("scale", "offset")} for axis in axes]
    return Rings(tuple(known), pattern)


def get_grain_polygons(labels, grains):
    """Work of `SymmetryLabels.get_grain_polygons`."""
    rings = _rings(labels)
    found = np.empty(labels.data.shape[:-2], object)
    for index, _, outlines in _grains_and(GrainOutlines, labels, grains):
        paths = list(map(path_of, rings.of_grains(outlines)))
        found[index[: found.ndim]] = paths
    return found if found.ndim else found.item()


def save_grain_polygons(labels, filename, grains, overwrite):
    """Work of `SymmetryLabels.save_grain_polygons`."""
    check_grains(grains)
    path = check_path(filename, ".geojson", overwrite)
    rows, rings = _grains_and(GrainOutlines, labels, grains), _rings(labels)
    frames = [row[:2] for row in rows]
    found = [rings.of_grains(row[2]) for row in rows]
    names, levels = grains.column_names, grains._levels
    write_geojson(path, frames, found, names, levels)


def get_grain_markers(labels, grains, options):
    """Work of `SymmetryLabels.get_grain_markers`."""
    min_area = check_grains(grains)
    _check_same_series(labels, grains)
    known = _compared(labels, grains)
    analysis = _of_regions(GrainOutlines, labels, min_area, known=known)
    found, markers = labels._found(analysis, mask=_mask_of(labels, grains)), []
    is_series = labels.axes_manager.navigation_dimension > 0
    found = found[..., 0] if is_series else np.asarray(found)
    for k, color in enumerate(pattern_colors(analysis.n_patterns)[1]):
        every = each_table(found, _rings(labels, k))
        drawn = {"facecolors": "none", "edgecolors": (color,), "linewidths": (1.5,)}
        verts = every.T if is_series else every[0]
        markers.append(plot.markers.Polygons(verts=verts, **drawn | options))
    return markers
