# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that are changed by hand: merged, corrected, named."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_symseg.frames.checks import is_number, is_whole_number, shown
from hyperspy_symseg.frames.run import run

from .axes import axis_name, frame_axes, unit
from .metadata import (
    BRANCH,
    EXAMPLES,
    changes_by_hand,
    of_same_model,
    record_change,
    set_names,
    stored_model,
)

if TYPE_CHECKING:
    from hyperspy.roi import BaseROI
    from hyperspy.signals import BaseSignal, Signal2D
    from numpy.typing import ArrayLike

    from hyperspy_symseg.gui import LabelsEditor
    from hyperspy_symseg.signals import BrushStroke, SymmetryLabels

    Frames = int | float | slice | list[int] | list[float]

_logger = logging.getLogger(__name__)

# Of labels that were changed by hand.
MOST_PATTERNS = 2**15 - 1


class ChangedByHand:
    """Methods of `SymmetryLabels` that change them by hand, and can be replayed."""

    def relabel(
        self,
        numbers: dict[int | str, int | str] | int | str,
        *,
        roi: BaseROI | BrushStroke | ArrayLike | None = None,
        frames: Frames | tuple[Frames, ...] | None = None,
    ) -> SymmetryLabels:
        """Merge, renumber or correct patterns by hand.

        Parameters
        ----------
        numbers : dict, or int or str
            Patterns and what they become, all at once, by their numbers or names: ``{0:
            2}`` merges pattern 0 into pattern 2, ``{0: 1, 1: 0}`` swaps two. -1 is no
            label, and the next number that is free is a new pattern. One number is what
            all pixels become, those without a label too; it needs `roi`.
        roi : RectangularROI, CircleROI, PolygonROI, BrushStroke or array, optional
            Only pixels in this region of the signal axes, of each frame. An array, or a
            signal, is of bool.
        frames : int, float, slice, list of these, or tuple, optional
            Only these frames of a series, as ``inav`` takes them: ints are places,
            floats are values on the axis. A tuple has one for each navigation axis.

        Returns
        -------
        SymmetryLabels or LazySymmetryLabels
            New labels. Numbers that no pixel has any more stay free, so that colours
            stay what they are, and names stay with their numbers.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.

        See Also
        --------
        replay : do the same to labels of another frame.
        pattern_names : names of the patterns, which can be set.

        Notes
        -----
        ``metadata.Changes_by_hand`` has all changes. Areas, boundaries, sums, overlays
        and pictures are those of the new labels. The model is that of the labels
        from before: what asks it about these (`get_certainty`, `find_outliers`,
        `get_strain`, `plot_patterns`, `plot_clusters`, atomic columns by crystals)
        is an error. Names of crystals from `get_symmetry` are forgotten.
        ``signal.segment_symmetry(patterns=labels)`` learns a model of the new patterns.

        Examples
        --------
        >>> import hyperspy.api as hs
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> corner = hs.roi.RectangularROI(left=0, top=0, right=2, bottom=1)
        >>> float(seg.relabel(2, roi=corner).get_areas().data[2].round(3))
        2.0

        Or with a brush:

        >>> from hyperspy_symseg.signals import BrushStroke
        >>> stroke = BrushStroke([(1.0, 2.0), (3.0, 2.5)], width=0.4)
        >>> painted = seg.relabel(1, roi=stroke)
        """
        return relabelled(self, numbers, roi, frames)

    def replay(self, labels: SymmetryLabels) -> SymmetryLabels:
        """Do to these labels what was done by hand to others.

        Such as those of another frame, or of the same series once more. It comes after
        what was done to these already.

        Parameters
        ----------
        labels : SymmetryLabels
            With `relabel` and names, as in ``metadata.Changes_by_hand``. Regions and
            frames are where they were on the axes, also in a crop; what lies outside of
            these labels is left out, and a warning says so.

        Returns
        -------
        SymmetryLabels or LazySymmetryLabels
            New labels.

        Raises
        ------
        TypeError, ValueError
            If these are no labels, or of another model, whose numbers mean other
            patterns; or a change is not possible in these.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> movie, truth = simulate.moving_boundary(2, (120, 140))
        >>> s = movie.inav[0]
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> swapped = seg.relabel({0: 1, 1: 0})
        >>> other = movie.segment_symmetry(model=seg.model, show_progressbar=False)
        >>> other.replay(swapped)
        <LazySymmetryLabels, title: Simulated movie, dimensions: (2|140, 120)>
        """
        return replayed(self, labels)

    @property
    def pattern_examples(self) -> dict[str, BaseROI | BrushStroke | ArrayLike] | None:
        """Examples that the patterns were learnt from, for another micrograph.

        As ``signal.segment_symmetry(patterns=seg.pattern_examples)``.

        Returns
        -------
        dict or None
            Names and regions, as they were given, in the units of these axes: those of
            the other micrograph must be the same. None if there were none, or they were
            given as labels.
        """
        found = self.metadata.get_item(EXAMPLES)
        return None if found is None else recorded_examples(found.as_dictionary())

    def edit(
        self,
        signal: Signal2D | None = None,
        *,
        mask: ArrayLike | BaseSignal | None = None,
    ) -> LabelsEditor:
        """Change labels by hand in a notebook, with a brush.

        It takes the extra ``gui`` and, to paint, ``%matplotlib widget``. The micrograph
        is shown, tinted by pattern, beside its tools: a slider of the number of
        patterns, with what each is worth and why it was refused; a brush, a rectangle
        and a polygon that give pixels to a pattern; circles of examples, which the
        patterns are learnt from; names; and a slider of the frames of a series.

        Parameters
        ----------
        signal : Signal2D, optional
            The micrograph or series, of the same shape. Without it, there are neither
            other numbers of patterns nor examples.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            That the labels were made with.

        Returns
        -------
        hyperspy_symseg.gui.LabelsEditor
            Its ``labels`` are new labels, with what was done so far, recorded as by
            `relabel`: `replay` does it to others. These here stay as they are.

        Raises
        ------
        ImportError
            If the extra is not installed.
        TypeError, ValueError
            If the signal is not allowed.

        See Also
        --------
        relabel : does the same without a mouse.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(show_progressbar=False)
        >>> editor = seg.edit(s)  # doctest: +SKIP
        >>> seg = editor.labels  # doctest: +SKIP
        """
        from hyperspy_symseg.gui import LabelsEditor

        return LabelsEditor(self, signal, mask)


