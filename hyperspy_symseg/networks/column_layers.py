# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that finds atomic columns, from frames to cells of 2 x 2 pixels.

A U-Net of four levels, whose cells say how likely a column is in them, where, and how
sure that is, as in DECODE (Speiser et al., Nat. Methods 18, 1082 (2021)).
``training/columns.py`` trained it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from scipy import ndimage

from .layers import conv2d, upsample
from .weights import TrainedNetwork

FILE = Path(__file__).with_name("columns.npz")
# Pixels of a cell, and of the coarsest level of the network, along each side.
CELL, COARSEST = 2, 16
# Pixels around a pixel that the cells there depend on, at most: kernels of all levels
# reach 64, the coarsest cell may begin 15 away, and means are of what is 5 away.
REACH = 96
# Of what is far from the mean: spreads at which values are cut off.
MOST = 20.0
# Where columns are seen that are weak beside others: pixels of the square whose mean is
# taken off, and spreads up to which the scale is linear.
AROUND, FINE = 11, 0.03
# Channels in and out, size and stride of the kernels. What is of a level ends with it.
LAYERS = {
    "enter0": (4, 24, 4, 2),
    "down0": (24, 24, 3, 1),
    "enter1": (24, 48, 2, 2),
    "down1": (48, 48, 3, 1),
    "enter2": (48, 64, 2, 2),
    "down2": (64, 64, 3, 1),
    "enter3": (64, 64, 2, 2),
    "down3": (64, 64, 3, 1),
    "bottom3": (64, 64, 3, 1),
    "leave3": (64, 64, 1, 1),
    "up2": (128, 64, 3, 1),
    "leave2": (64, 48, 1, 1),
    "up1": (96, 48, 3, 1),
    "leave1": (48, 24, 1, 1),
    "up0": (48, 24, 3, 1),
    "last0": (24, 24, 3, 1),
    "cells": (24, 5, 1, 1),
}
# Logarithms of errors that cells have, in pixels.
ERRORS = -4.0, 1.5


def padding(size, stride):
    """Zeros on each side of a layer, so that it has one value a stride: int."""
    return (size - stride + 1) // 2


def cells(x, layer, doubled, joined):
    """The network, whoever computes its layers.

    Parameters
    ----------
    x : (images, 4, rows, columns) array
        From `planes`; rows and columns are multiples of 16.
    layer : callable
        Takes a name of `LAYERS` and an array: convolution, and what is positive of it.
    doubled, joined : callable
        As `upsample`; and to join two arrays along their channels.

    Returns
    -------
    (images, 5, rows / 2, columns / 2) array
        Of each cell: logit, position (y, x) from its middle in pixels, and logarithms
        of the errors of both.
    """
    levels = []
    for level in range(3):
        x = layer(f"down{level}", layer(f"enter{level}", x))
        levels.append(x)
    x = layer("bottom3", layer("down3", layer("enter3", x)))
    for level in (2, 1, 0):
        above = doubled(layer(f"leave{level + 1}", x))
        x = layer(f"up{level}", joined(above, levels[level]))
    return layer("cells", layer("last0", x))


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
class ColumnNetwork(TrainedNetwork):
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

    def cells(self, x):
        """Cells of what is seen in a frame.

        Parameters
        ----------
        x : (4, rows, columns) numpy.ndarray of float32
            From `planes`. Rows and columns are multiples of 16.

        Returns
        -------
        (5, rows / 2, columns / 2) numpy.ndarray of float32
            See the function `cells`.
        """

        def layer(name, x):
            _, _, size, stride = LAYERS[name]
            kernels = self.weights[f"kernels_{name}"]
            bias = self.weights[f"bias_{name}"]
            x = conv2d(x, kernels, bias, stride, padding(size, stride))
            # In place: nobody else has it.
            return x if name == "cells" else np.maximum(x, 0, out=x)

        def joined(a, b):
            return np.concatenate([a, b], axis=1)

        found = cells(x[np.newaxis], layer, upsample, joined)[0]
        found[3:] = np.clip(found[3:], *ERRORS)
        return found


def example_planes():
    """What the file has torch's cells of: (4, 32, 48) numpy.ndarray of float32."""
    rng = np.random.default_rng(0)
    valid = np.ones((32, 48), bool)
    valid[:, 40:] = False
    return planes(rng.poisson(3, valid.shape), valid, (3.0, 2.0), True)
