# SPDX-License-Identifier: GPL-3.0-or-later
"""The model: principal components of the scores, and clusters among them."""

import dataclasses
from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.descriptors import Descriptor, describe
from hyperspy_symseg.templates import Templates

from .clustering import largest_components
from .fitting import Fitting
from .labelling import Labelling
from .model_checks import checked_attributes
from .selection import Selection
from .separability import fisher_separability, variances
from .stored import FORMAT, stored_attributes


@dataclass(frozen=True, eq=False)
class SymmetryModel(Fitting, Labelling, Selection):
    """What tells the patterns of a frame apart, fitted once and applied to any frame.

    The scores of a pixel are projected on their principal components; the pixel gets
    the label of the nearest centre. The scores of several descriptors are weighted
    first, so that the first principal component of each has a variance of 1 (see
    `hyperspy_symseg.segmentation.clustering.block_weights`). Where scores are missing,
    the projection is the least-squares fit to those that the pixel has.

    A model is a value: it can be compared, pickled and stored, and the same pattern
    has the same label in every frame of the same pixel size.

    With templates, these labels are where learning begins: those of a frame are found
    by what each pattern looks like (see `hyperspy_symseg.templates`).

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
        the lowest, but for 10 nats that a pattern more has to be worth (see
        `hyperspy_symseg.templates.learning.Solution.cost`).

    Raises
    ------
    TypeError, ValueError
        If the arrays do not fit each other or the operations of the descriptor, or
        hold numbers that no fit gives.
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
    templates: Templates | None = None
    costs: np.ndarray | None = None

    def __post_init__(self):
        """Check all attributes, and make the arrays constant."""
        for name, value in checked_attributes(self).items():
            object.__setattr__(self, name, value)

    @property
    def n_patterns(self):
        """Number of patterns."""
        return len(self.centres)

    @property
    def label_dtype(self):
        """Dtype of the labels."""
        return np.dtype(np.int8 if self.n_patterns <= 127 else np.int16)

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

    def __eq__(self, other):
        """Whether all attributes are equal."""
        if not isinstance(other, SymmetryModel):
            return NotImplemented
        return all(
            np.array_equal(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)
        )

    __hash__ = None

    def __repr__(self):
        """One line: what it is of, but no values."""
        names, _ = describe(self.descriptor)
        parts = [
            f"{self.n_patterns} patterns",
            names if isinstance(names, str) else " + ".join(names),
            f"{len(self.mean)} operations",
            f"{len(self.components)} components",
        ]
        if self.templates is not None:
            parts.append(self.templates.summary)
        return f"<SymmetryModel: {', '.join(parts)}>"

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
        values["format"] = FORMAT
        values["descriptor"] = {"name": name, **parameters}
        if self.templates is not None:
            values["templates"] = self.templates.to_dict()
        return values

    @classmethod
    def from_dict(cls, values):
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
        return cls(**stored_attributes(cls, values))
