# SPDX-License-Identifier: GPL-3.0-or-later
"""Variance of the fit of one pattern: where it varies, there are other patterns."""

import numpy as np

from hyperspy_symseg.frames.threads import pmap

from .blocks import blocks_in, local_mean
from .bragg import unit_phases, whole_cells
from .learning import everywhere, learn
from .normalized_frame import cell_size
from .pattern_spectrum import SpectrumCrops

# Standard deviation of the window that the fit is averaged in, in cells.
WIDTH = 1.5


def one_pattern(frame, period):
    """Templates of one pattern that all pixels have: a first guess.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several, that begin at their first pixel.
    period : float
        In pixels.

    Returns
    -------
    Templates
    """
    found = learn(frame, SpectrumCrops(frame), period, everywhere(frame), rounds=1)
    return found.templates


def fit_of_cells(templates, frame):
    """Fit of one pattern to the cells.

    Parameters
    ----------
    templates : Templates
        For one pattern.
    frame : NormalizedFrame

    Returns
    -------
    (cell rows, cell columns) numpy.ndarray of float32
        Sums of the products of the pixels and the template, halved.
    """

    def of_one(reflection, amplitude):
        cells = whole_cells(frame, frame.factors(reflection[np.newaxis]))
        return np.float32(amplitude) * (cells * unit_phases(cells)).sum(axis=(0, 1))

    # One by one: together they would be as large as the frame and more.
    each = pmap(of_one, *templates.of(0))
    return sum(each, np.zeros(frame.cell_counts.shape, np.float32))


def misfit_variance(templates, frame, crops):
    """Variance of the fit of one pattern in some crops.

    Parameters
    ----------
    templates : Templates
        For one pattern.
    frame : NormalizedFrame
    crops : list of (slice, slice)
        Rows and columns of pixels, of whole cells: as for `NormalizedFrame.crop`.

    Returns
    -------
    (crops,) numpy.ndarray of float64
        Variances of the mean fit of a pixel near by.
    """
    fit = local_mean(fit_of_cells(templates, frame), frame.cell_counts, WIDTH)
    has_pixels = frame.cell_counts > 0
    side = cell_size(templates.period)
    found = np.zeros(len(crops))
    for i, crop in enumerate(crops):
        cells = blocks_in(crop, side)
        if has_pixels[cells].any():
            found[i] = fit[cells][has_pixels[cells]].var()
    return found