def set_pattern_names(labels, names):
    """Work of setting `SymmetryLabels.pattern_names`."""
    from hyperspy_symseg.segmentation.fit_options import check_names

    n_patterns = labels.n_patterns
    names = check_names(names, n_patterns, "pattern_names")
    if names is None:
        raise TypeError("pattern_names must be a sequence of str, got None.")
    labels.metadata.set_item(f"{BRANCH}.n_patterns", n_patterns)
    set_names(labels.metadata, names)
    record_change(labels.metadata, {"names": list(names)})


def record_examples(labels, patterns):
    """Record the regions that patterns were learnt from, in the metadata of labels.

    Parameters
    ----------
    labels : SymmetryLabels
    patterns : dict or object
        As of ``Signal2D.segment_symmetry``. Those of other kinds are not recorded.
    """
    from .regions import region_record

    if isinstance(patterns, dict):
        axes = frame_axes(labels)
        for k, (name, region) in enumerate(patterns.items(), 1):
            record = {"name": name, **region_record(region, axes)}
            labels.metadata.set_item(f"{EXAMPLES}.example_{k}", record)


def recorded_examples(records):
    """Names and regions from what the metadata say of examples: dict."""
    from .regions import recorded_region

    in_order = sorted(records, key=lambda name: (len(name), name))
    return {
        str(records[key]["name"]): recorded_region(records[key]) for key in in_order
    }


def relabelled(labels, numbers, roi=None, frames=None):
    """Work of `SymmetryLabels.relabel`: new labels."""
    from .regions import region_mask, region_record

    changes = _checked_numbers(labels, numbers, roi)
    change = {"numbers": np.array(changes)}
    if roi is not None:
        axes = frame_axes(labels)
        region_mask("roi", roi, axes)
        change["region"] = region_record(roi, axes)
    if frames is not None:
        change["frames"] = _frames_record(labels, frames)
    return _changed(labels, change)


