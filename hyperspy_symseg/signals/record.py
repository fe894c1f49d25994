# SPDX-License-Identifier: GPL-3.0-or-later
"""What labels know of how they were made: read from their metadata, and checked."""

import contextlib

from hyperspy_symseg.frames.checks import (
    as_array,
    check_flag,
    check_whole,
    pixel_pair,
    shown,
)
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.segmentation.clustering import MOST_LABELS
from hyperspy_symseg.segmentation.stored import check_format, in_memory
from hyperspy_symseg.version import package_version

from .metadata import MODEL, stored_model

BRANCH = "Symmetry_segmentation"
# Characters of a version that are shown.
LONGEST_VERSION = 30


class Record:
    """The branch of the metadata that `Signal2D.segment_symmetry` has written.

    It may come from a file, and nothing in it is trusted: each part is checked when it
    is asked for. Errors name the part, and the version that has written it.

    Parameters
    ----------
    metadata : DictionaryTreeBrowser
        Of the labels.

    Raises
    ------
    TypeError, ValueError
        If it has a format that is not known.
    """

    def __init__(self, metadata):
        self._model = stored_model(metadata)
        values = metadata.get_item(BRANCH)
        self._values = {} if values is None else values.as_dictionary()
        with self._written_by():
            check_format(f"metadata.{BRANCH}", self._values.get("format", 1))

    @contextlib.contextmanager
    def _written_by(self):
        """Let errors say which version has written the labels."""
        try:
            yield
        except (TypeError, ValueError) as error:
            version = str(self._values.get("version", "an unknown version"))
            raise type(error)(
                f"{error} These labels were written by hyperspy-symseg "
                f"{version[:LONGEST_VERSION]}; this is {package_version()}."
            ) from error

    def get(self, name, default=None):
        """What is recorded by a name, in memory; the default if there is nothing.

        Raises
        ------
        TypeError, ValueError
            If it is an array too large, or of objects.
        """
        if name not in self._values:
            return default
        with self._written_by():
            return in_memory(f"metadata.{BRANCH}.{name}", self._values[name], depth=1)

    @property
    def parameters(self):
        """All that is recorded but the model, in memory: dict."""
        return {name: self.get(name) for name in self._values if name != MODEL}

    def _checked(self, name, check, *how):
        """What is recorded by a name, after a check that is called with the name."""
        value = self.get(name)
        with self._written_by():
            return check(f"metadata.{BRANCH}.{name}", value, *how)

    @property
    def model(self):
        """The fitted `SymmetryModel`; AttributeError if there is none."""
        if self._model is None:
            raise AttributeError(
                "labels must be made by segment_symmetry, and not changed since, to "
                "have a model, got others."
            )
        with self._written_by():
            return SymmetryModel.from_dict(self._model)

    @property
    def n_patterns(self):
        """Number of patterns: int."""
        return self._checked("n_patterns", check_whole, 1, MOST_LABELS)

    @property
    def stride(self):
        """Distance of the pixels scored: (int, int)."""
        return self._checked("stride", pixel_pair, 1)

    @property
    def upsample(self):
        """Whether labels of a grid were given to every pixel: bool."""
        if self.get("upsample") is None:
            return False
        return self._checked("upsample", check_flag)

    @property
    def label_step(self):
        """Distance of the labels that are not copies of each other: (int, int)."""
        if self.get("label_step") is None:
            return self.stride
        return self._checked("label_step", pixel_pair, 1)

    @property
    def mask(self):
        """What tells the mask from others: str, empty if there was none."""
        return self._checked("mask", _check_text)

    def fit_on(self, shape):
        """Places of the frames that were fitted on, in the order of the array.

        Parameters
        ----------
        shape : tuple of int
            Of the navigation axes, in the same order.

        Returns
        -------
        list of tuple of int, or None
            None if it is not recorded.
        """
        if self.get("fit_on") is None:
            return None
        return self._checked("fit_on", _check_places, shape)


def _check_text(name, value):
    if not isinstance(value, str):
        raise TypeError(f"{name} must be text, got {shown(value)}.")
    return value


def _check_places(name, value, shape):
    """Places in the order of the array, from those in the order of `inav`."""
    places = as_array(name, value)
    if (
        places.ndim != 2
        or places.shape[1] != len(shape)
        or places.dtype.kind not in "iu"
    ):
        raise ValueError(
            f"{name} must be indices (frames, {len(shape)}), got the shape "
            f"{places.shape} and the dtype {places.dtype}."
        )
    places = places[:, ::-1]
    if not len(places) or (places < 0).any() or (places >= shape).any():
        raise ValueError(f"{name} must be of frames of the series, got another.")
    return [tuple(map(int, place)) for place in places]
