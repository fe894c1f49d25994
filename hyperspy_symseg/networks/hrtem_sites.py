# SPDX-License-Identifier: GPL-3.0-or-later
"""Networks that tell what a column is, from three images at different defocus.

``training/hrtem_series.py`` trained them, on focal series of `simulate.hrtem`, from
`SERIES`. Experimental: see `doc/hrtem.md`.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage, sparse
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.tiling import even_cuts

from .hrtem_network import is_beyond
from .layers import conv2d, dense, relu, softmax
from .weights import TrainedNetwork

FOLDER = Path(__file__).parent
# Images of a series; pixels of a patch along each side, and their size in angstroms.
N_IMAGES, SIDE, PIXEL = 3, 32, 0.2
# What the intensity above the mean is multiplied by, and what defoci are divided by.
GAIN, FOCUS = 5.0, 100.0
# Channels in and out, size and stride of the kernels.
LAYERS = {
    "first": (3, 16, 3, 1),
    "second": (16, 32, 3, 2),
    "third": (32, 48, 3, 2),
    "fourth": (48, 48, 3, 2),
}
# Inputs and outputs of what follows: 4 x 4 pixels of 48 channels and three defoci; and
# features of a site beside their means over the sites within two distances, in
# angstroms. By the latter a network knows the microscope, and what columns around are.
HIDDEN = 48 * 16 + N_IMAGES, 96
AROUND = 4.0, 10.0
TOGETHER = (1 + len(AROUND)) * HIDDEN[1], 64
# Sites whose layers are worked out at once, at most, so that they stay in the cache.
AT_ONCE = 32
# Names of the classes. Of metals they are numbers of atoms, and the last one is that or
# more.
MOST_ATOMS = 15
CLASSES = {
    "MoS2": ("none", "1S", "2S", "Mo"),
    "metal": tuple(map(str, range(MOST_ATOMS + 1))),
}
# What all series were drawn from: electrons in a square angstrom of an image, pixels,
# aberrations in angstroms, and the camera.
COMMON = {
    "dose": (200.0, 12000.0),
    "pixel_size": (0.12, 0.26),
    "spherical_aberration": (-5.0, 5.0),
    "astigmatism": (0.0, 5.0),
    "focal_spread": (5.0, 15.0),
    "vibration": (0.0, 0.15),
    "mtf": (0.6, 1.0),
}
# And those of a material: with the first defocus and the step in angstroms (under
# focus), and the voltage in kV.
SERIES = {
    "MoS2": COMMON
    | {"first_defocus": (20.0, 40.0), "step": (25.0, 40.0), "voltage": (60.0, 80.0)},
    "metal": COMMON
    | {
        "first_defocus": (30.0, 60.0),
        "step": (25.0, 45.0),
        "voltage": (300.0,),
    },
}
# What is wrong too often for no word of it, in simulated series (`doc/hrtem.md`).
UNSURE = {
    "metal": "Numbers of atoms are experimental: in simulated series eight in ten are "
    "right, nearly all within one, and those of a whole particle may be off by one."
}


@dataclass(frozen=True, eq=False)
class SiteNetwork(TrainedNetwork):
    """A trained network: what sites are.

    Parameters
    ----------
    weights : dict of str and numpy.ndarray
        ``kernels`` and ``bias`` of every layer, and the temperature.
    seed : int
        What they were trained from.
    """

    def features(self, patches, defoci):
        """What the network makes of each site by itself.

        Parameters
        ----------
        patches : (n, 3, 32, 32) numpy.ndarray of float32
            From `patches_at`.
        defoci : (3,) array_like
            In angstroms.

        Returns
        -------
        (n, 96) numpy.ndarray of float32
        """
        seen = np.empty((len(patches), HIDDEN[0]), np.float32)
        seen[:, -N_IMAGES:] = np.float32(defoci) / np.float32(FOCUS)
        for own in even_cuts(len(patches), AT_ONCE):
            x = patches[own]
            for name, (_, _, size, stride) in LAYERS.items():
                kernels, bias = (
                    self.weights[f"{k}_{name}"] for k in ("kernels", "bias")
                )
                x = relu(conv2d(x, kernels, bias, stride, size // 2))
            seen[own, :-N_IMAGES] = x.reshape(len(x), -1)
        return self._hidden(seen, "hidden")

    def probabilities(self, features, places):
        """How likely each class is, by all sites around.

        Parameters
        ----------
        features : (n, 96) numpy.ndarray of float32
        places : (n, 2) numpy.ndarray
            Of the sites, in angstroms.

        Returns
        -------
        (n, classes) numpy.ndarray of float64
        """
        return softmax(self.logits(features, places) / self.weights["temperature"])

    def logits(self, features, places):
        """What the network gives: (n, classes) numpy.ndarray of float64."""
        means = [shares @ features for shares in shares_around(places)]
        x = self._hidden(np.concatenate([features, *means], axis=1), "together")
        x = dense(x, self.weights["kernels_classes"], self.weights["bias_classes"])
        return x.astype(float)

    def _hidden(self, x, name):
        """A dense layer, and what is positive of it: (n, outputs) array."""
        kernels, bias = (self.weights[f"{k}_{name}"] for k in ("kernels", "bias"))
        return relu(dense(x, kernels, bias))


def site_network(material):
    """The network of a class of materials, one of `CLASSES`: SiteNetwork.

    Raises
    ------
    FileNotFoundError, ValueError
        If its file is missing or damaged.
    """
    return SiteNetwork.trained(FOLDER / f"hrtem_sites_{material.lower()}.npz")


def patches_at(images, places, pixel_size, means=None):
    """What the network sees of places in a focal series.

    Parameters
    ----------
    images : (3, rows, columns) numpy.ndarray of float64
        NaN where a pixel is not valid.
    places : (n, 3, 2) numpy.ndarray
        Of each site in each image, (y, x) in pixels.
    pixel_size : float
        In angstroms.
    means : (3,) array_like, optional
        Of the images. By default of what is valid of them.

    Returns
    -------
    (n, 3, 32, 32) numpy.ndarray of float32
        Intensities above the mean of each image, over it; 0 outside.

    Examples
    --------
    >>> images = np.ones((3, 40, 50))
    >>> patches_at(images, np.full((5, 3, 2), 20.0), 0.2).shape
    (5, 3, 32, 32)
    """
    step = np.arange(SIDE) - (SIDE - 1) / 2
    step *= PIXEL / pixel_size
    found = np.empty((len(places), N_IMAGES, SIDE, SIDE), np.float32)
    for i, image in enumerate(images):
        mean = (np.nanmean(image) if means is None else means[i]) or 1.0
        image = GAIN * np.nan_to_num(image / mean - 1)
        y = places[:, i, 0, None, None] + step[:, None] + np.zeros(SIDE)
        x = places[:, i, 1, None, None] + step[None, :] + np.zeros((SIDE, 1))
        found[:, i] = ndimage.map_coordinates(image, [y, x], order=1, mode="constant")
    return found


def shares_around(places):
    """Shares that sites have in the means around each: list of (n, n) sparse arrays.

    One for each distance of `AROUND`, of float32; a site is one of those around it.

    Parameters
    ----------
    places : (n, 2) array_like
        In angstroms.

    Examples
    --------
    >>> near, far = shares_around([[0, 0], [0, 3], [0, 9], [0, 30]])
    >>> near.toarray()[1].tolist(), far.toarray()[0].sum().round(3)
    ([0.5, 0.5, 0.0, 0.0], np.float32(1.0))
    """
    places = np.asarray(places, float).reshape(-1, 2)
    tree, n = cKDTree(places), len(places)
    found = []
    for distance in AROUND:
        one, other = tree.query_pairs(distance, output_type="ndarray").T
        own = np.arange(n)
        rows, columns = (
            np.concatenate(x) for x in ((one, other, own), (other, one, own))
        )
        counts = np.bincount(rows, minlength=n)
        shares = (1 / counts[rows]).astype(np.float32)
        found.append(sparse.csr_array((shares, (rows, columns)), shape=(n, n)))
    return found


def warn_of_series(material, asked):
    """Say what of a series the network was not trained for, and what it is bad at.

    Parameters
    ----------
    material : {"MoS2", "metal"}
    asked : dict of str and float
        Some of the names of `SERIES`, and their values.
    """
    if material in UNSURE:
        warnings.warn(UNSURE[material], stacklevel=6)
    outside = []
    for name, value in asked.items():
        own = SERIES[material][name.split()[-1]]
        if is_beyond(value, min(own), max(own)):
            known = " to ".join(f"{x:g}" for x in own)
            outside.append(f"{name} {value:.4g} (trained: {known})")
    if outside:
        warnings.warn(
            f"The network of {material} was not trained for such a focal series, and "
            f"its probabilities may be wrong: {', '.join(outside)}.",
            stacklevel=6,
        )