def replayed(labels, others):
    """Work of `SymmetryLabels.replay`: new labels."""
    if not isinstance(others, ChangedByHand):
        raise TypeError(f"labels must be SymmetryLabels, got {shown(others)}.")
    have_models = (stored_model(each.metadata) for each in (labels, others))
    if all(have_models) and not of_same_model(labels.metadata, others.metadata):
        raise ValueError(
            "labels must be of the same model, as a number means another pattern in "
            "another, got those of two (see the argument model of segment_symmetry)."
        )
    result = labels.deepcopy()
    for change in changes_by_hand(others.metadata):
        if "names" in change:
            names = tuple(map(str, change["names"]))
            set_pattern_names(result, _with_new(names, result.n_patterns))
        else:
            result = _changed(result, change)
    return result


def _changed(labels, change):
    """Labels after a change as it is recorded."""
    from hyperspy_symseg.analysis.relabelling import Relabelling, suitable_dtype
    from hyperspy_symseg.symmetry_table import BRANCH as TABLE

    n_patterns = labels.n_patterns
    changes = np.reshape(change["numbers"], (-1, 2)).astype(int)
    if changes[:, 0].max() >= n_patterns:
        raise ValueError(
            f"labels must have the patterns that are changed, up to "
            f"{changes[:, 0].max()}, got {n_patterns} patterns."
        )
    n_new = max(n_patterns, int(changes[:, 1].max()) + 1)
    region, frames = _where(labels, change)
    changes = tuple((int(old), int(new)) for old, new in changes)
    dtype = suitable_dtype(labels.data.dtype, n_new)
    analysis = Relabelling(n_patterns, changes, dtype.str)
    data = _relabelled_data(labels, analysis, region, frames)
    result, names = labels._deepcopy_with_new_data(data), labels.pattern_names
    result.metadata.set_item(f"{BRANCH}.n_patterns", n_new)
    record_change(result.metadata, change)
    if names is not None and n_new > n_patterns:
        set_names(result.metadata, _with_new(names, n_new))
    if result.metadata.has_item(TABLE):
        delattr(result.metadata, TABLE)
    return result


def _with_new(names, n_patterns):
    """Names of so many patterns, new ones after those that have names: tuple of str."""
    for k in range(len(names), n_patterns):
        name = f"pattern {k}"
        names += (f"new {name}" if name in names else name,)
    return names


def _checked_numbers(labels, numbers, roi):
    """Pairs of a number and what it becomes: list of (int, int)."""
    n_patterns, names = labels.n_patterns, labels.pattern_names

    def number(value, most, what):
        if isinstance(value, str):
            if names is None or value not in names:
                known = "none" if names is None else ", ".join(names)
                raise ValueError(
                    f"numbers must have names of patterns, which are {known}, got "
                    f"{value!r}."
                )
            return names.index(value)
        if not is_whole_number(value):
            raise TypeError(
                "numbers must be a dict of patterns and what they become, as ints or "
                f"names, or one of them with roi, got {shown(numbers)}."
            )
        if not -1 <= value <= most:
            raise ValueError(
                f"numbers must have {what} from -1 to {most}, got {shown(value)} in "
                f"{shown(numbers)}."
            )
        return int(value)

    free = min(n_patterns, MOST_PATTERNS)
    if isinstance(numbers, dict):
        most = free + len(numbers) - 1
        changes = [
            (number(key, n_patterns - 1, "keys"), number(value, most, "values"))
            for key, value in numbers.items()
        ]
        keys = [key for key, _ in changes]
        if not changes or len(set(keys)) < len(keys):
            raise ValueError(
                "numbers must have one pattern or more, each once, got "
                f"{shown(numbers)}."
            )
    else:
        becomes = number(numbers, free, "a pattern")
        if roi is None:
            raise ValueError(
                "roi must be given with one number, which all pixels in it become, got "
                f"None with {shown(numbers)}."
            )
        changes = [(k, becomes) for k in range(-1, n_patterns)]
    return changes


