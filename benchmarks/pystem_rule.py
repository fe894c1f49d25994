# SPDX-License-Identifier: GPL-3.0-or-later
"""The peer's rotation and reflection scores, from our polar samples.

Its score is an uncentred cosine of r times the intensity less its mean in a square
around the patch; ours is Pearson's coefficient, with the mean of the patch itself and
the weight r. Folds and axes come in the same order on both sides: its angles too are
from x towards y.
"""

import numpy as np
from scipy import ndimage

from hyperspy_symseg.descriptors import ReflectionSymmetry, RotationSymmetry
from hyperspy_symseg.descriptors.polar import polar_samples
from hyperspy_symseg.frames import Grid

FOLDS, N_AXES, N_ANGLES = (2, 3, 4, 6), 10, 60
OURS = {
    "rotation": RotationSymmetry(folds=FOLDS, n_angles=N_ANGLES, pooling=1),
    "reflection": ReflectionSymmetry(n_axes=N_AXES, n_angles=N_ANGLES, pooling=1),
}
PLACES = np.arange(N_ANGLES)
# For each operation, the places of the samples that one or more mappings lead to.
IMAGES = {
    "rotation": [
        [PLACES + k * N_ANGLES // fold for k in range(1, fold)] for fold in FOLDS
    ],
    "reflection": [[k * N_ANGLES // N_AXES - PLACES] for k in range(N_AXES)],
}


def scores_by_peer_rule(frame, grid, radius, square, images):
    """Scores of the operations: (operations, grid rows, grid columns)."""
    # `polar_samples` leaves such a frame as it is, if the grid is all over it.
    frame = frame - frame.mean()
    frame /= 2 * np.abs(frame).max()
    means = ndimage.uniform_filter(frame, 2 * square + 1)
    samples = polar_samples(frame, grid, radius, N_ANGLES)
    samples -= means[np.ix_(grid.rows, grid.columns)][..., np.newaxis, np.newaxis]
    samples *= np.arange(1, radius + 1)[:, np.newaxis]

    def product(image):
        mapped = samples.take(image, axis=-1, mode="wrap")
        return np.einsum("...rt,...rt", samples, mapped)

    norm = product(PLACES)
    return [np.mean([product(i) for i in some], axis=0) / norm for some in images]


def correlations(frame, name, path, square, stride):
    """Correlations with the peer's score maps, operation by operation.

    Returns
    -------
    list of float
        Of its rule on our samples.
    list of float
        Of our own scores.
    """
    theirs = np.moveaxis(np.load(path), -1, 0)
    grid = Grid((square, square), (stride, stride), theirs.shape[1:])
    descriptor = OURS[name]
    radius, images = descriptor.radius, IMAGES[name]
    by_rule = scores_by_peer_rule(frame, grid, radius, square, images)
    own = np.moveaxis(descriptor.compute(frame, grid), -1, 0)
    return tuple(
        [
            np.corrcoef(a.ravel(), b.ravel())[0, 1]
            for a, b in zip(scores, theirs, strict=True)
        ]
        for scores in (by_rule, own)
    )
