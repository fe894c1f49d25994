# SPDX-License-Identifier: GPL-3.0-or-later
"""What an earlier run was asked for, and whether it is asked for again."""

import numpy as np

from hyperspy_symseg.descriptors import describe
from hyperspy_symseg.descriptors.registry import descriptor_class, split
from hyperspy_symseg.signals.arguments import length_in_pixels, period_in_pixels
from hyperspy_symseg.signals.axes import frame_axes
from hyperspy_symseg.signals.metadata import MODEL
from hyperspy_symseg.signals.symmetry_labels import SymmetryLabels

LENGTHS = ("stride", "patch", "window", "radius")
# Those that change no label, or that the model stands for.
NOT_COMPARED = ("num_workers", "fit_on")


def earlier_labels(path):
    """Labels of an earlier run.

    Parameters
    ----------
    path : pathlib.Path

    Returns
    -------
    LazySymmetryLabels

    Raises
    ------
    ValueError
        If something else is there.
    """
    import hyperspy.api as hs

    try:
        labels = hs.load(path, lazy=True)
        if not isinstance(labels, SymmetryLabels):
            raise TypeError(f"it is a {type(labels).__name__}")
    except Exception as error:
        raise ValueError(
            f"{path} must be the labels of an earlier run with --resume, got another "
            "file. Use --overwrite to begin anew"
        ) from error
    return labels


def options_of(labels, options, signal):
    """Options of `segment_symmetry` that give the labels of an earlier run again.

    Parameters
    ----------
    labels : SymmetryLabels
        Of the earlier run.
    options : dict
        Those that are given now.
    signal : Signal2D

    Returns
    -------
    dict
        With the model of the labels.

    Raises
    ------
    ValueError
        If an option, or the shape of the signal, is another than that of the earlier
        run.
    """
    if labels.data.shape != signal.data.shape:
        raise ValueError(
            "frames must have the shape of the earlier run with --resume, "
            f"{labels.data.shape}, got {signal.data.shape}. Use --overwrite to begin "
            "anew"
        )
    model, stride = labels._record.model, labels._record.stride
    record = labels._record.parameters
    axes = frame_axes(signal)
    not_compared = {*NOT_COMPARED, *_replaced(model, record)}
    for name, value in options.items():
        if name in not_compared:
            continue
        own = _own(record, name)
        if name == "n_patterns" and record.get("auto_n_patterns"):
            own = "auto"
        if name == "period":
            own = "auto" if record.get("auto_period") else own
            value = period_in_pixels(value, axes, signal.data.shape[-2:])
        if name in LENGTHS:
            value = length_in_pixels(name, value, axes)
        if not _equal(value, own):
            # A descriptor has not all parameters.
            own = "none" if own is None else _plain(own)
            raise ValueError(
                f"{name} must be that of the earlier run with --resume, {own}, got "
                f"{_plain(value)}. Use --overwrite to begin anew"
            )
    again = {"model": model, "stride": stride}
    if "num_workers" in options:
        again["num_workers"] = options["num_workers"]
    return again


def _replaced(model, record):
    """Parameters that lists of operations, such as those selected, stand for."""
    return {
        parameter
        for descriptor in split(describe(model.descriptor)[0])
        for operations, replaced in descriptor_class(descriptor).lists.items()
        if _own(record, operations) is not None
        for parameter in replaced
    }


def _own(record, name):
    """What is recorded of a parameter; None if there is nothing."""
    if name in record:
        return record[name]
    for key, value in record.items():
        # Of a descriptor that is joined with others.
        if key != MODEL and isinstance(value, dict) and name in value:
            return value[name]
    return None


def _equal(value, own):
    """Whether a value, or one for both axes, is what is recorded; None is nothing."""
    value, own = np.ravel(value), np.ravel(own)
    return len(value) in (1, len(own)) and bool(np.all(value == own))


def _plain(value):
    """A value as it is written in Python: files have NumPy's instead."""
    value = np.asarray(value).tolist()
    return repr(tuple(value) if isinstance(value, list) else value)
