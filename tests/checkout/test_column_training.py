# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the scripts that train the network that finds columns."""

import ast
import importlib
import platform
import subprocess
import sys

import numpy as np
import pytest
from scipy.spatial.distance import pdist

from hyperspy_symseg.networks.column_layers import ColumnNetwork

pytestmark = pytest.mark.usefixtures("training")


@pytest.fixture(scope="module")
def images():
    return importlib.import_module("column_images")


@pytest.fixture(scope="module")
def calibration():
    return importlib.import_module("column_calibration")


@pytest.fixture(scope="module")
def drawn(images):
    return [images.draw(96, (5, i)) for i in range(120)]


def test_frames_come_from_their_seed(images):
    one, again, other = (images.draw(64, (3, i)) for i in (1, 1, 2))
    assert one.image.shape == (64, 64)
    assert one.image.dtype == np.float32
    np.testing.assert_array_equal(one.image, again.image)
    np.testing.assert_array_equal(one.columns, again.columns)
    assert (one.image != other.image).any()


def test_columns_are_in_the_frame_and_apart(drawn):
    for each in drawn:
        assert (each.columns[:, :2] >= -0.5).all()
        assert (each.columns[:, :2] < 95.5).all()
        assert (each.columns[:, 2] > 0).all()
        assert pdist(each.columns[:, :2]).min(initial=99) >= 1.8 * each.width


def test_widths_and_doses_are_of_their_intervals(drawn):
    widths, doses = np.array([(each.width, each.dose) for each in drawn]).T
    assert 1.1 <= widths.min() < 1.3 < 2.4 < widths.max() <= 2.7
    assert 0.2 <= doses.min() < 1 < 500 < doses.max() <= 2000


def test_some_frames_are_empty_and_some_columns_weak(drawn):
    assert any(len(each.columns) == 0 for each in drawn)
    weights = np.concatenate([each.columns[:, 2] for each in drawn])
    assert (weights < 0.05).any()
    assert (weights > 0.9).any()


def test_columns_are_where_it_is_bright(drawn):
    """In most of the frames with many counts, as some have dark noise."""
    brighter = []
    for each in drawn:
        if each.dose > 50 and len(each.columns) > 10:
            at = np.rint(each.columns[:, :2]).astype(int)
            at = at[((at > 0) & (at < 95)).all(axis=1)]
            brighter.append(each.image[tuple(at.T)].mean() - each.image.mean())
    assert len(brighter) > 5
    assert min(brighter) > 0


def test_the_likeliest_has_the_column(calibration):
    columns = np.array([[5.0, 5, 1], [20, 20, 1]])
    found = np.array([[5.5, 5, 1, 1, 0.6], [5, 5.8, 1, 1, 0.9], [30, 20, 1, 1, 0.9]])
    found = calibration.matches(found, columns, 2.0)
    np.testing.assert_array_equal(found, [-1, 0, -1])


def test_calibration_error_by_hand(calibration):
    found = calibration.calibration_error(
        np.array([0.95, 0.95, 0.15]), np.array([True, True, False])
    )
    assert found == pytest.approx(0.25 / 3)


def test_the_package_is_right_on_frames_it_was_not_trained_on(images, calibration):
    frames = images.draw_many(40, (0, images.VALIDATION))
    said = []
    figures = calibration.report(ColumnNetwork.trained(), frames, said.append)
    assert len(said) == np.isfinite(figures[:, 0]).sum()
    assert (figures[2:, 0] > 0.8).all()
    assert 0.8 < np.nanmedian(figures[:, 3]) < 1.25


def test_frames_are_drawn_with_other_noise_again(images):
    drawn = images.draw(64, (3, 1))
    one, other = (drawn.exposed_again(np.random.default_rng(i)) for i in range(2))
    assert (one.image != other.image).any()
    np.testing.assert_array_equal(one.columns, drawn.columns)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="of x86-64 processors")
def test_newer_instructions_than_avx2_are_not_used(training):
    pytest.importorskip("torch")
    code = (
        "import columns, numpy, torch\n"
        "print(torch.backends.cpu.get_cpu_capability(), numpy.show_config('dicts'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=training,
        capture_output=True,
        text=True,
        check=True,
    )
    capability, config = done.stdout.split(" ", 1)
    assert capability in ("AVX2", "DEFAULT")
    found = ast.literal_eval(config)["SIMD Extensions"]["found"]
    assert not [name for name in found if name.startswith(("AVX512", "X86_V4"))]


def test_a_training_is_the_same_again(trained_twice):
    pytest.importorskip("torch")
    options = ["--steps", "15", "--held-out", "4", "--seed", "4"]
    _, seed, said = trained_twice("columns.py", *options)
    assert "step 15: existence" in said
    assert "written to" in said
    assert seed == 4
