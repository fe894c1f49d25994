# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import signal

from hyperspy_symseg import simulate
from hyperspy_symseg.networks.symmetry_network import (
    CLASSES,
    FILE,
    PASSES,
    SymmetryNetwork,
    example_spectra,
)
from hyperspy_symseg.networks.turned_spectra import turned_spectra
from hyperspy_symseg.networks.weights import read_weights

LATTICES = {
    "oblique": simulate.Lattice.oblique(12, 14, 75, orientation=10),
    "rectangular": simulate.Lattice.rectangular(11, 15, orientation=33),
    "centred rectangular": simulate.Lattice.centred(16, 21, orientation=70),
    "square": simulate.Lattice.square(13, orientation=5),
    "hexagonal": simulate.Lattice.hexagonal(14, orientation=50),
    "none": simulate.Amorphous(0.006, 9),
}


@pytest.fixture(scope="module")
def network():
    return SymmetryNetwork.trained()


def window(name, seed=0):
    return simulate.micrograph(LATTICES[name], (128, 128), seed=seed)[0].data


def test_logits_are_those_of_torch(network):
    # The training wrote what torch gives for the same weights.
    expected = network.weights["torch_logits"]
    found = network.logits(network.features(example_spectra()))
    assert np.ptp(expected) > 1
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_layers_are_in_order(network):
    """An independent, slow forward pass."""
    w = network.weights
    spectrum = example_spectra()[0]
    images = [(spectrum - w["mean"]) / w["spread"]]
    for i in range(3):
        kernels = w[f"kernels{i}"]
        images = [
            np.maximum(
                sum(
                    signal.correlate(image, kernel, "same")
                    for image, kernel in zip(images, own, strict=True)
                )[::2, ::2]
                + bias,
                0,
            )
            for own, bias in zip(kernels, w[f"bias{i}"], strict=True)
        ]
    hidden = np.maximum(w["dense0"] @ np.ravel(images) + w["dense_bias0"], 0)
    expected = w["dense1"] @ hidden + w["dense_bias1"]
    found = network.logits(network.features(spectrum[np.newaxis]))
    np.testing.assert_allclose(found[0], expected, atol=1e-4)


@pytest.mark.parametrize("name", CLASSES)
def test_clear_lattices_are_told(network, name):
    weights, _ = network.weigh(window(name))
    assert CLASSES[weights.argmax()] == name


def test_weights_and_spreads_are_those_of_the_passes(network):
    frame = window("oblique")
    weights, spreads = network.weigh(frame, (5, 7))
    passes = network.passes(turned_spectra(frame), (network.seed, 5, 7))
    assert passes.shape == (PASSES, len(CLASSES))
    scaled = np.exp(passes.astype(float) / float(network.weights["temperature"]))
    each = scaled / scaled.sum(axis=1, keepdims=True)
    mean = np.exp(np.log(each).mean(axis=0))
    np.testing.assert_allclose(weights, mean / mean.sum(), atol=1e-5)
    np.testing.assert_allclose(spreads, each.std(axis=0), atol=1e-5)
    assert (spreads > 0).any()


def test_the_place_is_the_seed(network):
    one, again, other = (
        network.weigh(window("oblique"), place)[0] for place in ((3, 4), (3, 4), (4, 3))
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_means_of_many_places_are_near_those_without_dropout(network):
    spectra = turned_spectra(window("square"))
    places = range(40)
    dropped = np.mean([network.passes(spectra, (0, i)) for i in places], axis=(0, 1))
    both = np.concatenate([spectra, spectra[..., ::-1]])
    plain = network.logits(network.features(both)).mean(axis=0)
    assert np.corrcoef(dropped, plain)[0, 1] > 0.98


def test_the_file_is_small_and_knows_its_seed():
    assert FILE.stat().st_size < 1e6
    assert read_weights(FILE)[1] == 0
