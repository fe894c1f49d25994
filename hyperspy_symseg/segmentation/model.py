# SPDX-License-Identifier: GPL-3.0-or-later
"""The model: patterns among the scores and, with templates, what they look like."""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike

from hyperspy_symseg.descriptors import Descriptor, describe
from hyperspy_symseg.frames import Grid, Tile
from hyperspy_symseg.frames.checks import (
    as_array,
    check_array,
    check_flag,
    check_whole,
    pixel_pair,
    shown,
    warn_of_values,
)
from hyperspy_symseg.frames.cut import cut_into_tiles
from hyperspy_symseg.frames.threads import with_workers
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.model import equal_fields
from hyperspy_symseg.templates.pattern_template import PatternTemplate
from hyperspy_symseg.templates.training_crops import TrainingCrop

from .clustering import LARGEST_SEED
from .examples import checked_examples
from .fit import fit_crops, fit_frame, fit_scores
from .fit_options import FitOptions, check_names, check_pixels, check_refusals
from .predict import Prediction, checked_frame, label_frame
from .sampling import sample_scores
from .score_model import ScoreModel
from .selection import keep_patterns
from .stored import FORMAT, stored_attributes


def _of_scores(name):
    """Attribute of the score model, which is the model's own too: property."""
    own = getattr(ScoreModel, name, None)

    def read(model):
        return getattr(model.score_model, name)

    # Those that have none are described with the class.
    read.__doc__ = own and own.__doc__
    return property(read)


def _with_examples(examples, shape, options):
    """Labels of examples of such a shape, or None; options with their number."""
    if examples is not None:
        examples = checked_examples(examples, shape, options.n_patterns)
        return examples, replace(options, n_patterns=int(examples.max()) + 1)
    if options.names is not None:
        raise ValueError(
            f"names must be None without examples, got {shown(options.names)}."
        )
    return None, options


