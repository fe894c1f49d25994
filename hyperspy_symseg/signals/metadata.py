# SPDX-License-Identifier: GPL-3.0-or-later
"""What results take over from the signal that they were made from."""

import numpy as np

from hyperspy_symseg.descriptors import describe
from hyperspy_symseg.version import package_version

# Where the model is, in the metadata of labels: HyperSpy saves what begins with an
# underscore, but does not show it.
MODEL = "_model"


def result_metadata(signal, **own):
    """Metadata of a signal and what a result has of its own, to make a signal with.

    Markers and the navigator stay behind: they belong to the plot of their signal.

    Parameters
    ----------
    signal : BaseSignal
    **own : dict
        First branches of the metadata that the result has of its own.

    Returns
    -------
    dict
        The arguments `metadata` and `original_metadata` of a new signal.
    """
    metadata = _in_memory(signal.metadata.as_dictionary())
    for branch in ("Markers", "_HyperSpy"):
        metadata.pop(branch, None)
    return {
        "metadata": metadata | own,
        "original_metadata": _in_memory(signal.original_metadata.as_dictionary()),
    }


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


def forget_model(metadata):
    """Take the model out of metadata, but not what they say of it.

    Parameters
    ----------
    metadata : DictionaryTreeBrowser
    """
    for name, _ in list(_stored_models(metadata)):
        delattr(metadata.Symmetry_segmentation, name)


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
    # The one that was given may be larger than that of the patterns in the model.
    reason = 'n_patterns was given as a number, and it is found with n_patterns="auto"'
    if recorded("refine") and recorded("period") and not recorded("refined"):
        reason += "; " + why_not_refined(recorded)
    return reason


def same_tree(a, b):
    """Whether two dictionaries hold the same arrays, numbers and strings."""
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same_tree(a[key], b[key]) for key in a)
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
