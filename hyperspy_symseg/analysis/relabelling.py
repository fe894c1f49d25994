# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels with other numbers: merged, renumbered and corrected by hand."""

from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.frames.analysis import MapAnalysis

from .checks import check_labels


@dataclass(frozen=True)
class Relabelling(MapAnalysis):
    """Labels of a frame with other numbers: (rows, columns) of `dtype`.

    Where there is a mask, only the pixels in which it is True are changed.

    Parameters
    ----------
    n_patterns : int
        Of the labels as they are.
    changes : tuple of (int, int)
        Pairs of a number and what it becomes, all at once; -1 is no label.
    kind : str
        The dtype.

    Examples
    --------
    >>> from hyperspy_symseg.frames.run import run
    >>> labels = np.array([[0, 1, 2, -1]])
    >>> run(Relabelling(3, ((0, 1), (1, 0))), None, labels)
    array([[ 1,  0,  2, -1]], dtype=int8)
    >>> run(Relabelling(3, ((2, 0),)), None, labels, np.array([[False] * 4]))
    array([[ 0,  1,  2, -1]], dtype=int8)
    """

    n_patterns: int
    changes: tuple[tuple[int, int], ...]
    kind: str = "i1"

    @property
    def dtype(self):
        """Dtype of the labels: numpy.dtype."""
        return np.dtype(self.kind)

    def process(self, tile):
        """Labels of a tile."""
        labels = check_labels(tile.labels[tile.own], self.n_patterns)
        found = labels.astype(self.dtype)
        inside = None if tile.mask is None else tile.mask[tile.own]
        for number, becomes in self.changes:
            own = labels == number
            if inside is not None:
                own &= inside
            found[own] = becomes
        return found


def suitable_dtype(dtype, n_patterns):
    """Dtype of labels of so many patterns, the same if it holds them and -1.

    Parameters
    ----------
    dtype : numpy.dtype
    n_patterns : int

    Returns
    -------
    numpy.dtype

    Examples
    --------
    >>> suitable_dtype(np.dtype("u1"), 3), suitable_dtype(np.dtype("i1"), 200)
    (dtype('int16'), dtype('int16'))
    """
    return np.promote_types(
        dtype, np.promote_types("i1", np.min_scalar_type(-n_patterns))
    )
