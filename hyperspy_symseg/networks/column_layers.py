# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that finds atomic columns, from frames to cells of 2 x 2 pixels.

A `UNet`, whose cells say how likely a column is in them, where, and how sure that is,
as in DECODE (Speiser et al., Nat. Methods 18, 1082 (2021)).
``training/columns.py`` trained it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import ndimage

from . import u_net
from .u_net import UNet, u_net_layers

FILE = Path(__file__).with_name("columns.npz")
# Pixels around a pixel that the cells there depend on, at most: means are of what is 5
# away, and whole cells of the coarsest level count.
REACH = u_net.REACH + u_net.COARSEST
# Of what is far from the mean: spreads at which values are cut off.
MOST = 20.0
# Where columns are seen that are weak beside others: pixels of the square whose mean is
# taken off, and spreads up to which the scale is linear.
AROUND, FINE = 11, 0.03
LAYERS = u_net_layers(4, (24, 48, 64, 64), 5)
# Logarithms of errors that cells have, in pixels.
ERRORS = -4.0, 1.5


def planes(values, valid, scale, is_known):
    """What the network sees of a frame.

    Parameters
    ----------
    values : (rows, columns) numpy.ndarray of any real dtype
        With bright columns, if that is known.
    valid : (rows, columns) numpy.ndarray of bool
    scale : (float, float)
        Mean and spread of the frame.
    is_known : bool
        Whether columns are known to be bright.

    Returns
    -------
    (4, rows, columns) numpy.ndarray of float32
        Values in spreads from the mean; from the mean of what is around, on a scale of
        logarithms; whether columns are bright; and what is valid. 0 where it is not.
    """
    mean, spread = scale
    scaled = np.where(valid, (values - mean) / spread, 0)
    scaled = np.clip(scaled, -MOST, MOST).astype(np.float32)
    valid = valid.astype(np.float32)
    around, counted = (
        ndimage.uniform_filter(x, AROUND, np.float64, mode="constant")
        for x in (scaled, valid)
    )
    # What is left where nothing is valid is rounding.
    around = np.divide(around, counted, out=around, where=counted > 1e-6)
    fine = valid * np.arcsinh((scaled - around) / FINE).astype(np.float32)
    fine /= np.float32(3)
    return np.stack([scaled, fine, valid * np.float32(is_known), valid])


@dataclass(frozen=True, eq=False)
class ColumnNetwork(UNet):
    """A trained network.

    Parameters
    ----------
    weights : dict of str and numpy.ndarray
        ``kernels`` and ``bias`` of every layer, as in ``kernels_up0``; and
        ``probability`` and ``error``, each a factor and an exponent or summand: see
        `calibrated`.
    seed : int
        What they were trained from.
    """

    file: ClassVar[Path] = FILE
    layers: ClassVar[dict] = LAYERS

    def cells(self, x):
        """Cells of what is seen in a frame.

        Parameters
        ----------
        x : (4, rows, columns) numpy.ndarray of float32
            From `planes`. Rows and columns are multiples of 16.

        Returns
        -------
        (5, rows / 2, columns / 2) numpy.ndarray of float32
            Of each cell: logit, position (y, x) from its middle in pixels, and
            logarithms of the errors of both.
        """
        (found,) = self.cells_of(x[np.newaxis])
        found[3:] = np.clip(found[3:], *ERRORS)
        return found


def example_planes():
    """What the file has torch's cells of: (4, 32, 48) numpy.ndarray of float32."""
    rng = np.random.default_rng(0)
    valid = np.ones((32, 48), bool)
    valid[:, 40:] = False
    return planes(rng.poisson(3, valid.shape), valid, (3.0, 2.0), True)
