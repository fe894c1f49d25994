# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest
from scipy import signal

from hyperspy_symseg.networks.layers import (
    conv2d,
    dense,
    dropout,
    relu,
    softmax,
    upsample,
)

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 9, 12)).astype(np.float32)
KERNELS = RNG.normal(size=(4, 3, 5, 3)).astype(np.float32)
BIAS = RNG.normal(size=4).astype(np.float32)


def correlated(stride, padding):
    """Channel by channel, by SciPy."""
    wide = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded = np.pad(X, wide)
    found = [
        [
            sum(map(lambda a, b: signal.correlate(a, b, "valid"), image, kernels))
            for kernels in KERNELS
        ]
        for image in padded
    ]
    found = np.array(found) + BIAS[:, np.newaxis, np.newaxis]
    return found[..., ::stride, ::stride]


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
def test_convolutions_are_correlations(stride, padding):
    found = conv2d(X, KERNELS, BIAS, stride, padding)
    np.testing.assert_allclose(found, correlated(stride, padding), atol=1e-5)
    assert found.dtype == np.float32


def test_images_of_several_bands():
    x = RNG.normal(size=(1, 1, 60, 80)).astype(np.float32)
    kernels = KERNELS[:1, :1, :3]
    expected = signal.correlate(x[0, 0], kernels[0, 0], "same") + BIAS[0]
    found = conv2d(x, kernels, BIAS[:1], 1, 1)
    np.testing.assert_allclose(found[0, 0], expected, atol=1e-5)


def test_upsampled_values_are_there_four_times():
    x = RNG.normal(size=(2, 3, 4, 5)).astype(np.float32)
    found = upsample(x)
    np.testing.assert_array_equal(found, x.repeat(2, axis=2).repeat(2, axis=3))
    assert found.dtype == np.float32


def test_convolution_by_hand():
    x = np.arange(9, dtype=np.float32).reshape(1, 1, 3, 3)
    kernels = np.array([[[[1, 2], [0, -1]]]], np.float32)
    # 0 + 2 * 1 - 4 and so on.
    found = conv2d(x, kernels, np.full(1, 10, np.float32))
    np.testing.assert_array_equal(found, [[[[8, 10], [14, 16]]]])


@pytest.mark.parametrize("x", [X[:, :2], X[:, :, :4]])
def test_kernels_have_to_fit(x):
    with pytest.raises(ValueError, match="kernels must have the channels of x"):
        conv2d(x, KERNELS, BIAS)


def test_dense_is_a_matrix_product():
    weights = np.array([[1, 2, 3], [0, -1, 1]], np.float32)
    found = dense(np.array([[1, 1, 2]], np.float32), weights, np.float32([0.5, 1]))
    np.testing.assert_array_equal(found, [[9.5, 2]])


def test_relu_keeps_what_is_positive():
    np.testing.assert_array_equal(relu(np.float32([-1, 0, 2])), [0, 0, 2])


def test_softmax_of_large_logits():
    found = softmax(np.array([[1000.0, 1000 + np.log(3)], [-1000, -1000]]))
    np.testing.assert_allclose(found, [[0.25, 0.75], [0.5, 0.5]])


def test_dropout_keeps_the_mean():
    found = dropout(np.ones((300, 400), np.float32), 0.3, np.random.default_rng(1))
    assert set(np.unique(found)) == {0, np.float32(1) / np.float32(0.7)}
    assert (found == 0).mean() == pytest.approx(0.3, abs=0.005)
    assert found.dtype == np.float32


def test_dropout_of_nothing_changes_nothing():
    np.testing.assert_array_equal(dropout(X, 0, np.random.default_rng(1)), X)


def test_layers_are_those_of_torch():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    x, kernels, bias = map(torch.from_numpy, (X, KERNELS, BIAS))
    expected = functional.conv2d(x, kernels, bias, stride=2, padding=2)
    found = conv2d(X, KERNELS, BIAS, 2, 2)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
    expected = functional.linear(x[..., :4], kernels[:, 0, 0, :1].repeat(1, 4), bias)
    found = dense(X[..., :4], np.repeat(KERNELS[:, 0, 0, :1], 4, axis=1), BIAS)
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)
