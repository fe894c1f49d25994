# SPDX-License-Identifier: GPL-3.0-or-later
from typing import ClassVar

import numpy as np
from scipy import signal

from hyperspy_symseg.networks.u_net import REACH, UNet, cells, u_net_layers

LAYERS = u_net_layers(2, (3, 4, 5, 6), 7)


class Network(UNet):
    layers: ClassVar[dict] = LAYERS


def network():
    rng, weights = np.random.default_rng(0), {}
    for name, (n_seen, n_told, size, _) in LAYERS.items():
        kernels = rng.normal(size=(n_told, n_seen, size, size))
        weights[f"kernels_{name}"] = kernels.astype(np.float32) / size / 2
        weights[f"bias_{name}"] = rng.normal(size=n_told).astype(np.float32)
    return Network(weights, 0)


def images(rows, columns):
    return np.random.default_rng(1).normal(size=(2, 2, rows, columns)).astype("f4")


def test_layers_by_hand():
    assert LAYERS == {
        "enter0": (2, 3, 4, 2),
        "down0": (3, 3, 3, 1),
        "enter1": (3, 4, 2, 2),
        "down1": (4, 4, 3, 1),
        "enter2": (4, 5, 2, 2),
        "down2": (5, 5, 3, 1),
        "enter3": (5, 6, 2, 2),
        "down3": (6, 6, 3, 1),
        "bottom3": (6, 6, 3, 1),
        "leave3": (6, 5, 1, 1),
        "up2": (10, 5, 3, 1),
        "leave2": (5, 4, 1, 1),
        "up1": (8, 4, 3, 1),
        "leave1": (4, 3, 1, 1),
        "up0": (6, 3, 3, 1),
        "last0": (3, 3, 3, 1),
        "cells": (3, 7, 1, 1),
    }


def test_layers_are_in_order():
    """An independent, slow forward pass."""
    net = network()

    def layer(name, x):
        _, _, size, stride = LAYERS[name]
        around = (size - stride + 1) // 2
        padded = np.pad(x, ((0, 0), (around, around), (around, around)))
        found = [
            sum(map(lambda a, b: signal.correlate(a, b, "valid"), padded, own))
            for own in net.weights[f"kernels_{name}"].astype(float)
        ]
        found = np.array(found)[:, ::stride, ::stride]
        found += net.weights[f"bias_{name}"][:, np.newaxis, np.newaxis]
        return found if name == "cells" else np.maximum(found, 0)

    def doubled(x):
        return np.kron(x, np.ones((1, 2, 2)))

    x = images(16, 32)
    found = net.cells_of(x)
    assert found.shape == (2, 7, 8, 16)
    for own, seen in zip(found, x, strict=True):
        expected = cells(seen, layer, doubled, lambda a, b: np.concatenate([a, b]))
        np.testing.assert_allclose(own, expected, rtol=1e-3, atol=1e-3)


def test_cells_depend_on_nothing_out_of_reach():
    net = network()
    x = images(16, 2 * REACH + 32)
    other = x.copy()
    other[..., :16] = 5
    before, after = net.cells_of(x), net.cells_of(other)
    assert (before[..., 0] != after[..., 0]).any()
    far = (16 + REACH) // 2
    np.testing.assert_array_equal(before[..., far:], after[..., far:])
