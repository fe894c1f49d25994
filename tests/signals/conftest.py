# SPDX-License-Identifier: GPL-3.0-or-later
import pytest

from hyperspy_symseg.descriptors import Descriptor, scores
from hyperspy_symseg.frames import cut as cutting
from hyperspy_symseg.segmentation import model


@pytest.fixture
def cut_into(monkeypatch):
    """Function that makes frames be cut into small tiles."""
    cut = cutting.cut_into_tiles

    def cut_into(tile_shape, part_shape):
        monkeypatch.setattr(Descriptor, "tile_shape", tile_shape)

        def cut_small(descriptor, grid, shape, _=None, margin=0):
            return cut(descriptor, grid, shape, part_shape, margin)

        # Refined labels of an image are found in the same parts, eager and lazy.
        for module in (scores, model):
            monkeypatch.setattr(module, "cut_into_tiles", cut_small)

    return cut_into
