# SPDX-License-Identifier: GPL-3.0-or-later
"""What a model is fitted with, from what is given and what is found in the frames."""

import dataclasses
import functools
import logging

import numpy as np

from hyperspy_symseg.descriptors.registry import split
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.lattice import (
    Lengths,
    Periods,
    suitable_lengths,
)
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.clustering import check_arguments
from hyperspy_symseg.segmentation.predict import log_flat_areas
from hyperspy_symseg.segmentation.views import views_of
from hyperspy_symseg.templates.model import LONGEST_PERIOD

from .arguments import (
    descriptor_in_pixels,
    is_auto,
    length_in_pixels,
    without_auto,
)
from .axes import unit
from .fit_frames import fit_frames

_logger = logging.getLogger(__name__)

# Templates begin with labels that need not be as dense as those that are not refined.
REFINED_STRIDE = 2


NO_PERIODS = Periods(None, np.empty((0, 2)), np.empty(0), np.empty(0), None)


class FitPlan:
    """A fit to the frames of a signal, checked before any of them is read.

    Parameters
    ----------
    source : Source
    n_patterns, descriptor, parameters, stride, refine, fit_on
        As for `Signal2D.segment_symmetry`.
    **options
        The other options of `SymmetryModel.fit`.

    Attributes
    ----------
    grid : Grid
        The pixels that are scored, after `find_lengths`.
    record : dict
        What the metadata say of the fit.

    Raises
    ------
    TypeError, ValueError
        If an argument is not allowed.
    """

    def __init__(
        self,
        source,
        n_patterns,
        descriptor,
        parameters,
        *,
        stride,
        refine,
        fit_on,
        **options,
    ):
        self._source = source
        self._names = [name for name in split(descriptor) if isinstance(name, str)]
        self._given = without_auto(parameters, self._names)
        self._in_pixels = functools.partial(
            descriptor_in_pixels, descriptor, self._given, source.axes
        )
        if is_auto(refine):
            refine = set(split(descriptor)) != {"rotation"}
        self._refine = refine
        self._stride = None
        if not is_auto(stride):
            self._stride = length_in_pixels("stride", stride, source.axes)
            Grid.over(source.shape, self._stride)
        # Where lengths are to be found, with some that any such frame has room for.
        some = suitable_lengths(NO_PERIODS, source.shape)
        descriptor = self._in_pixels(self._known(some))
        self._n_patterns, self._options = check_arguments(
            descriptor,
            n_patterns,
            period=LONGEST_PERIOD if refine else None,
            **options,
        )
        # It is to be found.
        del self._options["period"]
        descriptor.check_frame(source.shape)
        self._places = [()]
        self.record = {
            "refine": refine,
            "auto_n_patterns": is_auto(n_patterns),
            "n_components": self._options["n_components"],
        }
        if source.navigation:
            self._places = fit_frames(fit_on, source.navigation)
        self._period, self._descriptor, self.grid = None, descriptor, None

    def _known(self, lengths):
        """Lengths of the descriptors that have names: dict of dict."""
        return {name: lengths.parameters(name) for name in self._names}

    @property
    def _finds_lengths(self):
        """Whether any length is to be found."""
        names = {key for each in self._known(Lengths()).values() for key in each}
        return self._stride is None or not names <= self._given.keys()

    def find_lengths(self):
        """Find the lattice periods in the frames fitted on, and lengths from these."""
        stride = self._stride
        find = self._refine or self._finds_lengths
        if find or not self._source.is_lazy:
            # Otherwise this is seen when the frames are scored, and read only then.
            self._fit_on(self._source.with_contrast(self._places))
        if find:
            periods = self._source.periods(self._places)
            lengths = suitable_lengths(periods, self._source.shape)
            if self._refine and periods.period is not None:
                stride_of_refined = lengths.stride * REFINED_STRIDE
                lengths = dataclasses.replace(lengths, stride=stride_of_refined)
            self._log(periods, lengths)
            self._descriptor = self._in_pixels(self._known(lengths))
            self._descriptor.check_frame(self._source.shape)
            if stride is None:
                stride = lengths.stride
            self.record |= periods_record(periods, self._source.axes)
            if self._refine:
                self._period = periods.period
                if self._period is None and is_auto(self._n_patterns):
                    self._n_patterns = 1
        self.grid = Grid.over(self._source.shape, stride)

    @property
    def _arguments(self):
        """Arguments of a fit, but for the frames."""
        axes = self._source.axes
        return self._options | {
            "n_patterns": self._n_patterns,
            "stride": self.grid.stride,
            "pixel_size": tuple(axis.scale for axis in axes),
            "units": tuple(map(unit, axes)),
        }

    def _fit_on(self, places):
        """Fit on these frames."""
        self._places = places
        if self._source.navigation:
            # In the order of `inav`.
            self.record["fit_on"] = np.array(places)[:, ::-1]

    def fit(self):
        """Fit a model to frames that are read now: SymmetryModel."""
        source, arguments = self._source, self._arguments
        if self._period is None:
            scores, places = source.fit_scores(
                self._descriptor, self.grid, self._places
            )
            self._fit_on(places)
            return SymmetryModel.from_scores(scores, self._descriptor, **arguments)
        frames = source.fit_frames(self._places, self._period)
        views, one_pattern = views_of(frames)
        flat = [view.blocked.flat for view in views]
        log_flat_areas(np.mean([each is not None and each.mean() for each in flat]))
        return SymmetryModel.from_views(
            views,
            self._descriptor,
            period=self._period,
            one_pattern=one_pattern,
            **arguments,
        )

    def fit_predict(self, **how):
        """Fit a model to a single image and label it: SymmetryModel, labels.

        Parameters
        ----------
        **how
            As for `SymmetryModel.predict`.
        """
        source = self._source
        return SymmetryModel.fit_predict(
            source.frames,
            self._descriptor,
            period=self._period,
            mask=source.mask,
            **self._arguments,
            **how,
        )

    def _log(self, periods, lengths):
        if periods.period is None:
            _logger.warning(
                "No lattice period found: the labels are those of the scores alone, "
                "and lengths that are not given are those for a period of 12 pixels, "
                "%s.",
                lengths,
            )
            return
        sizes = " by ".join(
            f"{periods.period * abs(axis.scale):.4g} {unit(axis)}".strip()
            for axis in self._source.axes
        )
        _logger.info(
            "Lattice period of %.2f pixels, %s along (y, x); the reflections have "
            "%.0f %% of the power. Lengths that are not given: %s.",
            periods.period,
            sizes,
            100 * periods.share,
            lengths,
        )


def periods_record(periods, axes):
    """What the metadata say of the periods, in types that files can hold.

    Parameters
    ----------
    periods : Periods
    axes : (DataAxis, DataAxis)
        The axes (y, x).

    Returns
    -------
    dict
        The period in pixels, 0 if there is none, and in axis units along (y, x).
    """
    period = periods.period or 0.0
    return {
        "period": period,
        "period_in_units": np.array([period * abs(axis.scale) for axis in axes]),
        "period_units": [unit(axis) for axis in axes],
        "reflections": periods.reflections,
        "reflections_share": periods.share,
    }
