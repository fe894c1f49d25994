# SPDX-License-Identifier: GPL-3.0-or-later
"""Models as files hold them: dictionaries, of which nothing is trusted.

Every number is checked before it sizes anything, and nothing is evaluated.
"""

import dataclasses
from collections.abc import Mapping

import numpy as np

from hyperspy_symseg.descriptors import make_descriptor
from hyperspy_symseg.descriptors.registry import descriptor_class, parameter_names
from hyperspy_symseg.frames.checks import MOST_OPERATIONS, check_whole
from hyperspy_symseg.templates import Templates

#: Of dictionaries of models, and of the metadata of labels. One without it is from
#: before there was one, and has the same fields.
FORMAT = 5
# Numbers of an array that is read into memory, at most.
MOST_NUMBERS = 2**25


def check_format(name, value):
    """Raise an error if something stored has a format that is not known.

    Parameters
    ----------
    name : str
        What is stored, for the message.
    value : int

    Raises
    ------
    TypeError, ValueError
        If it is another one, or no format.
    """
    found = in_memory(f"format of {name}", value)
    if check_whole(f"format of {name}", found, 1) > FORMAT:
        raise ValueError(
            f"format of {name} must be from 1 to {FORMAT}, those that this version can "
            f"read, got {found}."
        )


def in_memory(name, value, depth=0, most=MOST_NUMBERS):
    """Value with NumPy arrays and Python's own numbers.

    Parameters
    ----------
    name : str
        For messages.
    value : object
        Arrays of a file that is read lazily are lazy, too.
    depth : int
        How many dictionaries may be within each other.
    most : int
        Numbers in an array.

    Returns
    -------
    object

    Raises
    ------
    TypeError, ValueError
        If it is nested deeper, or an array is too large or of objects.
    """
    if isinstance(value, Mapping):
        if not depth:
            raise TypeError(f"{name} must not be a dictionary, got one.")
        return {
            check_name(name, key): in_memory(f"{key} of {name}", each, depth - 1, most)
            for key, each in value.items()
        }
    if not hasattr(value, "dtype"):
        return value
    if not np.prod(value.shape, dtype=float) <= most:
        raise ValueError(
            f"{name} must have at most {most} numbers, got the shape {value.shape}."
        )
    if value.dtype.kind not in "biufUT":
        raise TypeError(
            f"{name} must be numbers or text, got an array of the dtype {value.dtype}."
        )
    array = np.asarray(value)
    return array if array.ndim else array.item()


def check_name(name, key):
    """Name of a field of a dictionary: str."""
    if not isinstance(key, str):
        raise TypeError(f"{name} must have fields with names, got {key!r}.")
    return key


def stored_attributes(values, *kinds):
    """Attributes of a model, and of what it is made of, from what `to_dict` has made.

    Parameters
    ----------
    values : dict
    *kinds : type
        `SymmetryModel` and `ScoreModel`.

    Returns
    -------
    list of dict
        Those of each kind.

    Raises
    ------
    TypeError, ValueError
        If a field is missing, unknown, or not what it has to be; it is named.
    """
    values = dict(_mapping("model", values))
    check_format("the model", values.pop("format", FORMAT))
    known = [
        f for kind in kinds for f in dataclasses.fields(kind) if f.type not in kinds
    ]
    _check_fields("model", known, values)
    descriptor = _descriptor(values.pop("descriptor"))
    templates = values.pop("templates", None)
    values = {name: in_memory(name, value) for name, value in values.items()}
    for name in ("pixel_size", "units", "names"):
        if isinstance(values.get(name), np.ndarray):
            values[name] = values[name].tolist()
    if templates is not None:
        templates = in_memory("templates", _mapping("templates", templates), depth=1)
        _check_fields("templates", dataclasses.fields(Templates), templates)
        templates = Templates(**templates)
    values |= {"descriptor": descriptor, "templates": templates}
    return [
        {f.name: values[f.name] for f in dataclasses.fields(kind) if f.name in values}
        for kind in kinds
    ]


def _descriptor(values):
    """Descriptor from its name and parameters."""
    values = _mapping("descriptor", values)
    values = in_memory("descriptor", values, depth=2, most=2 * MOST_OPERATIONS)
    if "name" not in values:
        raise ValueError("descriptor of the model must have a name, got none.")
    name = values.pop("name")
    # Of several joined, as a list or an array.
    if not isinstance(name, str):
        name = np.ravel(name).tolist() if isinstance(name, np.ndarray) else name
        if not isinstance(name, list | tuple):
            raise TypeError(
                f"name of the descriptor must be text or a list of it, got {name!r}."
            )
    members = {name: values} if isinstance(name, str) else values
    for member, parameters in members.items():
        descriptor_class(member)
        parameters = _mapping(f"{member} of the descriptor", parameters)
        unknown = set(parameters) - set(parameter_names(member))
        if unknown:
            raise ValueError(_unknown(f"descriptor {member!r}", unknown))
    return make_descriptor(name, **values)


def _mapping(name, value):
    """Raise a TypeError if a value is no dictionary."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a dictionary, got {type(value).__name__}.")
    return value


def _check_fields(name, fields, values):
    """Check that all fields that dataclasses need are there, and no others."""
    unknown = set(values) - {field.name for field in fields}
    if unknown:
        raise ValueError(_unknown(name, unknown))
    needed = {f.name for f in fields if f.default is dataclasses.MISSING}
    if missing := sorted(needed - set(values)):
        raise ValueError(f"{name} must have the field {missing[0]}, which is missing.")


def _unknown(name, fields):
    """Message that names fields."""
    first = min(map(str, fields))
    return f"{name} must have fields that this version knows, got {first[:100]!r}."
