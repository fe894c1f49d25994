# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.descriptors import (
    JoinedDescriptors,
    PowerSpectrum,
    ReflectionSymmetry,
    TranslationSymmetry,
)
from hyperspy_symseg.segmentation import SymmetryModel

TRANSLATION = TranslationSymmetry(patch=7, window=8, max_operations=81)
REFLECTION = ReflectionSymmetry(radius=7, pooling=9)
DESCRIPTORS = {
    "translation": TRANSLATION,
    "reflection": REFLECTION,
    "joined": JoinedDescriptors([TRANSLATION, REFLECTION]),
    # More than 400 operations.
    "power spectrum": PowerSpectrum(window=15),
}


@pytest.fixture(scope="session")
def frame(two_grains):
    return two_grains[0].data


@pytest.fixture(scope="session")
def large_frame(frame):
    """Of 305 x 581 pixels: with a stride of 3, four tiles are scored."""
    return np.tile(frame, (5, 7))


@pytest.fixture(scope="session")
def models(frame):
    """Models of the scores of the frame, by the names of their descriptors."""
    return {
        name: SymmetryModel.fit(frame, descriptor, stride=3, period=None)
        for name, descriptor in DESCRIPTORS.items()
    }


@pytest.fixture(params=DESCRIPTORS)
def model(models, request):
    """Each of the models."""
    return models[request.param]


@pytest.fixture(scope="session")
def fitted(models):
    """The model of 81 shifts."""
    return models["translation"]
