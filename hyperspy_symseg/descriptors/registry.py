# SPDX-License-Identifier: GPL-3.0-or-later
"""The descriptors by name."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

from hyperspy_symseg.frames.checks import shown

from .base import Descriptor
from .joined import JoinedDescriptors

#: Name of every descriptor, with its class in this package.
DESCRIPTORS = {
    "translation": "TranslationSymmetry",
    "rotation": "RotationSymmetry",
    "reflection": "ReflectionSymmetry",
    "glide_reflection": "GlideReflectionSymmetry",
    "power_spectrum": "PowerSpectrum",
}


def _error(kind, descriptor):
    return kind(
        f"descriptor must be {', '.join(map(repr, DESCRIPTORS))}, an instance of a "
        "descriptor, or a list of these, each of another kind, got "
        f"{shown(descriptor)}."
    )


def descriptor_class(name):
    """Class of a descriptor.

    Parameters
    ----------
    name : str
        A key of `DESCRIPTORS`.

    Returns
    -------
    type

    Raises
    ------
    ValueError
        If there is no such descriptor.
    """
    if not isinstance(name, str) or name not in DESCRIPTORS:
        raise _error(ValueError, name)
    # Imported when it is first wanted.
    return getattr(sys.modules[__package__], DESCRIPTORS[name])


def parameter_names(name):
    """Names of a descriptor's parameters.

    Parameters
    ----------
    name : str
        A key of `DESCRIPTORS`.

    Returns
    -------
    list of str

    Raises
    ------
    ValueError
        If there is no such descriptor.
    """
    return [field.name for field in dataclasses.fields(descriptor_class(name))]


def split(descriptor):
    """The members of a descriptor, of which most have one.

    Parameters
    ----------
    descriptor : str, Descriptor or list of these
        A list stands for the descriptors joined.

    Returns
    -------
    list of str or Descriptor

    Raises
    ------
    ValueError
        If the list is empty, or names a descriptor twice.
    TypeError
        If it is none of these.
    """
    if isinstance(descriptor, JoinedDescriptors):
        return list(descriptor.descriptors)
    if isinstance(descriptor, str | Descriptor):
        return [descriptor]
    if not isinstance(descriptor, list | tuple):
        raise _error(TypeError, descriptor)
    members = [member for each in descriptor for member in split(each)]
    names = [each if isinstance(each, str) else describe(each)[0] for each in members]
    if not members or len(set(names)) < len(names):
        raise _error(ValueError, descriptor)
    return members


def join(members):
    """One descriptor of one member or several.

    Parameters
    ----------
    members : list of Descriptor

    Returns
    -------
    Descriptor
    """
    return members[0] if len(members) == 1 else JoinedDescriptors(members)


def make_descriptor(name: str | list[str], **parameters: Any) -> Descriptor:
    """Descriptor from its name and its parameters in pixels.

    Parameters
    ----------
    name : str or list of str
        "translation", "rotation", "reflection", "glide_reflection" or
        "power_spectrum". Of a list, the descriptors are joined.
    **parameters
        Parameters of its class; for a list, a dictionary of these for each name.

    Returns
    -------
    Descriptor

    Raises
    ------
    TypeError, ValueError
        If there is no such descriptor, or a parameter is not allowed.

    Examples
    --------
    >>> make_descriptor("translation", patch=10).patch
    (10, 10)
    >>> make_descriptor(["translation", "rotation"], rotation={"radius": 9}).members
    (81, 40)
    """
    if isinstance(name, str):
        return descriptor_class(name)(**parameters)
    names = split(name)
    unknown = set(parameters) - set(names)
    if unknown:
        raise TypeError(
            f"parameters must be for {', '.join(names)}, got some for "
            f"{', '.join(sorted(unknown))}."
        )
    return join([descriptor_class(n)(**parameters.get(n, {})) for n in names])


def describe(descriptor: Descriptor) -> tuple[str | list[str], dict[str, Any]]:
    """Name and parameters of a descriptor: what `make_descriptor` takes.

    Parameters
    ----------
    descriptor : Descriptor

    Returns
    -------
    name : str or list of str
    parameters : dict
        Those that are None are left out.

    Raises
    ------
    TypeError
        If it is none of the descriptors of this package.

    Examples
    --------
    >>> name, parameters = describe(make_descriptor("rotation", radius=9))
    >>> name, parameters["radius"], parameters["folds"]
    ('rotation', 9, (2, 3, 4, 6))
    """
    if isinstance(descriptor, JoinedDescriptors):
        parameters = dict(map(describe, descriptor.descriptors))
        return list(parameters), parameters
    for name, attribute in DESCRIPTORS.items():
        if type(descriptor).__name__ == attribute:
            fields = dataclasses.asdict(descriptor).items()
            return name, {key: value for key, value in fields if value is not None}
    raise _error(TypeError, descriptor)
