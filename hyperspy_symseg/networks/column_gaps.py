# SPDX-License-Identifier: GPL-3.0-or-later
"""What a network does not see of a frame: hot pixels and rows, and gaps."""

import warnings
from dataclasses import replace

import numpy as np
from scipy import ndimage

# Share of its distance from the mean that a spike is farther off than any of the 8
# pixels about it, at least: of a column of 1.1 pixels, it is a third.
ALONE = 0.5
# Pixels of a line that are looked at, at least and at most; lines of a frame, at least;
# and standard deviations of the differences of neighbours that a spoilt line is off by.
FEWEST, SAMPLES, LINES, OFF = 16, 64, 8, 3.0
# Standard deviation of the window that gaps are filled from, in pixels, and how far it
# reaches; share of it that counts, at least: dead rows are filled, and holes are not.
WINDOW, REACH, LEAST_SHARE = 1.0, 3, 0.4
# Share of a column that is on pixels that count, at least.
LEAST_SEEN = 0.6


def spikes(values, valid, limits):
    """Pixels far from the mean of a frame and from all about them, such as hot ones.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool
    limits : (float, float)
        Values beyond which a pixel is far from the mean.

    Returns
    -------
    (rows, columns) numpy.ndarray of bool

    Examples
    --------
    >>> values = np.ones((3, 4))
    >>> values[1, 2] = 900
    >>> np.argwhere(spikes(values, np.ones((3, 4), bool), (-9, 11)))
    array([[1, 2]])
    """
    low, high = limits
    found = np.zeros(values.shape, bool)
    middle = (low + high) / 2
    with np.errstate(invalid="ignore"):
        far = valid & ((values < low) | (values > high))
    for y, x in np.argwhere(far):
        box = (slice(max(y - 1, 0), y + 2), slice(max(x - 1, 0), x + 2))
        # Unsigned integers have no distances.
        own = abs(float(values[y, x]) - middle)
        off = np.where(valid[box], values[box], middle).astype(float) - middle
        around = np.sort(np.abs(off), axis=None)[-2] if off.size > 1 else 0.0
        found[y, x] = own - around > ALONE * own
    return found


def without_spoilt_lines(tile):
    """A tile without the rows and columns that are off along all of their length.

    They are masked. One that is hot would have most of the power of the frame.

    Parameters
    ----------
    tile : Tile
        Of a whole frame.

    Returns
    -------
    Tile
        The same one, if there are none.

    Examples
    --------
    >>> from hyperspy_symseg.frames.tile import Tile
    >>> values = np.random.default_rng(0).normal(size=(30, 40))
    >>> values[7] = 90
    >>> tile = Tile.at((0, 0), values, values.shape)
    >>> np.flatnonzero(~without_spoilt_lines(tile).valid.all(axis=1))
    array([7])
    """
    values, valid = tile.values, tile.valid
    rows = spoilt_rows(values, valid)
    columns = spoilt_rows(values.T, valid.T)
    if not rows.any() and not columns.any():
        return tile
    return replace(tile, mask=~valid | rows[:, np.newaxis] | columns)


def spoilt_rows(values, valid):
    """Rows that are off from those beside them along all of their length.

    Their medians are, and by half of what they are off from all others: stripes as
    narrow as columns are not.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool

    Returns
    -------
    (rows,) numpy.ndarray of bool

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=(30, 40))
    >>> values[7] = 90
    >>> np.flatnonzero(spoilt_rows(values, np.ones((30, 40), bool)))
    array([7])
    """
    step = max(1, values.shape[1] // SAMPLES)
    seen = np.where(valid[:, ::step], values[:, ::step], np.nan).astype(float)
    found = np.zeros(len(seen), bool)
    known = np.flatnonzero(np.isfinite(seen).sum(axis=1) >= FEWEST)
    if len(known) < LINES:
        return found
    seen = seen[known]
    steps = np.diff(seen, axis=0)
    spread = 1.4826 * np.nanmedian(np.abs(steps))
    with warnings.catch_warnings():
        # Rows that have no valid pixel side by side are not told.
        warnings.simplefilter("ignore", RuntimeWarning)
        steps = np.nanmedian(steps, axis=1)
    before, after = np.append(-steps[0], steps), -np.append(steps, -steps[-1])
    off = np.where(before * after > 0, np.minimum(abs(before), abs(after)), 0)
    own = np.abs(np.nanmedian(seen, axis=1) - np.nanmedian(seen))
    found[known] = (off > OFF * spread) & (off > ALONE * own)
    return found


def filled(values, valid):
    """Values where narrow gaps are filled by the mean of what is near by.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool

    Returns
    -------
    values : (rows, columns) numpy.ndarray
    valid : (rows, columns) numpy.ndarray of bool
        Filled ones are.

    Examples
    --------
    >>> values, valid = np.ones((5, 9)), np.ones((5, 9), bool)
    >>> values[2], valid[2] = 0, False
    >>> values, valid = filled(values, valid)
    >>> bool(valid.all()), bool(np.allclose(values, 1))
    (True, True)
    """
    if valid.all() or not valid.any():
        return values, valid
    share, sums = (
        ndimage.gaussian_filter(each, WINDOW, truncate=REACH / WINDOW, mode="nearest")
        for each in (valid.astype(float), np.where(valid, values, 0).astype(float))
    )
    near = ~valid & (share >= LEAST_SHARE)
    found = np.where(valid, values, 0).astype(float)
    found[near] = sums[near] / share[near]
    return found, valid | near


def seen_enough(valid, width):
    """Where a column of some width is on pixels that count: (rows, columns) of bool.

    These are the pixels that count, and those where `LEAST_SEEN` of it is.

    Parameters
    ----------
    valid : (rows, columns) numpy.ndarray of bool
    width : float
        Standard deviation, in pixels.

    Examples
    --------
    >>> valid = np.ones((21, 9), bool)
    >>> valid[10] = False
    >>> bool(seen_enough(valid, 2.0).all()), bool(seen_enough(valid, 1.0).all())
    (True, False)
    """
    if valid.all():
        return valid
    # Its square is narrower by the root of 2.
    sigma = width / np.sqrt(2)
    share = ndimage.gaussian_filter(valid.astype(float), sigma, mode="nearest")
    return valid | (share > LEAST_SEEN)
