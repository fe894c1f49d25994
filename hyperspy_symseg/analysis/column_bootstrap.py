# SPDX-License-Identifier: GPL-3.0-or-later
"""How right the network is in a frame: by one like it, whose columns are known.

The network is right on the average of the frames that it was trained on, not in each.
So a frame is simulated that has the columns that were found in this one, their heights,
background and noise, and the network looks at it: which of its columns are there, and
how far from them it finds them, corrects what it says of this frame (a parametric
bootstrap, B. Efron and R. J. Tibshirani, An Introduction to the Bootstrap (1993)).
"""

import numpy as np
from scipy import special

from hyperspy_symseg.networks.column_calibration import (
    MATCHED,
    fitted_logistic,
    logits_of,
    matches,
)
from hyperspy_symseg.networks.column_network import find_columns

from .column_measurement import Measured
from .column_model import Canvas, Columns
from .column_statistics import PROBABLE

# Probability of what is looked at, at least, and columns from which on a frame is
# simulated.
LEAST, FEWEST = 0.02, 20
# What is thought of beforehand: standard deviations of the factor and the summand of
# logits, and how many coordinates it counts that errors are right.
KNOWN, RIGHT = (0.3, 1.0), 20
# Period of the background, in widths of a column, and the width where it is not known.
PERIOD_IN_WIDTHS, WIDTH = 6.0, 2.0
# Frequencies where columns are seen, and where noise alone is, in one over 2 pi widths.
OF_COLUMNS, OF_NOISE = (0.5, 1.6), (3.0, 6.0)
# Counts a pixel from which on their noise is normal.
MANY = 1e3
TINY = 1e-30


def measured_alone(values, valid, found, scale):
    """Columns of the network measured in a frame without crystals: Canvas, Measured."""
    width = scale.width or WIDTH
    valid = scale.valid(values, valid)
    canvas = Canvas.scaled(values, valid, PERIOD_IN_WIDTHS * width)
    widths, free = np.full(len(found), width), np.ones(len(found), bool)
    return canvas, Measured.of(canvas, found[:, :2], found[:, 2:4], widths, free)


def corrected(values, valid, contrast, scale):
    """Columns of a frame with probabilities and errors that are right in it.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
        A whole frame.
    valid : (rows, columns) numpy.ndarray of bool
    contrast : {"bright", "dark", "auto"}
    scale : ColumnScale

    Returns
    -------
    found : (n, 5) numpy.ndarray of float64
        As from `find_columns`, with a probability of 0.02 or more before.
    factor : float
        What errors are times those that were told.
    """
    width = scale.width or WIDTH
    found = find_columns(values, valid, contrast, LEAST, scale)
    sure = found[found[:, 4] >= PROBABLE]
    if scale.is_empty or len(sure) < FEWEST:
        return found, 1.0
    canvas, measured = measured_alone(values, valid, sure, scale)
    like = simulated(canvas, measured, width)
    again = find_columns(like, valid, contrast, LEAST, scale)
    which = matches(again, measured.positions, MATCHED * width)
    there = which >= 0
    factor, summand = fitted_logistic(logits_of(again[:, 4]), there, KNOWN)
    odds = factor * logits_of(found[:, 4]) + summand
    is_column = again[:, 4] >= PROBABLE
    _, once_more = measured_alone(like, valid, again[is_column], scale)
    own = there[is_column]
    off = once_more.positions[own] - measured.positions[which[is_column][own]]
    z = off / once_more.position_errors[own]
    of_errors = np.sqrt(((z**2).sum() + RIGHT) / (z.size + RIGHT))
    return np.column_stack([found[:, :4], special.expit(odds)]), float(of_errors)


def simulated(canvas, measured, width):
    """A frame like another one, with the columns that were measured in it.

    Heights vary by as much as those that were measured vary beyond their errors. Those
    of columns that were found are too high on the average, as noise has helped them, so
    the columns get as much power as the frame has beyond its noise.

    Parameters
    ----------
    canvas : Canvas
        Of the other frame.
    measured : Measured
    width : float
        Of a column, in pixels.

    Returns
    -------
    (rows, columns) numpy.ndarray of float64
        In the intensities of the frame.
    """
    area = 2 * np.pi * width**2
    heights, errors = measured.intensities / area, measured.errors / area
    off = heights - heights.mean()
    variance = max((off**2).mean(), TINY)
    beyond = max(1 - (errors**2).mean() / variance, 0.0)
    heights = heights.mean() + np.sqrt(beyond) * off
    widths = np.full(len(heights), float(width))
    comb = canvas.drawn(Columns(measured.positions, heights, widths), heights)
    background, _, _ = canvas.background(comb, 1.0)
    rest = (canvas.values - background) * canvas.valid
    share, white = _share_and_noise(rest, comb * canvas.valid, width)
    comb *= share
    background, _, _ = canvas.background(comb, 1.0)
    expected = background + comb
    noise = canvas.noise(expected, np.zeros_like(expected))
    variance = noise.variance(expected)
    variance *= white / max((variance * canvas.valid).sum(), TINY)
    rng = np.random.default_rng(0)
    # As if of counts of this many units each: of Poisson's, if they are that.
    unit = noise.slope
    if variance.max() < MANY * unit**2:
        counts = variance / unit**2
        values = expected + unit * (rng.poisson(counts) - counts)
    else:
        values = expected + np.sqrt(variance) * rng.normal(size=expected.shape)
    return canvas.zero + canvas.unit * values


def _share_and_noise(rest, comb, width):
    """Height of columns by their power, over that in the comb, and power of the noise.

    That of the noise is the sum of its variance over the pixels.
    """
    shape = rest.shape
    y, x = np.fft.fftfreq(shape[0]), np.fft.rfftfreq(shape[1])
    frequencies = 2 * np.pi * width * np.hypot(y[:, np.newaxis], x)
    of_frame, of_comb = (
        np.abs(np.fft.rfft2(each - each.mean())) ** 2 for each in (rest, comb)
    )

    def between(ends):
        return (frequencies > ends[0]) & (frequencies < ends[1])

    own = between(OF_COLUMNS)
    white = of_frame[between(OF_NOISE)].mean()
    squared = (of_frame[own] - white).sum() / max(of_comb[own].sum(), TINY)
    return np.sqrt(max(squared, 0.0)), white
