# SPDX-License-Identifier: GPL-3.0-or-later
"""How a model is fitted, to a frame or to scores."""

import numpy as np

from hyperspy_symseg.descriptors import compute_scores
from hyperspy_symseg.frames import Grid
from hyperspy_symseg.frames.checks import (
    as_array,
    check_flag,
    check_frame,
    check_mask,
    pixel_pair,
    warn_of_values,
)
from hyperspy_symseg.frames.parts import whole
from hyperspy_symseg.frames.threads import one_thread, with_workers
from hyperspy_symseg.frames.tiling import (
    tile_slices,
)

from .clustering import (
    check_arguments,
    cluster_scores,
    scikit_learn,
    score_covariance,
)
from .model_checks import check_pixels
from .sampling import complete_scores, sampled_grid
from .selection import with_patterns
from .template_fit import TemplateFit
from .views import Frames, views_of

# What a progress bar says meanwhile.
FITTING = "Fitting"


class Fitting:
    """Methods of `SymmetryModel` that make one."""

    @classmethod
    @with_workers
    def fit(
        cls,
        frame,
        descriptor,
        n_patterns=2,
        *,
        stride=5,
        n_components=5,
        n_operations=None,
        period=None,
        mask=None,
        random_state=0,
        pixel_size=None,
        units=("", ""),
    ):
        """Fit a model to a frame.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
            Pixels that are not finite are left out.
        descriptor : Descriptor
            What is measured at a pixel.
        n_patterns : int or "auto"
            Number of patterns. "auto": that with the lowest cost (`costs`), where each
            pattern more has to be worth 10 nats; it needs a period.
        stride : int or (int, int)
            Distance between the pixels scored, along (y, x), in pixels. The fit
            takes at most 20,000 of them, spread evenly; with a period at most 6,000,
            over those windows that templates are learnt from.
        n_components : int or float
            Number of principal components (never more than operations), or the
            fraction of the variance that they explain.
        n_operations : int, optional
            Keep so many operations, those that separate the patterns best: see
            `select`.
        period : float, optional
            Lattice period in pixels. With it, templates of the patterns are learnt,
            which refine the labels; without, the labels are those of the scores alone.
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        random_state : int or None
            Seed of the clustering; None draws one.
        pixel_size, units
            As the attributes.

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, if no pixel has all its scores, or if there
            are fewer distinct descriptors than patterns.

        Examples
        --------
        >>> from hyperspy_symseg.descriptors import TranslationSymmetry
        >>> from hyperspy_symseg.segmentation import SymmetryModel
        >>> y, x = np.mgrid[:60, :80]
        >>> frame = np.where(x < 30, np.cos(y), np.cos(x))
        >>> descriptor = TranslationSymmetry(patch=5, window=4)
        >>> model = SymmetryModel.fit(frame, descriptor)
        >>> model.predict(frame)[30, [10, 70]]
        array([0, 1], dtype=int8)
        """
        model, *_ = cls._fit(
            as_array("frame", frame),
            descriptor,
            n_patterns,
            stride=stride,
            mask=mask,
            n_components=n_components,
            n_operations=n_operations,
            period=period,
            random_state=random_state,
            pixel_size=pixel_size,
            units=units,
        )
        return model

    @classmethod
    @with_workers
    def fit_predict(
        cls,
        frame,
        descriptor,
        n_patterns=2,
        *,
        stride=5,
        mask=None,
        upsample=True,
        certainty=False,
        **options,
    ):
        """Fit a model to a frame and label its pixels.

        The same as `fit` and `predict`, but if labels are those of the scores alone,
        scores that can be kept in 64 MB are computed once only.

        Parameters
        ----------
        frame, descriptor, n_patterns, stride, mask, **options
            As in `fit`.
        upsample, certainty
            As in `predict`.

        Returns
        -------
        model : SymmetryModel
        labels : numpy.ndarray
            As from `predict`.

        Raises
        ------
        TypeError, ValueError
            As from `fit`.
        """
        frame = as_array("frame", frame)
        upsample = check_flag("upsample", upsample)
        certainty = check_flag("certainty", certainty)
        model, scores, blocked = cls._fit(
            frame,
            descriptor,
            n_patterns,
            stride=stride,
            mask=mask,
            **options,
        )
        mask, grid = check_mask(mask, frame.shape), Grid.over(frame.shape, model.stride)
        how = {"upsample": upsample, "certainty": certainty}
        if scores is None or model.descriptor != descriptor:
            how["blocked"] = blocked
            return _with_pixels(model, model._predict(frame, mask, grid, **how))
        labels = np.empty(grid.shape, model.label_dtype)
        with one_thread:
            # Tile by tile as `predict` does: products of matrices round differently
            # with the place of a column.
            for tile in tile_slices(grid, len(descriptor.operations)):
                labels[tile] = model._nearest(scores[tile])
        part = whole(grid, frame.shape)
        return model, model._upsampled(labels, frame, mask, grid, part, **how)

    @classmethod
    def _fit(
        cls,
        frame,
        descriptor,
        n_patterns,
        *,
        stride,
        mask,
        period=None,
        pixel_size=None,
        units=("", ""),
        **options,
    ):
        """Model, scores that label the whole grid, and the frame in blocks, or None."""
        check_frame(frame)
        mask = check_mask(mask, frame.shape)
        n_patterns, options = check_arguments(
            descriptor, n_patterns, period=period, **options
        )
        period = options.pop("period")
        pixel_size, units = check_pixels(pixel_size, units)
        descriptor.check_frame(frame.shape)
        if period is not None and period > min(frame.shape):
            raise ValueError(
                "period must be at most the shorter side of the frame, "
                f"{min(frame.shape)} pixels, got {period:g}."
            )
        grid = Grid.over(frame.shape, stride)
        warn_of_values(frame, mask)
        options |= {"stride": grid.stride, "pixel_size": pixel_size, "units": units}
        if period is not None:

            def read(_, window):
                return frame[window], None if mask is None else mask[window]

            frames = Frames(read, 1, frame.shape, period)
            options["period"] = period
            views, options["one_pattern"] = views_of(frames)
            model = cls.from_views(views, descriptor, n_patterns, **options)
            in_one = sum(map(len, model.parts(grid, frame.shape))) == 1
            return model, None, frames.blocked(0) if in_one else None
        scored, sample = sampled_grid(grid, len(descriptor.operations))
        scores = compute_scores(descriptor, frame, scored, mask, counted=FITTING)
        model = cls.from_scores(scores[sample], descriptor, n_patterns, **options)
        return model, scores if scored == grid else None, None

    @classmethod
    def from_scores(
        cls,
        scores,
        descriptor,
        n_patterns=2,
        *,
        stride=5,
        n_components=5,
        n_operations=None,
        random_state=0,
        pixel_size=None,
        units=("", ""),
    ):
        """Fit a model to scores, such as those of several frames.

        Parameters
        ----------
        scores : (..., operations) array
            As from `Descriptor.compute`. Pixels that miss some (NaN) are not fitted
            on. Some 10,000 pixels are enough.
        descriptor : Descriptor
            What the scores are.
        n_patterns : int
        stride, n_components, n_operations, random_state, pixel_size, units
            As in `fit`.

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            As from `fit`.
        """
        fit, n_patterns, n_operations = cls._fits(
            descriptor,
            n_patterns,
            stride=stride,
            n_components=n_components,
            n_operations=n_operations,
            random_state=random_state,
            pixel_size=pixel_size,
            units=units,
        )
        scores = complete_scores(as_array("scores", scores), descriptor)
        return fit(scores, n_patterns)._best_operations(n_operations, scores)

    @classmethod
    @with_workers
    def from_views(
        cls,
        views,
        descriptor,
        n_patterns=2,
        *,
        period,
        stride=5,
        n_operations=None,
        one_pattern=None,
        **options,
    ):
        """Fit a model with templates to windows of some frames.

        Parameters
        ----------
        views : list of View
            As from `hyperspy_symseg.segmentation.views.views_of`.
        descriptor : Descriptor
            What is measured at a pixel.
        one_pattern : Templates, optional
            For one pattern, as from the same: a second one may be where these fit
            worst. They are learnt if there are none.
        n_patterns, period, stride, n_operations, **options
            As in `fit`.

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            As from `fit`.
        """
        options |= {"stride": stride, "n_operations": n_operations}
        fit, n_patterns, n_operations = cls._fits(
            descriptor, n_patterns, period=period, **options
        )
        stride = pixel_pair("stride", stride, least=1)
        how = period, one_pattern
        fitted = TemplateFit(fit, descriptor, stride, views, *how)
        with one_thread:
            model = fitted.model(n_patterns)
        return model._best_operations(n_operations, fitted.sample)

    @classmethod
    def _fits(
        cls,
        descriptor,
        n_patterns,
        *,
        stride=5,
        n_components=5,
        n_operations=None,
        period=None,
        random_state=0,
        pixel_size=None,
        units=("", ""),
    ):
        """Check arguments; give the function that fits a model to scores.

        It takes scores and a number of patterns. Beside it, those of patterns and of
        operations that were asked for are given.
        """
        n_patterns, options = check_arguments(
            descriptor,
            n_patterns,
            n_components=n_components,
            n_operations=n_operations,
            period=period,
            random_state=random_state,
        )
        scikit_learn()
        n_components, random_state = options["n_components"], options["random_state"]
        if random_state is None:
            random_state = int(np.random.default_rng().integers(2**31))
        stride = pixel_pair("stride", stride, least=1)
        pixel_size, units = check_pixels(pixel_size, units)

        def fit(scores, n_patterns):
            return cls(
                descriptor,
                stride,
                random_state=random_state,
                pixel_size=pixel_size,
                units=units,
                **cluster_scores(
                    scores,
                    descriptor.members,
                    n_patterns,
                    n_components,
                    random_state,
                ),
            )

        return fit, n_patterns, options["n_operations"]

    def _best_operations(self, n_operations, scores):
        """Model with so many operations, chosen by scores; all if it is None."""
        if n_operations is None:
            return self
        return self._select(
            n_operations, lambda _, places: score_covariance(scores[:, places])
        )


def _with_pixels(model, labels):
    """Model of the patterns that labels have, and the labels; in place."""
    found = labels["label"] if labels.dtype.names else labels
    kept = np.array([(found == label).any() for label in range(model.n_patterns)])
    if model.templates is None or not kept.any():
        return model, labels
    if not kept.all():
        labelled = found >= 0
        found[labelled] = (np.cumsum(kept) - 1)[found[labelled]]
    return with_patterns(model, kept), labels
