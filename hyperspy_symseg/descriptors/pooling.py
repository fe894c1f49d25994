# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores that do not depend on where in the cell a pixel sits."""

import numpy as np

from hyperspy_symseg.frames.grid import Grid
from hyperspy_symseg.frames.kernels import compiled

_pooling = compiled("_pooling")


class Pooling:
    """The largest local maxima of a score map, in a window around a pixel.

    The map has its scores at the multiples of `step`. The window has the same size
    everywhere: where it would come too near to an edge it is moved, not cut.

    Parameters
    ----------
    grid : Grid
        The pixels that want a pooled score.
    frame_shape : (int, int)
        Rows and columns of the frame.
    pooling : (int, int)
        The window has the pixels at most half of it away, along (y, x).
    step : (int, int)
        Distance of the scores in the map, along (y, x).
    margin : int
        How far from the edges the window stays, in pixels, if the frame is large
        enough.

    Attributes
    ----------
    grid : Grid
        The pixels of the map.
    """

    def __init__(self, grid, frame_shape, pooling, step, margin):
        self._windows, first, shape = [], [], []
        for points, length, width, stride in zip(
            (grid.rows, grid.columns), frame_shape, pooling, step, strict=True
        ):
            half = width // 2
            room = max(length - 1 - 2 * half, 0)
            least = min(margin, room // 2)
            low = np.clip(points - half, least, room - least)
            high = np.minimum(low + 2 * half, length - 1)
            windows = np.stack([-(-low // stride), high // stride + 1], axis=1)
            # One more on either side, to know a local maximum when it is there.
            begin = max(int(windows.min()) - 1, 0)
            end = min(int(windows.max()) + 1, (length - 1) // stride + 1)
            self._windows.append((windows - begin).astype(np.intp))
            first.append(begin * stride)
            shape.append(end - begin)
        self.grid = Grid(tuple(first), tuple(step), tuple(shape))

    def pool(self, scores, out):
        """Write the pooled scores.

        Parameters
        ----------
        scores : (operations, map rows, map columns) numpy.ndarray of float32
            NaN where missing.
        out : (operations, maxima, grid rows, grid columns) numpy.ndarray of float32
            The largest first. Where a window has too few local maxima, the smallest
            one again; where it has none, its largest score; NaN where it has no score.
        """
        _pooling.pool_block(scores, *self._windows, out)
