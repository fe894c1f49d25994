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
from hyperspy_symseg.descriptors.checks import (
    check_frame,
    check_mask,
    check_whole,
    warn_of_outliers,
)

from .clustering import check_arguments, cluster_scores, score_covariance
from .projection import project_scores
from .sampling import complete_scores, sample_slices, scores_can_be_kept
from .separability import (
    best_operations,
    fisher_separability,
    largest_components,
    restrict,
    variances,
)
from .upsampling import complete_labels


@dataclass(frozen=True, eq=False)
class SymmetryModel:
    """What tells the patterns of a frame apart, fitted once and applied to any frame.

    The scores of a pixel are projected on their principal components; the pixel gets
    the label of the nearest centre. The scores of several descriptors are weighted
    first, so that the first principal component of each has a variance of 1 (see
    `hyperspy_symseg.segmentation.clustering.block_weights`). Where scores are missing,
    the projection is the least-squares fit to those that the pixel has.

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
    weights : (operations,) numpy.ndarray of float64
        What the scores less their means are multiplied by: 1 if fitted on a single
        descriptor.
    components : (components, operations) numpy.ndarray of float64
        Principal components of the weighted scores.
    explained_variance_ratio : (components,) numpy.ndarray of float64
        Fraction of the variance that each component explains.
    centres : (patterns, components) numpy.ndarray of float64
        Where the patterns lie among the principal components, in the order of their
        labels: the pattern with the fewest pixels in `counts` first.
    counts : (patterns,) numpy.ndarray of int64
        Number of pixels of each pattern that the model was fitted on.
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

    Raises
    ------
    ValueError
        If the arrays do not fit each other or the operations of the descriptor.
    """

    descriptor: Descriptor
    stride: tuple[int, int]
    mean: np.ndarray
    weights: np.ndarray
    components: np.ndarray
    explained_variance_ratio: np.ndarray
    centres: np.ndarray
    counts: np.ndarray
    class_means: np.ndarray
    class_variances: np.ndarray
    random_state: int
    pixel_size: tuple[float, float] | None = None
    units: tuple[str, str] = ("", "")
    covariance: np.ndarray | None = None

    def __post_init__(self):
        """Check that the arrays fit each other, and make them constant."""
        n_operations = len(self.descriptor.operations)
        n_components, n_patterns = len(self.components), len(self.centres)
        expected = {
            "mean": (n_operations,),
            "weights": (n_operations,),
            "components": (n_components, n_operations),
            "explained_variance_ratio": (n_components,),
            "centres": (n_patterns, n_components),
            "counts": (n_patterns,),
            "class_means": (n_patterns, n_operations),
            "class_variances": (n_patterns, n_operations),
            "covariance": (n_operations, n_operations),
        }
        if self.covariance is None:
            del expected["covariance"]
        for name, shape in expected.items():
            _set_constant(self, name, np.int64 if name == "counts" else np.float64)
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
        sampled = complete_scores(scores[sample] if keep else scores, descriptor)
        random_state = int(random_state)
        parts = cluster_scores(
            sampled, descriptor.blocks, n_patterns, n_components, random_state
        )
        model = cls(
            descriptor,
            grid.stride,
            random_state=random_state,
            pixel_size=pixel_size,
            units=tuple(units),
            **parts,
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

    def _sample_scores(self, frame, descriptor, mask, num_workers):
        """Scores as for a fit: (pixels, operations), of pixels that miss none."""
        frame = np.asarray(frame)
        grid = Grid.over(frame.shape, self.stride)
        sample = grid.part(*sample_slices(grid, len(descriptor.operations)))
        scores = compute_scores(
            descriptor, frame, sample, mask, num_workers=num_workers
        )
        return complete_scores(scores, descriptor)

    def sample(self, frame, mask=None, *, num_workers=None):
        """Descriptors of a frame in PCA space, and their labels: a sample of them.

        Parameters
        ----------
        frame : (rows, columns) array of any real dtype
        mask : (rows, columns) array of bool, optional
            True where a pixel is left out.
        num_workers : int, optional
            Number of threads; by default one a processor.

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
        scores = self._sample_scores(frame, self.descriptor, mask, num_workers)
        return self.project(scores), self._nearest(scores)

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
        return project_scores(scores, self.mean, self.weights, self.components)

    def _nearest(self, scores):
        """Labels of scores (..., operations)."""
        projected = self.project(scores)
        centres = self.centres.astype(scores.dtype)
        # The square of the distance, less that of the pixel from the origin.
        distance = (centres**2).sum(axis=1) - 2 * projected @ centres.T
        labels = distance.argmin(axis=-1).astype(self.label_dtype)
        labels[np.isnan(projected[..., 0])] = -1
        return labels

    @property
    def separability(self):
        """How well every operation tells the patterns apart.

        Fisher's separability (Wang et al., Microsc. Microanal. 27 (2021) 1454, eq. 4):
        the variance of the scores between the patterns over that within them.

        Returns
        -------
        (operations,) numpy.ndarray of float64
            0 where both variances are rounding noise, as for the zero shift.
        """
        scale = max(1.0, np.abs(self.mean).max())
        return fisher_separability(*self._variances, scale)

    @property
    def variances(self):
        """Variance of the scores of every operation: (operations,) numpy.ndarray."""
        return sum(self._variances)

    @property
    def _variances(self):
        return variances(self.counts, self.class_means, self.class_variances)

    @property
    def component_variances(self):
        """Variance of every principal component: (components,) numpy.ndarray."""
        return self.explained_variance_ratio * (self.variances * self.weights**2).sum()

    @property
    def component_separability(self):
        """Fisher's separability of every component: (components,) numpy.ndarray."""
        between, _ = variances(self.counts, self.centres, np.zeros_like(self.centres))
        within = np.maximum(self.component_variances - between, 0)
        return fisher_separability(between, within)

    @property
    def variance_spectrum(self):
        """Fraction of the variance that principal components explain.

        Returns
        -------
        numpy.ndarray of float64
            Of all components; of those in use for more than 400 operations.
        """
        if self.covariance is None:
            return self.explained_variance_ratio
        weighted = self.covariance * np.outer(self.weights, self.weights)
        return largest_components(weighted, len(weighted))[1]

    def select(self, n, frame=None, mask=None, *, num_workers=None):
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
        num_workers : int, optional
            Number of threads; by default one a processor.

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
        >>> model = s.segment_symmetry(show_progressbar=False).model
        >>> model.select(8).descriptor.translations[-1]
        (15, 10)
        """
        check_whole("n", n, 1, len(self.mean))
        if self.covariance is None and frame is None:
            raise ValueError(
                f"frame=None: a model of {len(self.mean)} operations needs a frame to "
                "select some of them."
            )
        places = best_operations(self.separability, self.descriptor.opposites, n)
        descriptor = self.descriptor.subset(places)
        if frame is None:
            covariance = self.covariance[np.ix_(places, places)]
        else:
            scores = self._sample_scores(frame, descriptor, mask, num_workers)
            covariance = score_covariance(scores)
        return restrict(self, descriptor, places, covariance)

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
        return values | {"descriptor": {"name": name, **parameters}}

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
        descriptor = dict(values["descriptor"])
        if not isinstance(descriptor["name"], str):
            descriptor["name"] = np.asarray(descriptor["name"]).tolist()
        values["descriptor"] = make_descriptor(**descriptor)
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
