# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas of one value, which are no data: saturated, cropped, not recorded."""

import numpy as np
from scipy import ndimage

from .block_sums import moments, spread

# Sides of the squares that a flat area is made of, and of the window in which chance is
# judged, in blocks; and pixels of a block, at least. Between the columns of a lattice
# there is room for a square of one and a half periods.
SIDE, WINDOW = 6, 15
SMALLEST_BLOCK = 3
# Chance that the values around have any flat square in the window, at most.
LARGEST_CHANCE = 1e-3
# A variance below this fraction of the mean square may be rounding.
ROUNDING = 1e-12


def flat_areas(frame, valid, block):
    """Areas in which every pixel has the same value, though counting noise would not.

    They are made of squares of six blocks. A square may be chance if pixels of its
    value are frequent around it, so that one such square in a window of 5 x 5 is
    likely: the empty pixels of a frame with few counts are data.

    Parameters
    ----------
    frame : (rows, columns) numpy.ndarray of any real dtype
    valid : (rows, columns) numpy.ndarray of bool or None
        None if all pixels are.
    block : int
        Side of a block, in pixels.

    Returns
    -------
    (rows, columns) numpy.ndarray of bool, or None
        None if there is none.

    Examples
    --------
    >>> values = np.random.default_rng(0).normal(size=(60, 80))
    >>> values[20:50, 30:] = 7
    >>> flat = flat_areas(values, None, 4)
    >>> np.argwhere(flat)[[0, -1]].tolist()
    [[20, 30], [49, 79]]
    """
    if not _may_be_flat(frame, block):
        return None
    values = np.ascontiguousarray(frame, np.float64)
    if valid is not None:
        values = np.where(valid, values, 0)
    sums, energies = moments(values, block)
    n = block**2
    complete = np.ones(sums.shape, bool)
    for axis, length in enumerate(values.shape):
        if length % block:
            complete[(slice(None),) * axis + (-1,)] = False
    constant = complete & (n * energies - sums**2 <= ROUNDING * n * energies)
    if valid is not None and constant.any():
        complete &= moments(valid.astype(np.float64), block)[0] == n
        constant &= complete
    seeds = _seeds(constant, sums)
    if not seeds.any():
        return None
    nearest = ndimage.distance_transform_edt(
        ~seeds, return_distances=False, return_indices=True
    )
    level = values[::block, ::block][tuple(nearest)]
    equal = values == spread(level, block, values.shape)
    if valid is not None:
        equal &= valid
    n_equal = moments(equal.astype(np.float64), block)[0]
    seeds &= ~_by_chance(n_equal, complete, constant, block)
    if not seeds.any():
        return None
    around = ndimage.binary_dilation(seeds, np.ones((3, 3)), iterations=2)
    flat = constant_pixels(values, valid, SIDE * block)
    flat &= spread(around, block, values.shape)
    return flat if flat.any() else None


def _may_be_flat(frame, block):
    """Whether pixels a block apart may be those of a flat square: bool."""
    lines = frame[::block, ::block]
    # Every flat square has this many lines, each with one step fewer.
    flat = _runs(_runs(lines[:, 1:] == lines[:, :-1], SIDE - 1).T, SIDE)
    return bool(flat.any())


def _runs(chosen, n):
    """Starts of n chosen in a row: (lines, columns - n + 1) numpy.ndarray of bool."""
    n_starts = max(chosen.shape[1] - n + 1, 0)
    return np.logical_and.reduce([chosen[:, i : i + n_starts] for i in range(n)])


def _seeds(constant, sums):
    """Constant blocks that every flat square has: (block rows, block columns) bool."""
    quads = constant[:-1, :-1].copy()
    for other in (np.s_[:-1, 1:], np.s_[1:, :-1], np.s_[1:, 1:]):
        quads &= constant[other] & (sums[other] == sums[:-1, :-1])
    if not quads.any():
        return np.zeros_like(constant)
    # A square that lies between the blocks has one fewer of them whole.
    size = SIDE - 2
    opened = ndimage.binary_opening(quads, np.ones((size, size)))
    return ndimage.binary_dilation(np.pad(opened, (0, 1)), np.ones((2, 2)), origin=-1)


def _by_chance(equal, complete, constant, block):
    """Blocks about which pixels of the nearest seed's value are frequent anyway.

    Parameters
    ----------
    equal : (block rows, block columns) numpy.ndarray of float64
        Number of these pixels.
    complete, constant : (block rows, block columns) numpy.ndarray of bool
        Whether all pixels are valid, and whether all are the same.
    block : int
    """
    varied = complete & ~constant
    if not varied.any():
        return varied
    n, window = block**2, {"size": WINDOW, "mode": "constant"}
    n_others = ndimage.uniform_filter((n - equal) * varied, **window)
    n_varied = ndimage.uniform_filter(varied.astype(float), **window)
    # Half a block of the window is one block, but for rounding.
    some = n_varied * WINDOW**2 > 0.5
    others = np.divide(n_others, n_varied, out=np.ones_like(equal), where=some)
    n_window = (WINDOW * block) ** 2
    log_chance = (SIDE * block) ** 2 * _log_share(others, n)
    by_chance = log_chance > np.log(LARGEST_CHANCE / n_window)
    # One such window is enough: others may include something else.
    by_chance = ndimage.maximum_filter(by_chance & some, **window)
    # A window without any other pixel is no chance if the frame has enough of them; nor
    # is any square in it.
    log_share = np.log(equal[complete].mean() / n)
    if n_window * log_share < np.log(LARGEST_CHANCE / equal.size):
        by_chance &= ~ndimage.maximum_filter(~some, **window)
    return by_chance


def _log_share(others, n):
    """Logarithm of the share f of equal pixels, from the number of others in blocks.

    Of blocks of n pixels, those that have any have n (1 - f) / (1 - f^n) of them.
    """
    rare = np.geomspace(1e-6, 1, 200)
    share = 1 - np.interp(others, n * rare / (1 - (1 - rare) ** n), rare)
    with np.errstate(divide="ignore"):
        return np.log(share)


def constant_pixels(values, valid, side):
    """Pixels in squares of a side in which all are valid and equal."""
    if min(values.shape) < side:
        return np.zeros(values.shape, bool)
    corners = np.ones([n - side + 1 for n in values.shape], bool)
    for axis in (0, 1):
        steps = np.diff(values, axis=axis) == 0
        if valid is not None:
            steps &= np.take(valid, range(steps.shape[axis]), axis)
            steps &= np.take(valid, range(1, valid.shape[axis]), axis)
        steps = steps.astype(np.uint8)
        # A square has one step fewer than pixels along its axis.
        for along, size in enumerate((side, side) - np.eye(2, dtype=int)[axis]):
            steps = ndimage.minimum_filter1d(steps, size, along, origin=-(size // 2))
        corners &= steps[tuple(map(slice, corners.shape))].astype(bool)
    flat = np.zeros(values.shape, np.uint8)
    flat[tuple(map(slice, corners.shape))] = corners
    for along in (0, 1):
        flat = ndimage.maximum_filter1d(
            flat, side, along, mode="constant", origin=(side - 1) // 2
        )
    return flat.astype(bool)
