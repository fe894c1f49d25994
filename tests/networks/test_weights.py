# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.networks.weights import FORMAT, read_weights, write_weights

WEIGHTS = {
    "kernels": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4),
    "temperature": np.float32(0.7),
}


@pytest.fixture
def path(tmp_path):
    write_weights(tmp_path / "weights.npz", WEIGHTS, seed=5)
    return tmp_path / "weights.npz"


def rewritten(path, **changes):
    with np.load(path) as file:
        arrays = dict(file)
    with open(path, "wb") as file:
        np.savez(file, **{**arrays, **changes})


def test_weights_are_as_they_were_to_half_precision(path):
    weights, seed = read_weights(path)
    assert seed == 5
    assert weights.keys() == WEIGHTS.keys()
    expected = WEIGHTS["kernels"].astype(np.float16)
    np.testing.assert_array_equal(weights["kernels"], expected)
    assert weights["kernels"].dtype == np.float32
    assert weights["temperature"] == WEIGHTS["temperature"]


def test_weights_cannot_be_written_to(path):
    weights, _ = read_weights(path)
    with pytest.raises(ValueError, match="read-only"):
        weights["kernels"][0] = 1


def test_files_of_one_training_are_the_same(path, tmp_path):
    write_weights(tmp_path / "again.npz", WEIGHTS, seed=5)
    assert (tmp_path / "again.npz").read_bytes() == path.read_bytes()


def test_a_missing_file_says_what_to_do(tmp_path):
    with pytest.raises(FileNotFoundError, match="missing: install .* or train"):
        read_weights(tmp_path / "none.npz")


def test_a_changed_file_says_what_to_do(path):
    rewritten(path, kernels=np.zeros((2, 3, 4), np.float16))
    with pytest.raises(ValueError, match=r"checksum differs: install .* or train"):
        read_weights(path)


@pytest.mark.parametrize("name", ["seed", "temperature"])
def test_a_changed_number_is_seen_too(path, name):
    rewritten(path, **{name: np.array(6)})
    with pytest.raises(ValueError, match="checksum differs"):
        read_weights(path)


@pytest.mark.parametrize("version", [np.array(FORMAT + 1), np.array([FORMAT])])
def test_another_format_says_what_to_do(path, version):
    rewritten(path, format=version)
    with pytest.raises(ValueError, match=f"of the format {FORMAT}, got .*: install"):
        read_weights(path)


@pytest.mark.parametrize("damage", [b"", b"PK", b"no archive at all"])
def test_what_is_no_archive_says_what_to_do(path, damage):
    path.write_bytes(damage)
    with pytest.raises(ValueError, match="must be a file of weights: install"):
        read_weights(path)


def test_a_truncated_file_says_what_to_do(path):
    path.write_bytes(path.read_bytes()[:-30])
    with pytest.raises(ValueError, match="must be a file of weights: install"):
        read_weights(path)


def test_nothing_is_unpickled(path):
    rewritten(path, kernels=np.array([print], object))
    with pytest.raises(ValueError, match="must be a file of weights: install"):
        read_weights(path)
