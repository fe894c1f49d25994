# SPDX-License-Identifier: GPL-3.0-or-later
"""What a fit is asked for, checked once."""

from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.descriptors import Descriptor
from hyperspy_symseg.frames.checks import (
    check_number,
    check_whole,
    is_auto,
    is_number,
    is_sequence,
    is_whole_number,
    pixel_pair,
    shown,
)
from hyperspy_symseg.templates.model import PERIODS
from hyperspy_symseg.templates.refusals import NOT_TRIED, REFUSALS, TOO_LITTLE

from .clustering import LARGEST_SEED, MOST_LABELS


@dataclass(frozen=True)
class FitOptions:
    """What `SymmetryModel.fit` is asked for, but for the frame.

    Parameters
    ----------
    descriptor, n_patterns, stride, n_components, n_operations, period, random_state, \
pixel_size, units, names
        As in `SymmetryModel.fit`. They become numbers of Python's own, and a seed that
        is None is drawn.

    Raises
    ------
    TypeError, ValueError
        If one is not allowed, whatever the frame.
    """

    descriptor: Descriptor
    n_patterns: int | str = "auto"
    stride: int | tuple[int, int] | str = "auto"
    n_components: int | float = 5
    n_operations: int | None = None
    period: float | str | None = "auto"
    random_state: int | None = 0
    pixel_size: tuple[float, float] | None = None
    units: tuple[str, str] = ("", "")
    names: tuple[str, ...] | None = None

    def __post_init__(self):
        """Check all of them."""
        if not isinstance(self.descriptor, Descriptor):
            raise TypeError(
                "descriptor must be an instance of a class in "
                f"hyperspy_symseg.descriptors, got {self.descriptor!r}."
            )
        n_patterns, period, seed = self.n_patterns, self.period, self.random_state
        if not isinstance(n_patterns, str):
            n_patterns = check_whole("n_patterns", n_patterns, 1, MOST_LABELS)
        elif n_patterns != "auto":
            raise ValueError(
                f'n_patterns must be an int or "auto", got {shown(n_patterns)}.'
            )
        if period is not None and not is_auto(period):
            period = check_number("period", period, *PERIODS)
        if seed is None:
            seed = int(np.random.default_rng().integers(2**31))
        n_operations = self.n_operations
        if n_operations is not None:
            most = len(self.descriptor.operations)
            n_operations = check_whole("n_operations", n_operations, 1, most)
        n_components = self.n_components
        rule = (
            "n_components must be an int of at least 1, or a fraction between 0 and 1"
        )
        if not is_number(n_components):
            raise TypeError(f"{rule}, got {shown(n_components)}.")
        whole = is_whole_number(n_components)
        if not (n_components >= 1 if whole else 0 < n_components < 1):
            raise ValueError(f"{rule}, got {shown(n_components)}.")
        pixel_size, units = check_pixels(self.pixel_size, self.units)
        checked = {
            "n_patterns": n_patterns,
            "period": period,
            "random_state": check_whole("random_state", seed, 0, LARGEST_SEED),
            "n_operations": n_operations,
            "n_components": int(n_components) if whole else float(n_components),
            "pixel_size": pixel_size,
            "units": units,
            "names": check_names(self.names, n_patterns),
        }
        if not is_auto(self.stride):
            checked["stride"] = pixel_pair("stride", self.stride, least=1)
        for name, value in checked.items():
            object.__setattr__(self, name, value)


def check_names(names, n_patterns, name="names"):
    """Names of patterns, as strings of Python's own.

    Parameters
    ----------
    names : sequence of str or None
    n_patterns : int or "auto"
        There may be any number of names with "auto".
    name : str
        The argument, for messages.

    Returns
    -------
    tuple of str or None

    Raises
    ------
    TypeError, ValueError
        If there are others than the patterns, one is empty or two are the same.
    """
    if names is None:
        return None
    if not is_sequence(names) or not all(isinstance(each, str) for each in names):
        raise TypeError(
            f"{name} must be a sequence of str or None, got {shown(names)}."
        )
    names = tuple(map(str, names))
    if not is_auto(n_patterns) and len(names) != n_patterns:
        raise ValueError(
            f"{name} must be as many as there are patterns, {n_patterns}, got "
            f"{len(names)}: {shown(names)}."
        )
    if len(set(names)) < len(names) or not all(each.strip() for each in names):
        raise ValueError(f"{name} must be different and not empty, got {shown(names)}.")
    return names


def check_refusals(refusals, costs):
    """Why numbers of patterns do not count, as strings of Python's own.

    Parameters
    ----------
    refusals : sequence of str or None
    costs : (numbers,) numpy.ndarray or None
        Of 1 pattern, 2 and so on.

    Returns
    -------
    tuple of str or None

    Raises
    ------
    TypeError, ValueError
        If a reason is not known, or they are not those of such costs.
    """
    if refusals is None:
        return None
    name = "refusals of the model"
    if not is_sequence(refusals) or not all(isinstance(each, str) for each in refusals):
        raise TypeError(
            f"{name} must be a sequence of str or None, got {shown(refusals)}."
        )
    refusals = tuple(map(str, refusals))
    if unknown := set(refusals) - {"", *REFUSALS}:
        raise ValueError(
            f"{name} must be reasons that this version knows, got "
            f"{shown(min(unknown))}."
        )
    n_tried = 0 if costs is None else len(costs)
    if not n_tried or len(refusals) < n_tried or refusals[0]:
        raise ValueError(
            f"{name} must be of 1 pattern, which is never refused, and so on, as many "
            f"as costs or more, got {len(refusals)} of {n_tried} costs."
        )
    for number, refusal in enumerate(refusals, 1):
        if (refusal == NOT_TRIED) != (number > n_tried):
            raise ValueError(
                f"{name} must be {NOT_TRIED!r} for numbers without costs alone, got "
                f"{refusal!r} for {number} of {n_tried}."
            )
        if refusal in ("", TOO_LITTLE) and not np.isfinite(costs[number - 1]):
            raise ValueError(
                f"{name} must say why the costs of {number} patterns are infinite, got "
                f"{refusal!r}."
            )
    return refusals


def check_pixels(pixel_size, units):
    """Size of pixels and its units, as numbers and strings of Python's own.

    Parameters
    ----------
    pixel_size : (float, float) or None
        Along (y, x); axes may run backwards.
    units : (str, str)

    Returns
    -------
    pixel_size : (float, float) or None
    units : (str, str)

    Raises
    ------
    TypeError, ValueError
        If they are something else.
    """
    if (
        not is_sequence(units)
        or len(units) != 2
        or not all(isinstance(each, str) for each in units)
    ):
        raise TypeError(f"units must be a pair of str (y, x), got {units!r}.")
    units = str(units[0]), str(units[1])
    if pixel_size is None:
        return None, units
    if not is_sequence(pixel_size) or len(pixel_size) != 2:
        raise TypeError(
            f"pixel_size must be a pair of float (y, x) or None, got {pixel_size!r}."
        )
    largest = np.finfo(float).max
    sizes = [check_number("pixel_size", each, -largest, largest) for each in pixel_size]
    if not all(sizes):
        raise ValueError(f"pixel_size must not be 0, got {pixel_size!r}.")
    return tuple(sizes), units
