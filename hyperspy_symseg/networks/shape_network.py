# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that knows shapes of regions: where these end, from uncertain evidence.

``training/shapes.py`` trained it, on evidence of blocks and columns with noise. What it
tells of a place is the logarithm of the odds that the place is of the first of two
patterns, by the evidence all around.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from hyperspy_symseg.frames.threads import pmap

from .u_net import CELL, COARSEST, UNet, u_net_layers

FILE = Path(__file__).with_name("shapes.npz")
LAYERS = u_net_layers(2, (24, 48, 60, 64), CELL**2)
# Nats of a block: of the coarser of the two scales that these are seen on, and what is
# seen at most on either.
COARSE, MOST = 8.0, 8.0
# Nats of a block that count: more of all blocks was not in the training, and a damaged
# one may have any number.
SUREST = np.float32(20)


def planes(evidence):
    """What the network sees of blocks.

    Parameters
    ----------
    evidence : (..., rows, columns) numpy.ndarray of float32
        In nats.

    Returns
    -------
    (..., 2, rows, columns) numpy.ndarray of float32
    """
    both = np.stack([np.arcsinh(evidence), evidence / np.float32(COARSE)], axis=-3)
    return np.clip(both, -MOST, MOST, out=both)


@dataclass(frozen=True, eq=False)
class ShapeNetwork(UNet):
    """A trained network."""

    file: ClassVar[Path] = FILE
    layers: ClassVar[dict] = LAYERS

    def log_odds(self, evidence, first=(0, 0)):
        """Logarithm of the odds of the first of two patterns, by all evidence around.

        It changes its sign with the evidence: it does not matter which one is first.

        Parameters
        ----------
        evidence : (rows, columns) numpy.ndarray of float32
            Log-likelihood of the first pattern less that of the second, in nats.
        first : (int, int)
            Row and column of the first block in a larger array, of which the coarsest
            level has cells of 16 x 16 from its first block on.

        Returns
        -------
        (rows, columns) numpy.ndarray of float32
        """
        inside = tuple(
            slice(begin % COARSEST, begin % COARSEST + n)
            for begin, n in zip(first, evidence.shape, strict=True)
        )
        sides = [-(-axis.stop // COARSEST) * COARSEST for axis in inside]
        # Nothing is known of what is outside.
        whole = np.zeros(sides, np.float32)
        whole[inside] = np.clip(evidence, -SUREST, SUREST)
        # Half of a cell unknown was not in the training.
        for axis, known in enumerate(inside):
            along, end = np.moveaxis(whole, axis, 0), known.stop
            along[end : end + end % CELL] = along[end - 1]

        def cells(evidence):
            return self.cells_of(planes(evidence)[np.newaxis])[0]

        one, other = pmap(cells, (whole, -whole), size=whole.size)
        half = (one - other) / np.float32(2)
        half = half.reshape(CELL, CELL, *half.shape[1:]).transpose(2, 0, 3, 1)
        return half.reshape(sides)[inside]


def example_evidence():
    """What the file has torch's odds of: (16, 16) numpy.ndarray of float32."""
    rng = np.random.default_rng(0)
    y, x = np.indices((16, 16))
    evidence = np.where((y - 7) ** 2 + (x - 6) ** 2 < 25, 1, -1)
    return rng.normal(evidence, 2).astype(np.float32)
