# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels that are changed by hand: merged, corrected, named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dask.array as da
import numpy as np

from hyperspy_symseg.frames.checks import as_array, is_whole_number, shown

from .axes import axis_name, frame_axes
from .metadata import (
    BRANCH,
    changes_by_hand,
    of_same_model,
    record_change,
    set_names,
    stored_model,
)

if TYPE_CHECKING:
    from hyperspy.roi import BaseROI
    from numpy.typing import ArrayLike

    from hyperspy_symseg.signals import SymmetryLabels

# Of labels that were changed by hand.
MOST_PATTERNS = 2**15 - 1


class ChangedByHand:
    """Methods of `SymmetryLabels` that change them by hand, and can be replayed."""

    def relabel(
        self,
        numbers: dict[int | str, int | str] | int | str,
        *,
        roi: BaseROI | ArrayLike | None = None,
        frames: int
        | slice
        | list[int]
        | tuple[int | slice | list[int], ...]
        | None = None,
    ) -> SymmetryLabels:
        """Merge, renumber or correct patterns by hand.

        Parameters
        ----------
        numbers : dict, or int or str
            Patterns and what they become, all at once, by their numbers or names: ``{0:
            2}`` merges pattern 0 into pattern 2, ``{0: 1, 1: 0}`` swaps two. -1 is no
            label, and the next number that is free is a new pattern. One number is what
            all pixels become, those without a label too; it needs `roi`.
        roi : RectangularROI, CircleROI, PolygonROI or array of bool, optional
            Only pixels in this region of the signal axes, of each frame.
        frames : int, slice, list of int or tuple of these, optional
            Only these frames of a series, as ``inav`` takes them.

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
        """
        return relabelled(self, numbers, roi, frames)

    def replay(self, labels: SymmetryLabels) -> SymmetryLabels:
        """Do to these labels what was done by hand to others.

        Such as those of another frame, or of the same series once more. It comes after
        what was done to these already.

        Parameters
        ----------
        labels : SymmetryLabels
            With `relabel` and names, as in ``metadata.Changes_by_hand``. Regions are
            where they were on the axes.

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


def relabelled(labels, numbers, roi=None, frames=None):
    """Work of `SymmetryLabels.relabel`: new labels."""
    from .arguments import region_mask

    changes = _checked_numbers(labels, numbers, roi)
    change = {"numbers": np.array(changes)}
    if roi is not None:
        region_mask("roi", roi, frame_axes(labels))
        change["region"] = _region_record(roi)
    if frames is not None:
        change["frames"] = _checked_frames(labels, frames)
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

    from .arguments import region_mask

    n_patterns = labels.n_patterns
    changes = np.reshape(change["numbers"], (-1, 2)).astype(int)
    if changes[:, 0].max() >= n_patterns:
        raise ValueError(
            f"labels must have the patterns that are changed, up to "
            f"{changes[:, 0].max()}, got {n_patterns} patterns."
        )
    n_new = max(n_patterns, int(changes[:, 1].max()) + 1)
    axes, mask = frame_axes(labels), None
    if "region" in change:
        mask = region_mask("roi", _region(change["region"]), axes)
    if "frames" in change:
        mask = _mask_of_frames(labels, np.asarray(change["frames"]), mask)
    changes = tuple((int(old), int(new)) for old, new in changes)
    dtype = suitable_dtype(labels.data.dtype, n_new)
    data = labels._found(Relabelling(n_patterns, changes, dtype.str), mask=mask)
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


def _region_record(roi):
    """What the metadata say of a region: its kind and parameters, or an array."""
    if hasattr(roi, "parameters"):
        parameters = {
            key: np.array(value, float) if key == "vertices" else float(value)
            for key, value in roi.parameters.items()
        }
        return {"kind": type(roi).__name__, **parameters}
    return np.array(as_array("roi", getattr(roi, "data", roi)))


def _region(record):
    """Region from what the metadata say of it."""
    import hyperspy.api as hs

    from .arguments import REGIONS

    if not isinstance(record, dict):
        return np.asarray(record, bool)
    record = dict(record)
    kind = str(record.pop("kind", ""))
    if kind not in REGIONS or not hasattr(hs.roi, kind):
        raise ValueError(f"region must be a {' or '.join(REGIONS)}, got {shown(kind)}.")
    if "vertices" in record:
        record["vertices"] = [tuple(map(float, each)) for each in record["vertices"]]
    return getattr(hs.roi, kind)(**record)


def _checked_frames(labels, frames):
    """Indices of frames in the order of `inav`: (frames, axes) numpy.ndarray of int."""
    axes = labels.axes_manager.navigation_axes
    given = frames if isinstance(frames, tuple) else (frames,)
    if len(given) != len(axes):
        raise ValueError(
            f"frames must be one for each of the {len(axes)} navigation axes, got "
            f"{shown(frames)}."
        )
    found = []
    for index, axis in zip(given, axes, strict=True):
        try:
            index = index if isinstance(index, slice) else np.atleast_1d(index)
            if not isinstance(index, slice) and index.dtype.kind not in "iu":
                raise TypeError
            found.append(np.arange(axis.size)[index])
        except (IndexError, TypeError, ValueError) as error:
            raise type(error)(
                f"frames must be ints from {-axis.size} to {axis.size - 1}, or a slice "
                f"of them, along axis {axis_name(axis, 'navigation')}, got "
                f"{shown(frames)}."
            ) from error
    places = np.stack(np.meshgrid(*found, indexing="ij"), -1).reshape(-1, len(axes))
    if not len(places):
        raise ValueError(f"frames must be one frame or more, got {shown(frames)}.")
    return places


def _mask_of_frames(labels, places, region):
    """Pixels of a region in some frames, of the shape of the labels: array of bool."""
    shape = labels.data.shape
    places = places.reshape(len(places), -1)[:, ::-1]
    if places.shape[1] != len(shape) - 2 or (places >= shape[:-2]).any():
        raise ValueError(
            "labels must have the frames that are changed, up to "
            f"{places.max(axis=0)}, got the navigation shape {shape[:-2]}."
        )
    chosen = np.zeros(shape[:-2], bool)
    chosen[tuple(places.T)] = True
    if region is None:
        region = np.ones(shape[-2:], bool)
    if not labels._lazy:
        return chosen[..., np.newaxis, np.newaxis] & region
    chosen = da.from_array(chosen, chunks=1)
    return chosen[..., np.newaxis, np.newaxis] & region
