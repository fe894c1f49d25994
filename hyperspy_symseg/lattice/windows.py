# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of a lattice that only a small area of a frame has."""

import itertools
import math
from dataclasses import replace

import numpy as np

from hyperspy_symseg.frames.valid import valid_pixels

from .cell import span_a_plane
from .spectrum import FALSE_ALARMS, find_reflections, mean_spectrum, power_of

# Sides of windows, as fractions of the shorter side of a frame. They overlap by half.
SIDES = 1 / 2, 1 / 4
# Side of a window in pixels, at least: smaller ones have too few frequencies.
SMALLEST_WINDOW = 96
# Frames that are looked at one by one, too, at most: crops of a large one show other
# places, frames of a series the same.
ONE_BY_ONE = 4
# False alarms of all windows, beside those of the whole frame.
RARER = 0.1
# Bins from both axes that fringes have, at least: lines of a scan are on one.
OFF_AXES = 1
# Share of the pixels of a window that are valid, at least.
LEAST_VALID = 0.5


def windows(shape):
    """Windows that overlap by half, of two sizes.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of a frame.

    Returns
    -------
    list of (slice, slice)

    Examples
    --------
    >>> for rows, columns in windows((200, 220)):
    ...     print(rows, columns)
    slice(0, 100, None) slice(0, 100, None)
    slice(0, 100, None) slice(40, 140, None)
    slice(0, 100, None) slice(80, 180, None)
    slice(0, 100, None) slice(120, 220, None)
    slice(50, 150, None) slice(0, 100, None)
    slice(50, 150, None) slice(40, 140, None)
    slice(50, 150, None) slice(80, 180, None)
    slice(50, 150, None) slice(120, 220, None)
    slice(100, 200, None) slice(0, 100, None)
    slice(100, 200, None) slice(40, 140, None)
    slice(100, 200, None) slice(80, 180, None)
    slice(100, 200, None) slice(120, 220, None)
    """
    found = []
    for fraction in SIDES:
        side = int(fraction * min(shape))
        if side >= SMALLEST_WINDOW:
            starts = [
                np.linspace(0, n - side, -(-2 * (n - side) // side) + 1) for n in shape
            ]
            along = [[slice(int(i), int(i) + side) for i in each] for each in starts]
            found.extend(itertools.product(*along))
    return found


def find_in_windows(frames):
    """Reflections of that window whose lattice is the clearest.

    Parameters
    ----------
    frames : list of (frame, mask)
        As for `power_spectrum`.

    Returns
    -------
    (Spectrum, Reflections) or None
        None if no window has reflections that span a plane, or fringes: a single one,
        not along an axis, that noise has as rarely as these.
    """
    places = windows(frames[0][0].shape)
    n_single = len(frames) if len(frames) <= ONE_BY_ONE else 0
    n_spectra = len(places) * (n_single + (len(frames) > 1))
    # The chance of two in one spectrum or more is half the square of the number of one.
    single = RARER * FALSE_ALARMS / max(1, n_spectra)
    false_alarms = math.sqrt(2 * single)
    found, best = None, (False, 0.0)
    for rows, columns in places:
        size = rows.stop - rows.start, columns.stop - columns.start
        powers = [_power(*each, (rows, columns)) for each in frames]
        powers = [power for power in powers if power is not None]
        sums = [(power, 1) for power in powers[:n_single]]
        if len(frames) > 1 and powers:
            sums.append((sum(powers), len(powers)))
        for total, n_averaged in sums:
            spectrum = mean_spectrum(total, n_averaged, size, false_alarms)
            reflections = find_reflections(spectrum, is_small=True)
            evidence = reflections.ratios.sum() * n_averaged
            is_plane = span_a_plane(*reflections[:2])
            is_clear = is_plane or _are_fringes(spectrum, reflections, single)
            if is_clear and (is_plane, evidence) > best:
                found, best = (spectrum, reflections), (is_plane, evidence)
    return found


def _are_fringes(spectrum, reflections, false_alarms):
    """Whether a reflection is seldom noise, and none of lines along an axis: bool."""
    least = replace(spectrum, false_alarms=false_alarms).threshold
    off_axes = np.abs(reflections.frequencies) * spectrum.shape > OFF_AXES
    return bool((off_axes.all(axis=1) & (reflections.ratios > least)).any())


def _power(frame, mask, window):
    """Power of a window of a frame; None for few valid pixels, or no contrast."""
    values, mask = frame[window], None if mask is None else mask[window]
    valid = valid_pixels(values, mask)
    if valid is not None and valid.mean() < LEAST_VALID:
        return None
    return power_of(values, mask)
