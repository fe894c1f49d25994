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


def brushed(shape, points, radii):
    """Pixels that a brush went over.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    points : (n, 2) numpy.ndarray of float
        Where the brush was (y, x), in pixels from the middle of the first.
    radii : (2,) numpy.ndarray of float
        Of the brush, along (y, x), in pixels.

    Returns
    -------
    (rows, columns) numpy.ndarray of bool
        Those whose middle is in the brush on the way from one point to the next, and
        those that the points lie in.

    Examples
    --------
    >>> brushed((2, 4), np.array([[0.0, 1.0], [0.0, 2.0]]), np.array([0.5, 0.5]))
    array([[False,  True,  True, False],
           [False, False, False, False]])
    """
    found = np.zeros(shape, bool)
    for a, b in zip(points, [*points[1:], points[-1]], strict=True):
        low = np.clip(np.floor(np.minimum(a, b) - radii), 0, shape).astype(int)
        high = np.clip(np.ceil(np.maximum(a, b) + radii) + 1, 0, shape).astype(int)
        y, x = np.ogrid[low[0] : high[0], low[1] : high[1]]
        # In radii of the brush, which is a circle then.
        y, x = (y - a[0]) / radii[0], (x - a[1]) / radii[1]
        step = (b - a) / radii
        length = step @ step
        along = (y * step[0] + x * step[1]) / length if length else 0 * (y + x)
        along = np.clip(along, 0, 1)
        distance = np.hypot(y - along * step[0], x - along * step[1])
        # Whatever the rounding.
        own = distance <= 1 + 1e-9
        found[low[0] : high[0], low[1] : high[1]] |= own
    places = np.rint(points)
    places = places[((places >= 0) & (places < shape)).all(axis=1)].astype(int)
    found[tuple(places.T)] = True
    return found
