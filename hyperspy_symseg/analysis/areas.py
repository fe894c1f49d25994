# SPDX-License-Identifier: GPL-3.0-or-later
"""Area of each pattern."""

from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.frames.analysis import SumAnalysis

from .checks import check_labels


@dataclass(frozen=True)
class Areas(SumAnalysis):
    """Area of each pattern in a frame of labels: (n_patterns,) of float64.

    Parameters
    ----------
    n_patterns : int
    pixel_area : float
        In any unit.

    Examples
    --------
    >>> from hyperspy_symseg.frames.run import run
    >>> labels = np.array([[[0, 1, 1]], [[-1, 1, 1]]])
    >>> run(Areas(2, pixel_area=0.5), None, labels)
    array([[0.5, 1. ],
           [0. , 1. ]])
    """

    n_patterns: int
    pixel_area: float = 1.0

    @property
    def shape(self):
        """One number a pattern: (int,)."""
        return (self.n_patterns,)

    def process(self, tile):
        """Pixels of each pattern: (n_patterns,) numpy.ndarray of int."""
        return count_pixels(check_labels(tile.labels, self.n_patterns), self.n_patterns)

    def finish(self, total):
        """Areas from the number of pixels."""
        return total * self.pixel_area


def count_pixels(labels, n_patterns):
    """Number of pixels of each pattern.

    Parameters
    ----------
    labels : (rows, columns) numpy.ndarray of int
        Pixels labelled -1 have no label.
    n_patterns : int

    Returns
    -------
    (n_patterns,) numpy.ndarray of int

    Examples
    --------
    >>> count_pixels(np.array([[0, 0, -1]], np.int8), 2)
    array([2, 0])
    """
    # The first count is that of -1.
    places = np.add(np.ravel(labels), 1, dtype=np.intp)
    return np.bincount(places, minlength=1 + n_patterns)[1:]
