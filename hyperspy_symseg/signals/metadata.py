# SPDX-License-Identifier: GPL-3.0-or-later
"""What results take over from the signal that they were made from."""

import numpy as np

from hyperspy_symseg.descriptors import describe
from hyperspy_symseg.version import package_version


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
    if len(descriptor.blocks) == 1:
        return descriptor.operations
    names, _ = describe(descriptor)
    parts = (part.operations for part in descriptor.descriptors)
    return dict(zip(names, parts, strict=True))


def _in_memory(tree):
    """Copy arrays, and read those that are lazy, as in files read lazily.

    A result needs no file and shares nothing with its source.
    """
    if isinstance(tree, dict):
        return {key: _in_memory(value) for key, value in tree.items()}
    # A dask array has this too, and is read by it.
    return np.array(tree) if hasattr(tree, "__array__") and np.ndim(tree) else tree
