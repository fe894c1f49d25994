# SPDX-License-Identifier: GPL-3.0-or-later
"""What the metadata of results say: taken over, recorded, and read again."""

import contextlib

import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_symseg.descriptors import describe
from hyperspy_symseg.frames.checks import (
    as_array,
    check_flag,
    check_whole,
    pixel_pair,
    shown,
)
from hyperspy_symseg.version import package_version

BRANCH = "Symmetry_segmentation"
# What was done to labels by hand, one change after the other.
CHANGES = "Changes_by_hand"
# Regions that patterns were learnt from.
EXAMPLES = "Pattern_examples"
# Characters of a version that are shown.
LONGEST_VERSION = 30

# Where the model is, in the metadata of labels: HyperSpy saves what begins with an
# underscore, but does not show it.
MODEL = "_model"


def result_metadata(signal, quantity=None, signal_type="", **own):
    """Metadata of a signal and what a result has of its own, to make a signal with.

    Markers and the navigator stay behind: they belong to the plot of their signal.

    Parameters
    ----------
    signal : BaseSignal
    quantity : str, optional
        What the values of the result are.
    signal_type : str
        Of the result.
    **own : dict
        Other first branches of the metadata that the result has of its own.

    Returns
    -------
    dict
        The arguments `metadata` and `original_metadata` of a new signal.
    """
    metadata = signal.metadata.as_dictionary()
    for branch in ("Markers", "_HyperSpy", "Signal"):
        metadata.pop(branch, None)
    metadata = _in_memory(metadata)
    metadata["Signal"] = {"signal_type": signal_type}
    if quantity is not None:
        metadata["Signal"]["quantity"] = quantity
    return {
        "metadata": metadata | own,
        "original_metadata": _in_memory(signal.original_metadata.as_dictionary()),
    }


def channels_metadata(signal, noise, **own):
    """Metadata of sums of a signal, as its class is kept, to make a signal with.

    Parameters
    ----------
    signal : BaseSignal
    noise : dict
        What is known of the noise of the sums.
    **own : dict
        As of `result_metadata`.

    Returns
    -------
    dict
        The arguments `metadata` and `original_metadata` of a new signal.
    """
    # The variance may be as large as the signal, and is not copied.
    branch = signal.metadata.as_dictionary().get("Signal", {})
    branch = {key: each for key, each in branch.items() if key != "Noise_properties"}
    branch = _in_memory(branch)
    if noise:
        branch["Noise_properties"] = noise
    return result_metadata(signal, Signal=branch, **own)


def read_metadata(signal):
    """Read what is lazy in the metadata of a signal, as in files read lazily.

    HyperSpy would show a progress bar for each of these arrays when it saves them,
    whatever ``show_progressbar`` says.

    Parameters
    ----------
    signal : BaseSignal
    """
    for tree in (signal.metadata, signal.original_metadata):
        tree.add_dictionary(_in_memory(tree.as_dictionary()))


def descriptor_record(descriptor, grid, mask):
    """What the metadata say of any result, in types that files can hold.

    Parameters
    ----------
    descriptor : Descriptor
    grid : Grid
    mask : numpy.ndarray or None

    Returns
    -------
    dict
    """
    name, parameters = describe(descriptor)
    return {
        "version": package_version(),
        "descriptor": name,
        **parameters,
        "stride": grid.stride,
        "masked": mask is not None,
    }


def stored_model(metadata):
    """The model in the metadata of labels, as `SymmetryModel.to_dict` gives it.

    Parameters
    ----------
    metadata : DictionaryTreeBrowser

    Returns
    -------
    dict or None
        None if there is none.
    """
    for _, model in _stored_models(metadata):
        return model.as_dictionary()
    return None


def forget_labels(metadata):
    """Make metadata those of a plain signal, which say how the labels were made.

    Parameters
    ----------
    metadata : DictionaryTreeBrowser
    """
    metadata.Signal.signal_type = ""
    if metadata.get_item("Signal.quantity") == "Pattern":
        del metadata.Signal.quantity
    # Should it be made labels again, they are not those of the model.
    for name, _ in list(_stored_models(metadata)):
        delattr(metadata.Symmetry_segmentation, name)
    if metadata.has_item(CHANGES):
        delattr(metadata, CHANGES)


