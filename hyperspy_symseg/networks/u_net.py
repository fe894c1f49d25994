# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks of four levels, from images to cells of 2 x 2 pixels.

On the way down, each level sees twice as far with half the pixels; on the way up, each
is joined with what it was on the way down (O. Ronneberger et al., MICCAI 2015, 234).
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .layers import conv2d, upsample
from .weights import TrainedNetwork

# Pixels of a cell, and of the coarsest level of the network, along each side.
CELL, COARSEST = 2, 16
# Levels, and pixels around a pixel that the cells there depend on, at most: kernels of
# all levels reach 64, and the coarsest cell may begin 15 away.
LEVELS, REACH = 4, 80


def u_net_layers(n_seen, widths, n_told):
    """Layers of a network.

    Parameters
    ----------
    n_seen : int
        Channels of the images.
    widths : (int, int, int, int)
        Channels of each level, the finest one first.
    n_told : int
        Numbers of each cell.

    Returns
    -------
    dict of str and (int, int, int, int)
        Channels in and out, size and stride of the kernels. What is of a level ends
        with its number.

    Examples
    --------
    >>> layers = u_net_layers(1, (8, 16, 24, 32), 3)
    >>> layers["enter1"], layers["up1"], layers["cells"]
    ((8, 16, 2, 2), (32, 16, 3, 1), (8, 3, 1, 1))
    """
    found = {}
    for level, own in enumerate(widths):
        finer = (n_seen, own, 4, 2) if level == 0 else (widths[level - 1], own, 2, 2)
        found |= {f"enter{level}": finer, f"down{level}": (own, own, 3, 1)}
    last = LEVELS - 1
    found[f"bottom{last}"] = widths[last], widths[last], 3, 1
    for level in reversed(range(last)):
        own = widths[level]
        found[f"leave{level + 1}"] = widths[level + 1], own, 1, 1
        found[f"up{level}"] = 2 * own, own, 3, 1
    own = widths[0]
    return found | {"last0": (own, own, 3, 1), "cells": (own, n_told, 1, 1)}


def padding(size, stride):
    """Zeros on each side of a layer, so that it has one value a stride: int."""
    return (size - stride + 1) // 2


def cells(x, layer, doubled, joined):
    """The network, whoever computes its layers.

    Parameters
    ----------
    x : (images, channels, rows, columns) array
        Rows and columns are multiples of 16.
    layer : callable
        Takes a name of the layers and an array: convolution, and what is positive of
        it.
    doubled, joined : callable
        As `upsample`; and to join two arrays along their channels.

    Returns
    -------
    (images, n, rows / 2, columns / 2) array
        The numbers of each cell.
    """
    levels = []
    for level in range(LEVELS - 1):
        x = layer(f"down{level}", layer(f"enter{level}", x))
        levels.append(x)
    x = layer("bottom3", layer("down3", layer("enter3", x)))
    for level in reversed(range(LEVELS - 1)):
        above = doubled(layer(f"leave{level + 1}", x))
        x = layer(f"up{level}", joined(above, levels[level]))
    return layer("cells", layer("last0", x))


@dataclass(frozen=True, eq=False)
class UNet(TrainedNetwork):
    """A trained network, with layers of its class.

    Parameters
    ----------
    weights : dict of str and numpy.ndarray
        ``kernels`` and ``bias`` of every layer, as in ``kernels_up0``.
    seed : int
        What they were trained from.
    """

    layers: ClassVar[dict]

    def cells_of(self, images):
        """Cells of images.

        Parameters
        ----------
        images : (images, channels, rows, columns) numpy.ndarray of float32
            Rows and columns are multiples of 16.

        Returns
        -------
        (images, n, rows / 2, columns / 2) numpy.ndarray of float32
        """

        def layer(name, x):
            _, _, size, stride = self.layers[name]
            kernels = self.weights[f"kernels_{name}"]
            bias = self.weights[f"bias_{name}"]
            x = conv2d(x, kernels, bias, stride, padding(size, stride))
            # In place: nobody else has it.
            return x if name == "cells" else np.maximum(x, 0, out=x)

        def joined(a, b):
            return np.concatenate([a, b], axis=1)

        return cells(images, layer, upsample, joined)