def _frames_record(labels, frames):
    """What the metadata say of frames: their values, (frames, axes), and the units."""
    axes = labels.axes_manager.navigation_axes
    given = frames if isinstance(frames, tuple) else (frames,)
    if len(given) != len(axes):
        raise ValueError(
            f"frames must be one for each of the {len(axes)} navigation axes, got "
            f"{shown(frames)}."
        )
    found = []
    for index, axis in zip(given, axes, strict=True):
        if len(np.unique(axis.axis)) < axis.size:
            raise ValueError(
                f"axis {axis_name(axis, 'navigation')} must have values that differ, "
                f"to find frames on it, got a scale of {axis.scale}."
            )
        try:
            found.append(_values(index, axis))
        except (IndexError, TypeError, ValueError) as error:
            raise type(error)(
                f"frames must be ints from {-axis.size} to {axis.size - 1}, floats "
                f"from {axis.low_value:g} to {axis.high_value:g}, or a slice of them, "
                f"along axis {axis_name(axis, 'navigation')}, got {shown(frames)}."
            ) from error
    values = np.stack(np.meshgrid(*found, indexing="ij"), -1).reshape(-1, len(axes))
    if not len(values):
        raise ValueError(f"frames must be one frame or more, got {shown(frames)}.")
    return {"values": values, "units": list(map(unit, axes))}


def _values(index, axis):
    """Values on an axis that `inav` would take: (n,) numpy.ndarray of float."""
    values = np.asarray(axis.axis, float)
    if isinstance(index, slice):
        return values[axis._get_array_slices(index)]
    found = []
    # Ints and floats stay what they are beside each other.
    for each in np.atleast_1d(np.array(index, object)):
        if not is_number(each):
            raise TypeError("An index is an int or a float.")
        # Of NumPy, an int is none for HyperSpy.
        each = int(each) if is_whole_number(each) else float(each)
        found.append(values[axis._get_array_slices(each)][0])
    return np.array(found, float)


def _where(labels, change):
    """Where a change is made: arrays of bool of pixels and of frames, or None."""
    from .regions import recorded_mask

    region, frames = None, None
    if "region" in change:
        region = recorded_mask(change["region"], frame_axes(labels))
        if not region.any():
            _logger.warning("A region that was changed lies outside of these labels.")
    if "frames" in change:
        frames = _recorded_frames(labels, change["frames"])
    return region, frames


def _relabelled_data(labels, analysis, region, frames):
    """Labels with other numbers in a region of some frames: array."""
    if frames is None:
        return labels._found(analysis, mask=region)
    if labels._lazy:
        import dask.array as da

        frames = da.from_array(frames, chunks=1)[..., np.newaxis, np.newaxis]
        if region is None:
            region = np.ones(labels.data.shape[-2:], bool)
        return labels._found(analysis, mask=frames & region)
    # Others are not looked at: there is a change for each stroke of a brush.
    data = labels.data.astype(analysis.dtype)
    for index in zip(*np.nonzero(frames), strict=True):
        data[index] = run(analysis, None, labels.data[index], region)
    return data


def _recorded_frames(labels, frames):
    """Which frames the metadata say: numpy.ndarray of bool, a value for each frame."""
    from .regions import axis_in

    axes = labels.axes_manager.navigation_axes
    values = np.asarray(frames["values"], float)
    if values.ndim != 2 or values.shape[1] != len(axes):
        raise ValueError(
            "labels must have the navigation axes along which frames were changed, "
            f"{values.shape[-1]}, got {len(axes)} (of a series, `inav[2:3]` has them "
            "and `inav[2]` has not)."
        )
    places, known = [], np.ones(len(values), bool)
    for axis, units, wanted in zip(axes, frames["units"], values.T, strict=True):
        axis = axis_in(axis, str(units), "navigation")
        on = np.asarray(axis.axis, float)
        nearest = np.abs(np.subtract.outer(wanted, on)).argmin(axis=1)
        # Of one frame that was cut from a series, only a uniform axis knows the step.
        steps = np.abs([axis.scale] if axis.is_uniform else np.diff(on))
        known &= np.abs(on[nearest] - wanted) <= (steps.min() if len(steps) else 0) / 2
        places.append(nearest)
    if not known.all():
        _logger.warning(
            "Frames that were changed are not among these: %d of %d.",
            np.count_nonzero(~known),
            len(known),
        )
    chosen = np.zeros(labels.data.shape[:-2], bool)
    chosen[tuple(place[known] for place in places[::-1])] = True
    return chosen
