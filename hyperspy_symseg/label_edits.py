# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels while they are changed by hand: what was done, and can be undone.

It knows nothing of widgets: those of `gui` only call it.
"""

from dataclasses import dataclass, field

import numpy as np

from hyperspy_symseg.frames.checks import check_whole, shown

# The key of labels that examples have given.
EXAMPLES = "examples"


@dataclass(frozen=True)
class Step:
    """One change: new numbers, perhaps in a region and in one frame, or names.

    Attributes
    ----------
    numbers : dict or int or None
        As of `SymmetryLabels.relabel`.
    roi : BaseROI, BrushStroke or array of bool, optional
    frame : tuple of int or None
        In the order of `inav`; None for all.
    names : tuple of str, optional
        Of all patterns, instead of numbers.
    """

    numbers: dict | int | None = None
    roi: object = None
    frame: tuple[int, ...] | None = None
    names: tuple[str, ...] | None = None

    def on(self, labels, one_frame=False):
        """Labels with this change.

        Parameters
        ----------
        labels : SymmetryLabels
            They may get names.
        one_frame : bool
            Whether they are of that frame alone.

        Returns
        -------
        SymmetryLabels
        """
        if self.names is not None:
            labels.pattern_names = self.names
            return labels
        frames = None if one_frame else self.frame
        return labels.relabel(self.numbers, roi=self.roi, frames=frames)


@dataclass
class Sheet:
    """Labels of one segmentation, and what was done to them."""

    labels: object
    steps: list[Step] = field(default_factory=list)


class LabelEdits:
    """Labels that are changed by hand, one step after the other.

    Each number of patterns, and examples, give labels of their own, and what is done
    to these is kept when others are looked at.

    Parameters
    ----------
    labels : SymmetryLabels
        They stay as they are.
    signal : Signal2D, optional
        The micrographs. Without them there are no other numbers and no examples.
    mask : array of bool or BaseSignal, optional
        That the labels were made with.

    Raises
    ------
    TypeError, ValueError
        If the signal is none, the mask is not boolean, or either has another shape.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.label_edits import LabelEdits
    >>> from hyperspy_symseg.signals import BrushStroke
    >>> s, truth = simulate.grain_boundary()
    >>> edits = LabelEdits(s.segment_symmetry(2, show_progressbar=False), s)
    >>> edits.paint(1, BrushStroke([(1.0, 2.0), (3.0, 2.5)], width=0.4))
    >>> edits.rename(["matrix", "twin"])
    >>> edits.undo()
    >>> edits.labels.metadata.Changes_by_hand.keys()
    ['change_1']
    """

    def __init__(self, labels, signal=None, mask=None):
        from hyperspy_symseg.signals.arguments import mask_array

        if signal is not None:
            labels._check_has_their_shape(signal)
        mask_array(mask, labels.data.shape)
        self.signal, self.mask = signal, mask
        model = _model_of(labels)
        self.key = labels.n_patterns if model is None else model.n_patterns
        self.frame = (0,) * labels.axes_manager.navigation_dimension
        self._sheets = {self.key: Sheet(labels)}
        self._first = self.key
        self._show()

    @property
    def steps(self):
        """What was done to the labels that are looked at: list of Step."""
        return self._sheet.steps

    @property
    def view(self):
        """The labels of the frame in view, with all steps: SymmetryLabels."""
        return self._view

    @property
    def n_patterns(self):
        """Number of patterns, with those that were painted: int."""
        return self._view.n_patterns

    @property
    def names(self):
        """Names of the patterns, or None: tuple of str."""
        return self._view.pattern_names

    @property
    def navigation(self):
        """Names and sizes of the navigation axes, in the order of `inav`: list."""
        from hyperspy_symseg.signals.axes import axis_name

        axes = self._sheet.labels.axes_manager.navigation_axes
        return [
            (axis_name(axis, f"frame {k}"), axis.size) for k, axis in enumerate(axes)
        ]

    @property
    def period_in_pixels(self):
        """Of the lattice; None if it is not known: float."""
        return self._sheet.labels._record.get("period") or None

    @property
    def labels(self):
        """The labels with all steps, which their metadata have.

        Returns
        -------
        SymmetryLabels or LazySymmetryLabels
        """
        found = self._sheet.labels.deepcopy()
        for step in self.steps:
            found = step.on(found)
        return found

    def picture(self, saturation=0.5):
        """The frame in view, tinted by pattern.

        Parameters
        ----------
        saturation : float
            Strength of the tint, from 0 to 1.

        Returns
        -------
        Signal2D
            rgb8. Without micrographs it has the colours of the patterns alone.
        """
        from hyperspy.signals import Signal2D
        from rsciio.utils.rgb import regular_array2rgbx

        from .plotting import paint

        if self.signal is not None:
            image = _frame_of(self.signal, self.frame)
            tinted = self._view.overlay(image, saturation)
            if tinted._lazy:
                tinted.compute(show_progressbar=False)
            return tinted
        axes = list(self._view.axes_manager.as_dictionary().values())
        painted = paint(self._view.data.astype(int), self.n_patterns)
        return Signal2D(regular_array2rgbx(painted), axes=axes)

    @property
    def costs(self):
        """What each number of patterns is worth, or why it was refused.

        Returns
        -------
        list of str
            For 1 pattern, 2 and so on; empty if there are no costs.
        """
        from hyperspy_symseg.templates.refusals import gains, phrases

        model = _model_of(self._sheets[self._first].labels)
        if model is None or model.costs is None:
            return []
        refusals = model.refusals or ("",) * len(model.costs)
        worth = np.full(len(refusals), -np.inf)
        worth[: len(model.costs)] = gains(model.costs, refusals)
        said = [", ".join(phrases(*each)) for each in zip(refusals, worth, strict=True)]
        return ["one pattern", *said[1:]]

    @property
    def why_no_costs(self):
        """Why there are none: str."""
        from hyperspy_symseg.signals.metadata import why_no_costs

        return why_no_costs(self._sheets[self._first].labels._record.get)

    def paint(self, numbers, region, all_frames=False):
        """Change the labels in a region of the frame in view.

        Parameters
        ----------
        numbers : int, str or dict
            As of `SymmetryLabels.relabel`.
        region : BaseROI, BrushStroke or array of bool
        all_frames : bool
            Whether to do so in all frames of a series.

        Raises
        ------
        TypeError, ValueError
            As from `SymmetryLabels.relabel`; then nothing is changed.
        """
        frame = None if all_frames or not self.frame else self.frame
        if hasattr(region, "parameters"):
            # Its own may be moved later.
            region = type(region)(**region.parameters)
        self._do(Step(numbers, region, frame))

    def relabel(self, numbers):
        """Merge or renumber patterns of all frames, as `SymmetryLabels.relabel`."""
        self._do(Step(numbers))

    def rename(self, names):
        """Give the patterns names.

        Parameters
        ----------
        names : sequence of str

        Raises
        ------
        TypeError, ValueError
            As of `SymmetryLabels.pattern_names`.
        """
        self._do(Step(names=tuple(names)))

    def undo(self):
        """Undo the last step, if there is one."""
        if self.steps:
            self.steps.pop()
            self._show()

    def show(self, frame):
        """Look at another frame.

        Parameters
        ----------
        frame : tuple of int
            In the order of `inav`.
        """
        sizes = self._sheet.labels.axes_manager.navigation_shape
        if len(frame) != len(sizes):
            raise ValueError(
                f"frame must be {len(sizes)} ints, one for each navigation axis, got "
                f"{shown(frame)}."
            )
        self.frame = tuple(
            check_whole("frame", each, 0, size - 1)
            for each, size in zip(frame, sizes, strict=True)
        )
        self._show()

    def choose(self, n_patterns):
        """Look at the labels of another number of patterns.

        They are made when they are asked for first, as the labels were.

        Parameters
        ----------
        n_patterns : int

        Raises
        ------
        ValueError
            If there is no micrograph, or it has no so many patterns.
        """
        n_patterns = check_whole("n_patterns", n_patterns, 1)
        if n_patterns not in self._sheets:
            found = self._segmented("n_patterns", n_patterns=n_patterns)
            self._sheets[n_patterns] = Sheet(found)
        self.key = n_patterns
        self._show()

    def segment_by(self, examples):
        """Look at labels that are learnt from an example of each pattern.

        Parameters
        ----------
        examples : dict
            Names and regions of the frame in view, as ``patterns=`` of
            ``Signal2D.segment_symmetry``.

        Raises
        ------
        TypeError, ValueError
            If there is no micrograph, or as from ``Signal2D.segment_symmetry``.
        """
        places = {"fit_on": [self._one_place]} if self.frame else {}
        found = self._segmented("examples", patterns=dict(examples), **places)
        self._sheets[EXAMPLES] = Sheet(found)
        self.key = EXAMPLES
        self._show()

    @property
    def _sheet(self):
        return self._sheets[self.key]

    @property
    def _one_place(self):
        """The frame in view as ``fit_on`` takes it: int, or tuple of int."""
        return self.frame if len(self.frame) > 1 else self.frame[0]

    def _do(self, step):
        """Do a step, which is of the frame in view or of all."""
        view = self._view.deepcopy() if step.names is not None else self._view
        self._view = step.on(view, one_frame=True)
        self.steps.append(step)

    def _show(self):
        """Labels of the frame in view, with what was done to them."""
        view = _frame_of(self._sheet.labels, self.frame)
        view = view.deepcopy()
        if view._lazy:
            view.compute(show_progressbar=False)
        for step in self.steps:
            data = view.data
            view = step.on(view, one_frame=True)
            if step.frame not in (None, self.frame):
                # A pattern that is new there has a number and a name here, too.
                view.data = data.astype(view.data.dtype)
        self._view = view

    def _segmented(self, what, **asked):
        """Labels of the micrographs, made as the first ones were: SymmetryLabels."""
        if self.signal is None:
            raise ValueError(
                f"signal must be given to choose {what}, as in edit(signal), got None."
            )
        labels = self._sheets[self._first].labels
        record, model = labels._record, _model_of(labels)
        if model is None:
            return self.signal.segment_symmetry(
                mask=self.mask, show_progressbar=False, **asked
            )
        y = self.signal.axes_manager.signal_axes[1]
        if record.get("auto_period") is False and record.get("period"):
            # In axis units, as a float is.
            asked["period"] = float(record.get("period")) * abs(y.scale)
        if self.frame and "fit_on" not in asked:
            places = record.get("fit_on")
            if places is not None:
                asked["fit_on"] = [
                    tuple(place) if len(place) > 1 else place[0]
                    for place in np.asarray(places).tolist()
                ]
        return self.signal.segment_symmetry(
            descriptor=model.descriptor,
            stride=record.stride,
            upsample=record.upsample,
            n_components=len(model.components),
            random_state=model.random_state,
            refine=model.templates is not None,
            mask=self.mask,
            show_progressbar=False,
            **asked,
        )


def _model_of(labels):
    """The model in the metadata of labels: SymmetryModel, or None."""
    from hyperspy_symseg.signals.metadata import stored_model

    return None if stored_model(labels.metadata) is None else labels.model


def _frame_of(signal, frame):
    """One frame of a series, as an image: Signal2D."""
    return signal.inav[frame] if frame else signal