@dataclass(frozen=True, eq=False)
class SymmetryModel:
    """What tells the patterns of a frame apart, fitted once and applied to any frame.

    The scores of a pixel are projected on their principal components; the pixel gets
    the label of the nearest centre. The scores of several descriptors are weighted
    first, so that the first principal component of each has a variance of 1 (see
    `hyperspy_symseg.segmentation.clustering.member_weights`). Where scores are missing,
    the projection is the least-squares fit to those that the pixel has.

    A model is a value: it can be compared, pickled and stored, and the same pattern
    has the same label in every frame of the same pixel size.

    With templates, these labels are where learning begins: those of a frame are found
    by what each pattern looks like (see `hyperspy_symseg.templates`).

    Attributes
    ----------
    score_model : ScoreModel
        What the scores tell of the patterns: it has all arrays of these, which are
        attributes of this model, too.
    descriptor : Descriptor
        What is measured at a pixel.
    stride : (int, int)
        Distance between the pixels labelled, along (y, x), in pixels.
    mean : (operations,) numpy.ndarray of float64
        Mean score of every operation.
    weights : (operations,) numpy.ndarray of float64
        What the scores less their means are multiplied by: 1 if fitted on a single
        descriptor.
    components : (components, operations) numpy.ndarray of float64
        Principal components of the weighted scores.
    explained_variance_ratio : (components,) numpy.ndarray of float64
        Fraction of the variance that each component explains.
    centres : (patterns, components) numpy.ndarray of float64
        Where the patterns lie among the principal components, in the order of their
        labels: the pattern with the fewest pixels in `counts` first; of examples, that
        of the examples.
    counts : (patterns,) numpy.ndarray of int64
        Number of pixels of each pattern that the model was fitted on. With templates,
        in the shares that the patterns have in the frames, up to rounding.
    class_means, class_variances : (patterns, operations) numpy.ndarray of float64
        Mean and variance of the scores of each pattern.
    random_state : int
        Seed of the clustering.
    pixel_size : (float, float) or None
        Size of the pixels fitted on, along (y, x); None if not known.
    units : (str, str)
        Units of `pixel_size`.
    covariance : (operations, operations) numpy.ndarray of float64 or None
        Of the scores fitted on; None for more than 400 operations.
    templates : Templates or None
        What the patterns look like; None for the labels of the scores alone.
    costs : (numbers,) numpy.ndarray of float64 or None
        Cost of 1 pattern, 2 and so on, in nats, if their number was found: that with
        the lowest of those that are not refused, where a pattern more has to be worth
        10 nats. Infinite with a pattern too small. See
        `hyperspy_symseg.templates.evidence.gain`.
    refusals : tuple of str or None
        Why each of these numbers does not count, of
        `hyperspy_symseg.templates.refusals.REFUSALS`; empty for those that do. Also of
        those, up to 8, that were not tried. None if there are no costs, or if the model
        was fitted before it had these.
    names : tuple of str or None
        Of the patterns, if they were learnt from examples with names.

    Raises
    ------
    TypeError, ValueError
        If the arrays do not fit each other or the operations of the descriptor, or
        hold numbers that no fit gives.
    """

    score_model: ScoreModel
    stride: tuple[int, int]
    random_state: int
    pixel_size: tuple[float, float] | None = None
    units: tuple[str, str] = ("", "")
    templates: Templates | None = None
    costs: np.ndarray | None = None
    names: tuple[str, ...] | None = None
    refusals: tuple[str, ...] | None = None

    descriptor = _of_scores("descriptor")
    mean = _of_scores("mean")
    weights = _of_scores("weights")
    components = _of_scores("components")
    explained_variance_ratio = _of_scores("explained_variance_ratio")
    centres = _of_scores("centres")
    counts = _of_scores("counts")
    class_means = _of_scores("class_means")
    class_variances = _of_scores("class_variances")
    covariance = _of_scores("covariance")
    n_patterns = _of_scores("n_patterns")
    label_dtype = _of_scores("label_dtype")
    separability = _of_scores("separability")
    variances = _of_scores("variances")
    component_variances = _of_scores("component_variances")
    component_separability = _of_scores("component_separability")
    variance_spectrum = _of_scores("variance_spectrum")
    project = _of_scores("project")

    __eq__ = equal_fields
    __hash__ = None

    def __post_init__(self):
        """Check all attributes, and make the arrays constant."""
        pixel_size, units = check_pixels(self.pixel_size, self.units)
        checked = {
            "stride": pixel_pair("stride", self.stride, least=1),
            "random_state": check_whole(
                "random_state", self.random_state, 0, LARGEST_SEED
            ),
            "pixel_size": pixel_size,
            "units": units,
            "names": check_names(self.names, self.n_patterns),
        }
        templates = self.templates
        if self.costs is not None:
            # A number of patterns that cannot be has an infinite cost.
            how = (None,), -1e300, np.inf, np.float64
            checked["costs"] = check_array("costs of the model", self.costs, *how)
        checked["refusals"] = check_refusals(self.refusals, checked.get("costs"))
        if templates is not None and not isinstance(templates, Templates):
            raise TypeError(
                f"templates of the model must be Templates or None, got {templates!r}."
            )
        if templates is not None and templates.n_patterns != self.n_patterns:
            raise ValueError(
                "n_patterns of templates must be that of the model, "
                f"{self.n_patterns}, got {templates.n_patterns}."
            )
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    def __repr__(self):
        """One line: what it is of, but no values."""
        names, _ = describe(self.descriptor)
        words = [
            f"{self.n_patterns} patterns",
            names if isinstance(names, str) else " + ".join(names),
            f"{len(self.mean)} operations",
            f"{len(self.components)} components",
        ]
        if self.templates is not None:
            words.append(self.templates.summary)
        return f"<SymmetryModel: {', '.join(words)}>"

    @classmethod
    @with_workers
    def fit(
        cls,
        frame: ArrayLike,
        descriptor: Descriptor,
        n_patterns: int | Literal["auto"] = "auto",
        *,
        mask: ArrayLike | None = None,
        examples: ArrayLike | None = None,
        **options: Any,
    ) -> Self:
        """Fit a model to a frame.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
            Pixels that are not finite are left out.
        descriptor : Descriptor
            What is measured at a pixel.
        n_patterns : int or "auto"
            Number of patterns. "auto": that with the lowest cost (`costs`), where each
            pattern more has to be worth 10 nats; 1 if no period is found, and 2 if none
            is looked for, which is logged. With `examples`, as many as these.
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        examples : (rows, columns) array of int, optional
            Patterns that are known: labels 0, 1 and so on, and -1 where it is not
            known. Each pattern is then learnt from its example, and has its
            label; patterns are not ordered by size.
        stride : int, (int, int) or "auto", optional
            Distance between the pixels scored, along (y, x), in pixels. "auto", as by
            default: what suits the period that is found, and 5 if none is looked for.
            The fit takes at most 20,000 of them, spread evenly; with a period at most
            6,000, over those crops that templates are learnt from.
        n_components : int or float, optional
            Number of principal components (5 by default, never more than operations),
            or the fraction of the variance that they explain.
        n_operations : int, optional
            Keep so many operations, those that separate the patterns best: see
            `select`.
        period : float, "auto" or None, optional
            Lattice period in pixels; "auto", as by default: that which is found in the
            frame. With it, templates of the patterns are learnt, which refine the
            labels; without (None, or none is found), the labels are those of the scores
            alone.
        random_state : int or None, optional
            Seed of the clustering, 0 by default; None draws one.
        pixel_size, units : optional
            As the attributes.
        names : sequence of str, optional
            Of the patterns, in the order of the labels of examples.

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, if no pixel has all its scores, if there
            are fewer distinct descriptors than patterns, or if an example has fewer
            than 16 squares of a period.

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
        options = FitOptions(descriptor, n_patterns, **options)
        frame, mask = checked_frame(descriptor, frame, mask)
        examples, options = _with_examples(examples, frame.shape, options)
        return cls._of(fit_frame(frame, mask, options, examples), options)

    @classmethod
    def _of(cls, fit, options):
        """Model of what is fitted with some options."""
        return cls(
            fit.score_model,
            fit.stride,
            options.random_state,
            options.pixel_size,
            options.units,
            fit.templates,
            fit.costs,
            options.names,
            fit.refusals,
        )

    @classmethod
    @with_workers
    def fit_predict(
        cls,
        frame: ArrayLike,
        descriptor: Descriptor,
        n_patterns: int | Literal["auto"] = "auto",
        *,
        mask: ArrayLike | None = None,
        upsample: bool = True,
        certainty: bool = False,
        **options: Any,
    ) -> tuple[Self, np.ndarray]:
        """Fit a model to a frame and label its pixels.

        The same as `fit` and `predict`, but if labels are those of the scores alone,
        scores that can be kept in 64 MB are computed once only.

        Parameters
        ----------
        frame, descriptor, n_patterns, mask, examples, **options
            As in `fit`.
        upsample : bool
            As in `predict`.
        certainty : bool
            Whether labels come with their probability.

        Returns
        -------
        model : SymmetryModel
            Of those patterns that have pixels; with examples, of all.
        labels : numpy.ndarray
            As from `predict`. With the certainty, a structured array: ``label``, and
            ``certainty`` of float32, which is NaN where the label is -1, or if there
            are no templates.

        Raises
        ------
        TypeError, ValueError
            As from `fit`.
        """
        examples = options.pop("examples", None)
        options = FitOptions(descriptor, n_patterns, **options)
        upsample = check_flag("upsample", upsample)
        certainty = check_flag("certainty", certainty)
        frame, mask = checked_frame(descriptor, frame, mask)
        examples, options = _with_examples(examples, frame.shape, options)
        fit = fit_frame(frame, mask, options, examples)
        model = cls._of(fit, options)
        grid = Grid.over(frame.shape, model.stride)
        scores = fit.scores if model.descriptor == descriptor else None
        prediction = Prediction(
            model, grid, upsample, certainty, scores, fit.normalized
        )
        labels = prediction.of_frame(frame, mask)
        if examples is not None:
            return model, labels
        return model._with_patterns_of(labels), labels

    def _with_patterns_of(self, labels):
        """Model of the patterns that labels have; these are renumbered in place."""
        found = labels["label"] if labels.dtype.names else labels
        kept = np.array([(found == label).any() for label in range(self.n_patterns)])
        if self.templates is None or kept.all() or not kept.any():
            return self
        labelled = found >= 0
        found[labelled] = (np.cumsum(kept) - 1)[found[labelled]]
        score_model, templates = keep_patterns(self.score_model, self.templates, kept)
        return replace(self, score_model=score_model, templates=templates)

    @classmethod
    def from_scores(
        cls,
        scores: ArrayLike,
        descriptor: Descriptor,
        n_patterns: int | Literal["auto"] = "auto",
        *,
        labels: ArrayLike | None = None,
        stride: int | tuple[int, int] = 5,
        **options: Any,
    ) -> Self:
        """Fit a model to scores, such as those of several frames.

        Parameters
        ----------
        scores : (..., operations) array
            As from `Descriptor.compute`. Pixels that miss some (NaN) are not fitted
            on. Some 10,000 pixels are enough.
        descriptor : Descriptor
            What the scores are.
        n_patterns : int or "auto"
            "auto" is 2, or as many as there are examples: scores alone do not tell.
        labels : (...) array of int, optional
            Of these pixels, as the examples in `fit`.
        stride, **options
            As in `fit`, but for `period`: there are no templates.

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            As from `fit`.
        """
        options = FitOptions(descriptor, n_patterns, stride, period=None, **options)
        scores = as_array("scores", scores)
        labels, options = _with_examples(labels, scores.shape[:-1], options)
        return cls._of(fit_scores(scores, options, labels), options)

    @classmethod
    @with_workers
    def from_crops(
        cls,
        crops: Sequence[TrainingCrop],
        descriptor: Descriptor,
        n_patterns: int | Literal["auto"] = "auto",
        *,
        period: float | None,
        stride: int | tuple[int, int] = 5,
        one_pattern: Templates | None = None,
        **options: Any,
    ) -> Self:
        """Fit a model with templates to crops of some frames.

        Parameters
        ----------
        crops : list of TrainingCrop
            As from `hyperspy_symseg.templates.training_crops.training_crops`; with
            examples, or without.
        descriptor : Descriptor
            What is measured at a pixel.
        one_pattern : Templates, optional
            For one pattern, as from the same: a second one may be where these fit
            worst. They are learnt if there are none.
        n_patterns, period, stride, **options
            As in `fit`.

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            As from `fit`.
        """
        options = FitOptions(descriptor, n_patterns, stride, period=period, **options)
        return cls._of(fit_crops(crops, one_pattern, options), options)

    @with_workers
    def predict(
        self,
        frame: ArrayLike,
        mask: ArrayLike | None = None,
        *,
        stride: int | tuple[int, int] | None = None,
        upsample: bool = True,
    ) -> np.ndarray:
        """Label the pixels of a frame.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
            A frame of the same pixel size as the one fitted on.
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        stride : int or (int, int), optional
            Distance between the pixels scored; by default that of the model.
        upsample : bool
            Whether to give every pixel a label: if there are templates, its own, and
            else that of the nearest pixel scored. Otherwise only the labels of the
            pixels scored are returned.

        Returns
        -------
        (rows, columns) or (grid rows, grid columns) numpy.ndarray of int8
            int16 for more than 127 patterns. -1 where the pixel is masked or not
            finite or, without templates, has no score.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.
        """
        upsample = check_flag("upsample", upsample)
        return label_frame(self, frame, mask, stride, upsample=upsample)

    @with_workers
    def predict_proba(
        self,
        frame: ArrayLike,
        mask: ArrayLike | None = None,
        *,
        stride: int | tuple[int, int] | None = None,
        upsample: bool = True,
    ) -> np.ndarray:
        """Probability of every pattern at the pixels of a frame.

        Parameters
        ----------
        frame, mask, stride, upsample
            As in `predict`.

        Returns
        -------
        (rows, columns, patterns) or (grid rows, grid columns, patterns) numpy.ndarray
            Of float32. The most probable pattern is that of the label. NaN where the
            label is -1.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, or the model has no templates.

        Examples
        --------
        >>> from hyperspy_symseg.descriptors import TranslationSymmetry
        >>> from hyperspy_symseg.segmentation import SymmetryModel
        >>> y, x = np.mgrid[:60, :80]
        >>> frame = np.where(x < 30, np.cos(y), np.cos(x))
        >>> descriptor = TranslationSymmetry(patch=5, window=4)
        >>> model = SymmetryModel.fit(frame, descriptor, period=6.3)
        >>> model.predict_proba(frame)[30, 70].round(2)
        array([0., 1.], dtype=float32)
        """
        upsample = check_flag("upsample", upsample)
        if self.templates is None:
            raise ValueError(
                "model must have templates for probabilities, got one without."
            )
        frame, mask = checked_frame(self.descriptor, frame, mask)
        grid = Grid.over(frame.shape, self.stride if stride is None else stride)
        warn_of_values(frame, mask)
        return Prediction(self, grid, upsample, True).probabilities(frame, mask)

    def result_dtype(self, certainty: bool) -> np.dtype:
        """Dtype of what `predict` returns: numpy.dtype."""
        if not certainty:
            return self.label_dtype
        return np.dtype([("label", self.label_dtype), ("certainty", np.float32)])

    def label_step(
        self, stride: tuple[int, int], upsample: bool = True
    ) -> tuple[int, int]:
        """Distance of the labels that are not copies of each other: (int, int).

        Parameters
        ----------
        stride : (int, int)
            Distance of the pixels scored.
        upsample : bool
        """
        if self.templates is None or not upsample:
            return stride
        return 1, 1

    @property
    def patterns(self) -> tuple[PatternTemplate, ...]:
        """What each pattern looks like: tuple of PatternTemplate.

        Raises
        ------
        ValueError
            If the model has no templates.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> crystal = simulate.Lattice.square(13, orientation=5)
        >>> s, truth = simulate.micrograph(crystal, (128, 128))
        >>> [pattern] = s.segment_symmetry(1, show_progressbar=False).model.patterns
        >>> pattern.kind, round(pattern.angle)
        ('crystal', 90)
        """
        if self.templates is None:
            raise ValueError(
                "model must have templates to show its patterns, got one without."
            )
        names = self.names or (None,) * self.n_patterns
        return tuple(
            PatternTemplate.of(self.templates, pattern, name)
            for pattern, name in enumerate(names)
        )

    @property
    def margin(self) -> int:
        """Pixels around a tile of a frame that its labels depend on: int."""
        return 0 if self.templates is None else self.templates.margin

    def tiles(
        self,
        grid: Grid,
        shape: tuple[int, int],
        tile_shape: tuple[int, int] | None = None,
    ) -> list[list[Tile]]:
        """Tiles that a frame is labelled in.

        Parameters
        ----------
        grid : Grid
            The pixels scored.
        shape : (int, int)
            Rows and columns of the frame.
        tile_shape : (int, int), optional
            Rows and columns of a tile, at most; those of `LARGEST_TILE` by default.

        Returns
        -------
        list of list of Tile
        """
        return cut_into_tiles(
            self.descriptor, grid, shape, tile_shape, margin=self.margin
        )

    def predict_tile(
        self,
        frame: np.ndarray | Tile,
        mask: np.ndarray | Tile | None,
        grid: Grid,
        tile: Tile,
        *,
        upsample: bool = True,
        certainty: bool = False,
    ) -> np.ndarray:
        """Label the pixels of a tile of a frame, as `predict` labels them.

        Parameters
        ----------
        frame : (rows, columns) numpy.ndarray of any real dtype, or Tile
        mask : (rows, columns) numpy.ndarray of bool, Tile or None
        grid : Grid
            The pixels of the whole frame that are scored.
        tile : Tile
            One of `tiles`.
        upsample, certainty
            As in `predict`.

        Returns
        -------
        (tile rows, tile columns) numpy.ndarray
            As from `predict`.
        """
        return Prediction(self, grid, upsample, certainty).of_tile(frame, mask, tile)

    @with_workers
    def sample(
        self, frame: ArrayLike, mask: ArrayLike | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Descriptors of a frame in PCA space, and their labels: a sample of them.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.

        Returns
        -------
        projected : (pixels, components) numpy.ndarray of float64
            At most 20,000 pixels, spread evenly, that miss no score.
        labels : (pixels,) numpy.ndarray of int8
            int16 for more than 127 patterns.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.
        """
        scores = sample_scores(self, frame, mask, self.descriptor)
        return self.project(scores), self.score_model.nearest(scores)

    @with_workers
    def select(
        self, n: int, frame: ArrayLike | None = None, mask: ArrayLike | None = None
    ) -> Self:
        """Smaller, faster model with the operations that separate best.

        Of two operations that carry the same information inside a crystal, such as a
        shift and its opposite, the second is taken only if no others are left. The
        patterns, and so their labels, are those of this model; the clustering is not
        done again.

        Parameters
        ----------
        n : int
            Number of operations, from 1 to those of the model.
        frame : (rows, columns) array of any real dtype, optional
            A frame with these patterns: models with more than 400 operations do not
            keep the covariance of the scores, and take it from this.
        mask : (rows, columns) array of bool, optional
            True where a pixel of the frame is left out.

        Returns
        -------
        SymmetryModel
            With as many components as this one, if there are operations enough.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, or the frame is missing.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> model = s.segment_symmetry(2, show_progressbar=False).model
        >>> model.select(8).descriptor.translations[-1]
        (10, 0)
        """
        n = check_whole("n", n, 1, len(self.mean))
        if self.covariance is None and frame is None:
            raise ValueError(
                f"frame must be given to select some of the {len(self.mean)} "
                "operations of the model, got None."
            )

        def scores(descriptor, _):
            return sample_scores(self, frame, mask, descriptor)

        selected = self.score_model.select(n, None if frame is None else scores)
        return replace(self, score_model=selected)

    def without_covariance(self) -> Self:
        """Model that is smaller by the covariance, which labels do not need.

        Returns
        -------
        SymmetryModel
        """
        return replace(self, score_model=replace(self.score_model, covariance=None))

    def to_dict(self) -> dict[str, Any]:
        """Dictionary of arrays, numbers and strings, from which `from_dict` rebuilds.

        Returns
        -------
        dict
        """
        values = {
            field.name: getattr(each, field.name)
            for each in (self.score_model, self)
            for field in fields(each)
            if getattr(each, field.name) is not None
        }
        del values["score_model"]
        name, parameters = describe(self.descriptor)
        values["format"] = FORMAT
        values["descriptor"] = {"name": name, **parameters}
        if self.templates is not None:
            values["templates"] = self.templates.to_dict()
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild a model from what `to_dict` returned.

        Parameters
        ----------
        values : dict
            Such as read from a file: nothing in it is trusted, and arrays may be lazy.
            Without ``format``, it is read as one of format 1.

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            If something is missing, unknown or not what it has to be, or the format is
            that of a later version.
        """
        own, of_scores = stored_attributes(values, cls, ScoreModel)
        return cls(ScoreModel(**of_scores), **own)