def has_record(metadata):
    """Whether number and names of patterns are those in the metadata: bool.

    They are not if the labels are those of another program, or of other values.
    """
    return stored_model(metadata) is not None or metadata.has_item(CHANGES)


def changes_by_hand(metadata):
    """What was done to labels by hand, in this order.

    Parameters
    ----------
    metadata : DictionaryTreeBrowser

    Returns
    -------
    list of dict
        Either with the ``names`` of all patterns, or with ``numbers``, (n, 2), and what
        they become, and perhaps ``region`` and ``frames``.

    Raises
    ------
    TypeError
        If it is something else.
    """
    branch = metadata.get_item(CHANGES)
    if branch is None:
        return []
    if not hasattr(branch, "as_dictionary"):
        raise TypeError(
            f"metadata.{CHANGES} must be a dictionary, got {shown(branch)}."
        )
    branch = _in_memory(branch.as_dictionary())
    changes = [
        branch[name] for name in sorted(branch, key=lambda name: (len(name), name))
    ]
    for change in changes:
        if not isinstance(change, dict) or not {"names", "numbers"} & change.keys():
            raise TypeError(
                f"metadata.{CHANGES} must have the numbers or the names of patterns, "
                f"got {shown(change)}."
            )
    return changes


def record_change(metadata, change):
    """Record what was done to labels by hand, after what was done before.

    Parameters
    ----------
    metadata : DictionaryTreeBrowser
    change : dict
        As from `changes_by_hand`.
    """
    n = len(changes_by_hand(metadata))
    metadata.set_item(
        f"{CHANGES}.change_{n + 1}", {"version": package_version(), **change}
    )


def is_relabelled(metadata, original_metadata=None):
    """Whether the numbers of labels were changed by hand, also in one of a stack.

    Parameters
    ----------
    metadata, original_metadata : DictionaryTreeBrowser
        The latter has the elements of a stack.

    Returns
    -------
    bool
    """
    trees = [metadata]
    if original_metadata is not None:
        elements = original_metadata.get_item("stack_elements") or []
        trees += [element.metadata for _, element in elements]
    changes = (each for tree in trees for each in changes_by_hand(tree))
    return any("numbers" in change for change in changes)


def set_names(metadata, names):
    """Record the names of patterns where they are kept: of labels, model and table.

    Parameters
    ----------
    metadata : DictionaryTreeBrowser
    names : tuple of str
    """
    from hyperspy_symseg.symmetry_table import BRANCH as TABLE

    metadata.set_item(f"{BRANCH}.names", list(names))
    if not is_relabelled(metadata):
        # Its patterns are these.
        for _, model in _stored_models(metadata):
            model.set_item("names", list(names))
    if metadata.has_item(f"{TABLE}.names"):
        metadata.set_item(f"{TABLE}.names", list(names))


def of_same_model(metadata, other):
    """Whether labels are of one model, whatever its patterns are called: bool.

    Parameters
    ----------
    metadata, other : DictionaryTreeBrowser
    """
    first, second = (
        {
            key: each
            for key, each in (stored_model(tree) or {}).items()
            if key != "names"
        }
        for tree in (metadata, other)
    )
    return same_tree(first, second)


def make_plain(signal):
    """Make a signal that has other values than labels a plain one."""
    if (
        isinstance(signal, BaseSignal)
        and signal.metadata.get_item("Signal.signal_type") == "symmetry_labels"
    ):
        forget_labels(signal.metadata)
        signal._assign_subclass()


def _stored_models(metadata):
    """Names and trees of the models in metadata, one or none."""
    # Without the underscore in files of before the first release.
    for name in (MODEL, "model"):
        model = metadata.get_item(f"Symmetry_segmentation.{name}")
        if hasattr(model, "as_dictionary"):
            yield name, model


