# SPDX-License-Identifier: GPL-3.0-or-later
"""The model: principal components of the scores, and clusters among them."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.descriptors import (
    Descriptor,
    Grid,
    compute_scores,
    describe,
    make_descriptor,
    map_tiles,
)
from hyperspy_symseg.descriptors.base import (
    check_frame,
    check_mask,
    warn_of_outliers,
)

from .clustering import (
    check_arguments,
    cluster_scores,
    sample_slices,
    scores_can_be_kept,
)
from .projection import project_scores
from .upsampling import complete_labels


@dataclass(frozen=True, eq=False)
class SymmetryModel:
    """What tells the patterns of a frame apart, fitted once and applied to any frame.

    The scores of a pixel are projected on their principal components; the pixel gets
    the label of the nearest centre. Where scores are missing, the projection is the
    least-squares fit to those that the pixel has.

    A model is a value: it can be compared, pickled and stored, and the same pattern
    has the same label in every frame of the same pixel size.

    Attributes
    ----------
    descriptor : Descriptor
        What is measured at a pixel.
    stride : (int, int)
        Distance between the pixels labelled, along (y, x), in pixels.
    mean : (operations,) numpy.ndarray of float64
        Mean score of every operation.
    components : (components, operations) numpy.ndarray of float64
        Principal components of the scores.
    explained_variance_ratio : (components,) numpy.ndarray of float64
        Fraction of the variance that each component explains.
    centres : (patterns, components) numpy.ndarray of float64
        Where the patterns lie among the principal components, in the order of their
        labels: the pattern with the fewest pixels in `counts` first.
    counts : (patterns,) numpy.ndarray of int64
        Number of pixels of each pattern that the model was fitted on.
    random_state : int
        Seed of the clustering.
    pixel_size : (float, float) or None
        Size of the pixels fitted on, along (y, x); None if not known.
    units : (str, str)
        Units of `pixel_size`.

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the operations of the descriptor.
    """

    descriptor: Descriptor
    stride: tuple[int, int]
    mean: np.ndarray
    components: np.ndarray
    explained_variance_ratio: np.ndarray
    centres: np.ndarray
    counts: np.ndarray
    random_state: int
    pixel_size: tuple[float, float] | None = None
    units: tuple[str, str] = ("", "")

    def __post_init__(self):
        """Check that the arrays fit each other, and make them constant."""
        for name in ("mean", "components", "explained_variance_ratio", "centres"):
            _set_constant(self, name, np.float64)
        _set_constant(self, "counts", np.int64)
        n_operations = len(self.descriptor.operations)
        n_components, n_patterns = len(self.components), len(self.centres)
        expected = {
            "mean": (n_operations,),
            "components": (n_components, n_operations),
            "explained_variance_ratio": (n_components,),
            "centres": (n_patterns, n_components),
            "counts": (n_patterns,),
        }
        for name, shape in expected.items():
            if getattr(self, name).shape != shape:
                raise ValueError(
                    f"{name} of the model has shape {getattr(self, name).shape}: "
                    f"allowed is {shape} for {n_operations} operations, "
                    f"{n_components} components and {n_patterns} patterns."
                )

    @classmethod
    def fit(
        cls,
        frame,
        descriptor,
        n_patterns=2,
        *,
        stride=5,
        n_components=5,
        mask=None,
        random_state=0,
        pixel_size=None,
        units=("", ""),
        num_workers=None,
        progress=None,
    ):
        """Fit a model to a frame.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
            Pixels that are not finite are left out.
        descriptor : Descriptor
            What is measured at a pixel.
        n_patterns : int
            Number of patterns.
        stride : int or (int, int)
            Distance between the pixels labelled, along (y, x), in pixels. The fit
            takes at most 20,000 of them, spread evenly.
        n_components : int or float
            Number of principal components (never more than operations), or the
            fraction of the variance that they explain.
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        random_state : int or None
            Seed of the clustering; None draws one.
        pixel_size, units
            As the attributes.
        num_workers : int, optional
            Number of threads; by default one a processor.
        progress : callable, optional
            As in `map_tiles`.

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
        >>> y, x = np.mgrid[:60, :80]
        >>> frame = np.where(x < 30, np.cos(y), np.cos(x))
        >>> descriptor = TranslationSymmetry(patch=5, window=4)
        >>> model = SymmetryModel.fit(frame, descriptor)
        >>> model.predict(frame)[30, [10, 70]]
        array([0, 1], dtype=int8)
        """
        model, _ = cls._fit(
            np.asarray(frame),
            descriptor,
            n_patterns,
            stride=stride,
            n_components=n_components,
            mask=mask,
            random_state=random_state,
            pixel_size=pixel_size,
            units=units,
            num_workers=num_workers,
            progress=progress,
        )
        return model

    @classmethod
    def fit_predict(
        cls,
        frame,
        descriptor,
        n_patterns=2,
        *,
        mask=None,
        upsample=True,
        num_workers=None,
        progress=None,
        **options,
    ):
        """Fit a model to a frame and label its pixels.

        The same as `fit` and `predict`, but scores that can be kept in 64 MB are
        computed once only.

        Parameters
        ----------
        frame, descriptor, n_patterns, mask, num_workers, progress, **options
            As in `fit`.
        upsample : bool
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
        frame = np.asarray(frame)
        threads = {"num_workers": num_workers, "progress": progress}
        model, scores = cls._fit(
            frame, descriptor, n_patterns, mask=mask, **threads, **options
        )
        if scores is None:
            return model, model.predict(frame, mask, upsample=upsample, **threads)
        grid = Grid.over(frame.shape, model.stride)
        labels = model._nearest(scores)
        return model, complete_labels(labels, grid, frame, mask, upsample)

    @classmethod
    def _fit(
        cls,
        frame,
        descriptor,
        n_patterns,
        *,
        stride=5,
        n_components=5,
        mask=None,
        random_state=0,
        pixel_size=None,
        units=("", ""),
        num_workers=None,
        progress=None,
    ):
        """Model, and the scores of the whole grid if they can be kept, or else None."""
        check_frame(frame)
        mask = check_mask(mask, frame.shape)
        if random_state is None:
            random_state = int(np.random.default_rng().integers(2**31))
        check_arguments(n_patterns, n_components, random_state)
        descriptor.check_frame(frame.shape)
        grid = Grid.over(frame.shape, stride)
        warn_of_outliers(frame, mask)
        n_operations = len(descriptor.operations)
        sample = sample_slices(grid, n_operations)
        keep = scores_can_be_kept(grid, n_operations)
        scores = compute_scores(
            descriptor,
            frame,
            grid if keep else grid.part(*sample),
            mask,
            num_workers=num_workers,
            progress=progress,
        )
        sampled = (scores[sample] if keep else scores).reshape(-1, n_operations)
        sampled = sampled[~np.isnan(sampled).any(axis=1)].astype(np.float64)
        if not len(sampled):
            raise ValueError(
                f"frame: no pixel has the scores of all {n_operations} operations of "
                f"{descriptor}: allowed are a patch and shifts that fit into what is "
                "valid of the frame."
            )
        parts = cluster_scores(sampled, n_patterns, n_components, int(random_state))
        model = cls(
            descriptor, grid.stride, *parts, int(random_state), pixel_size, tuple(units)
        )
        return model, scores if keep else None

    def predict(
        self,
        frame,
        mask=None,
        *,
        stride=None,
        upsample=True,
        num_workers=None,
        progress=None,
    ):
        """Label the pixels of a frame.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
            A frame of the same pixel size as the one fitted on.
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        stride : int or (int, int), optional
            Distance between the pixels labelled; by default that of the model.
        upsample : bool
            Whether to give every pixel the label of the nearest one labelled.
            Otherwise only the pixels labelled are returned.
        num_workers, progress
            As in `fit`.

        Returns
        -------
        (rows, columns) or (grid rows, grid columns) numpy.ndarray of int8
            int16 for more than 127 patterns. -1 where the pixel is masked or not
            finite, or has no score.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.
        """
        frame = np.asarray(frame)
        check_frame(frame)
        mask = check_mask(mask, frame.shape)
        self.descriptor.check_frame(frame.shape)
        grid = Grid.over(frame.shape, self.stride if stride is None else stride)
        warn_of_outliers(frame, mask)
        labels = np.empty(grid.shape, self.label_dtype)

        def label(rows, columns, tile):
            scores = self.descriptor.compute(frame, tile, mask)
            labels[rows, columns] = self._nearest(scores)

        map_tiles(label, self.descriptor, grid, num_workers, progress)
        return complete_labels(labels, grid, frame, mask, upsample)

    @property
    def n_patterns(self):
        """Number of patterns."""
        return len(self.centres)

    @property
    def label_dtype(self):
        """Dtype of the labels."""
        return np.dtype(np.int8 if self.n_patterns <= 127 else np.int16)

    def project(self, scores):
        """Principal components of scores.

        Parameters
        ----------
        scores : (..., operations) numpy.ndarray
            NaN where a score is missing.

        Returns
        -------
        (..., components) numpy.ndarray
            NaN for a pixel without any score. Same dtype as the scores.
        """
        return project_scores(scores, self.mean, self.components)

    def _nearest(self, scores):
        """Labels of scores (..., operations)."""
        projected = self.project(scores)
        centres = self.centres.astype(scores.dtype)
        # The square of the distance, less that of the pixel from the origin.
        distance = (centres**2).sum(axis=1) - 2 * projected @ centres.T
        labels = distance.argmin(axis=-1).astype(self.label_dtype)
        labels[np.isnan(projected[..., 0])] = -1
        return labels

    def __eq__(self, other):
        """Whether all attributes are equal."""
        if not isinstance(other, SymmetryModel):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)
        )

    __hash__ = None

    def to_dict(self):
        """Dictionary of arrays, numbers and strings, from which `from_dict` rebuilds.

        Returns
        -------
        dict
        """
        values = {
            field.name: getattr(self, field.name)
            for field in dataclasses.fields(self)
            if getattr(self, field.name) is not None
        }
        name, parameters = describe(self.descriptor)
        given = {key: value for key, value in parameters.items() if value is not None}
        return values | {"descriptor": {"name": name, **given}}

    @classmethod
    def from_dict(cls, values):
        """Rebuild a model from what `to_dict` returned.

        Parameters
        ----------
        values : dict

        Returns
        -------
        SymmetryModel

        Raises
        ------
        TypeError, ValueError
            If something is missing or does not fit.
        """
        values = dict(values)
        values["descriptor"] = make_descriptor(**values["descriptor"])
        # Arrays of a file read lazily are lazy too.
        for name, value in values.items():
            if name in ("stride", "pixel_size", "units"):
                values[name] = tuple(np.asarray(value).tolist())
            elif name not in ("descriptor", "random_state"):
                values[name] = np.asarray(value)
        values["random_state"] = int(values["random_state"])
        return cls(**values)


def _set_constant(model, name, dtype):
    array = np.array(getattr(model, name), dtype=dtype)
    array.flags.writeable = False
    object.__setattr__(model, name, array)
