# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the scripts that train the network, which are not in the package."""

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hyperspy_symseg.lattice.bravais import reduced_cell, strains
from hyperspy_symseg.lattice.fourier_nodes import windows
from hyperspy_symseg.lattice.naming import name_crystal
from hyperspy_symseg.networks.symmetry_network import CLASSES, SymmetryNetwork
from hyperspy_symseg.networks.weights import read_weights

FOLDER = Path(__file__).parents[2] / "training"


@pytest.fixture(scope="module")
def images():
    sys.path.insert(0, str(FOLDER))
    try:
        yield importlib.import_module("symmetry_images")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.mark.parametrize("kind", CLASSES[:-1])
def test_lattices_are_of_their_class_and_of_no_other(images, kind):
    for seed in range(20):
        drawn = images.draw(kind, seed)
        cell = reduced_cell(drawn.vectors)
        found = strains(cell.shape)
        assert found[kind] < 1e-6
        # A square lattice is of the classes that have less symmetry, too.
        above = {
            "oblique": CLASSES[1:5],
            "rectangular": ("square", "hexagonal", "centred rectangular"),
            "centred rectangular": ("square", "hexagonal", "rectangular"),
        }.get(kind, ())
        assert all(found[other] > 0.06 for other in above)
        assert 9 <= abs(np.linalg.det(drawn.vectors)) ** 0.5 <= 20
        assert 0.3 <= drawn.dose <= 30


@pytest.mark.parametrize("kind", CLASSES)
def test_images_are_counts_that_come_from_their_seed(images, kind):
    one, again, other = (images.draw(kind, seed).image for seed in (3, 3, 4))
    assert one.shape == (128, 128)
    assert one.dtype == np.uint16
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()


def test_classes_come_in_turn(images):
    drawn = list(images.draw_many(2, (0, 1)))
    assert [each.kind for each in drawn] == [*CLASSES, *CLASSES]
    again = next(images.draw_many(1, (0, 2)))
    assert (again.image != drawn[0].image).any()


def test_what_has_no_lattice_has_none(images):
    found = [
        name_crystal(windows(images.draw("none", seed).image)) for seed in range(6)
    ]
    assert {each.reason for each in found} == {"no lattice"}


def test_the_package_is_right_on_images_it_was_not_trained_on(images):
    network, right = SymmetryNetwork.trained(), []
    for drawn in images.draw_many(10, (0, images.VALIDATION)):
        weights, _ = network.weigh(drawn.image)
        right.append(CLASSES[weights.argmax()] == drawn.kind)
    # 0.97 of 900: fewer than 54 of 60 would be one chance in two hundred.
    assert np.mean(right) >= 0.9


def test_a_training_is_the_same_again(tmp_path):
    pytest.importorskip("torch")
    for name in ("one.npz", "again.npz"):
        options = ["--images", "12", "--epochs", "2", "--held-out", "2"]
        options += ["--seed", "4", "--weights", tmp_path / name]
        done = subprocess.run(
            [sys.executable, "train_symmetry.py", *options],
            cwd=FOLDER,
            capture_output=True,
            text=True,
            check=True,
        )
        assert "epoch 2" in done.stdout
        assert "the same, temperature" in done.stdout
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "again.npz").read_bytes()
    weights, seed = read_weights(tmp_path / "one.npz")
    assert seed == 4
    found, _ = SymmetryNetwork(weights, seed).weigh(np.eye(128))
    assert found.sum() == pytest.approx(1)