def why_not_refined(recorded):
    """Why templates did not refine labels, and what to do, from their metadata.

    Parameters
    ----------
    recorded : callable
        Gives what ``metadata.Symmetry_segmentation`` has of a name, or None.

    Returns
    -------
    str
    """
    refine, n_patterns = recorded("refine"), recorded("n_patterns")
    if refine is None:
        return "the model that they were made with has no templates"
    if not refine:
        if recorded("descriptor") == "rotation":
            return "rotations are refined with refine=True only"
        return "refine=False was given"
    if not recorded("period"):
        return "no lattice period was found (see plot_periods)"
    if n_patterns > 1:
        return (
            "templates found no lattice in the patterns, or could not tell the "
            f"{n_patterns} patterns apart; there may be "
            'one crystal only: n_patterns=1 or "auto"'
        )
    return "no template of the pattern was found"


def why_no_costs(recorded):
    """Why the number of patterns has no costs, from the metadata of labels.

    Parameters
    ----------
    recorded : callable
        As for `why_not_refined`.

    Returns
    -------
    str
    """
    if recorded("auto_n_patterns"):
        return why_not_refined(recorded)
    if recorded("auto_n_patterns") is None:
        return "the model that they were made with was fitted with a given number"
    if recorded("from_examples"):
        return "there are as many patterns as examples were given"
    # The one that was given may be larger than that of the patterns in the model.
    reason = 'n_patterns was given as a number, and it is found with n_patterns="auto"'
    if recorded("refine") and recorded("period") and not recorded("refined"):
        reason += "; " + why_not_refined(recorded)
    return reason


def are_of_several_models(original_metadata):
    """Whether a stack is of labels and others, or of labels of several models: bool.

    Parameters
    ----------
    original_metadata : DictionaryTreeBrowser
        Of the stack.
    """
    elements = original_metadata.get_item("stack_elements")
    if elements is None:
        return False
    elements = [element for _, element in elements]
    types = [each.metadata.get_item("Signal.signal_type") for each in elements]
    if "symmetry_labels" not in types:
        return False
    first, *others = (each.metadata for each in elements)
    changes = _numbers_changed(first)
    return len(set(types)) > 1 or not all(
        of_same_model(first, each) and same_tree(changes, _numbers_changed(each))
        for each in others
    )


def _numbers_changed(metadata):
    """Which numbers became which by hand, everywhere or in a region: list of list."""
    changes = [each for each in changes_by_hand(metadata) if "numbers" in each]
    return [
        np.asarray(each["numbers"]).tolist() for each in changes if "region" not in each
    ]


def same_tree(a, b):
    """Whether dictionaries and lists hold the same arrays, numbers and others."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_tree(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(same_tree, a, b))
    return np.array_equal(np.asarray(a), np.asarray(b))


def operations_record(descriptor):
    """The operations of a descriptor, in types that files can hold.

    Parameters
    ----------
    descriptor : Descriptor

    Returns
    -------
    numpy.ndarray, or dict of these
        Of several descriptors joined, by their names.
    """
    if len(descriptor.members) == 1:
        return descriptor.operations
    names, _ = describe(descriptor)
    operations = (each.operations for each in descriptor.descriptors)
    return dict(zip(names, operations, strict=True))


def _in_memory(tree):
    """Copy arrays, and read those that are lazy, as in files read lazily.

    A result needs no file and shares nothing with its source.
    """
    if isinstance(tree, dict):
        return {key: _in_memory(value) for key, value in tree.items()}
    # A dask array has this too, and is read by it.
    return np.array(tree) if hasattr(tree, "__array__") and np.ndim(tree) else tree


class Record:
    """The branch of the metadata that `Signal2D.segment_symmetry` has written.

    It may come from a file, and nothing in it is trusted: each value is checked when
    it is asked for. Errors name it, and the version that has written it.

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
        # Scores and files of labels do without all that a model takes.
        from hyperspy_symseg.segmentation.stored import check_format

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
        from hyperspy_symseg.segmentation.stored import in_memory

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
        from hyperspy_symseg.segmentation import SymmetryModel

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
        from hyperspy_symseg.segmentation.clustering import MOST_LABELS

        return self._checked("n_patterns", check_whole, 1, MOST_LABELS)

    @property
    def names(self):
        """Names of the patterns: tuple of str, or None."""
        from hyperspy_symseg.segmentation.fit_options import check_names

        if self.get("names") is None:
            return None
        names, n_patterns = self.get("names"), self.n_patterns
        with self._written_by():
            names = names.tolist() if isinstance(names, np.ndarray) else names
            return check_names(names, n_patterns, f"metadata.{BRANCH}.names")

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
