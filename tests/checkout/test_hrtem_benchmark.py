# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of the benchmark of columns in HRTEM."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from hyperspy_symseg.networks.hrtem_network import RANGES

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def benchmark(monkeypatch):
    # A script of the same name trains the networks.
    monkeypatch.syspath_prepend(FOLDER)
    spec = importlib.util.spec_from_file_location("hrtem_bench", FOLDER / "hrtem.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("sign", [1, -1])
def test_the_sign_is_that_against_what_is_between_columns(benchmark, sign):
    y, x = np.indices(benchmark.SHAPE)
    columns = np.array([[a, b] for a in range(80, 180, 12) for b in range(90, 200, 12)])
    # A particle that is darker than its support.
    inside = (abs(y - 128) < 60) & (abs(x - 144) < 68)
    values = np.where(inside, 0.5, 1.0)
    for a, b in columns:
        values += sign * 0.2 * np.exp(-((y - a) ** 2 + (x - b) ** 2) / 2 / 2.0**2)
    scene = benchmark.Scene(
        "dark", 0, values, columns.astype(float), None, None, 12.0, 2.6, 1
    )
    assert benchmark.sign_of(scene) == sign


@pytest.mark.parametrize("material", RANGES)
def test_frames_are_of_the_range(benchmark, material):
    own = RANGES[material]
    drawn = [
        benchmark.microscope_of(material, np.random.default_rng(i)) for i in range(20)
    ]
    noted = benchmark.NOTED[material], benchmark.NOTED_PIXELS[material]
    for microscope, pixel in [noted, *drawn]:
        assert own["pixel_size"][0] <= pixel <= own["pixel_size"][1]
        assert microscope.voltage in own["voltage"]
        for name in ("defocus", "spherical_aberration", "astigmatism", "focal_spread"):
            low, high = own[name]
            assert low <= getattr(microscope, name) <= high


def test_few_places_seem_wrong_even_if_their_probabilities_are_right(benchmark):
    # Of n places of 0.95 in one bin: the mean deviation of a binomial share.
    for n in (30, 3000):
        found = benchmark.least_calibration_error(np.full(n, 0.95))
        expected = np.sqrt(2 / np.pi * 0.95 * 0.05 / n)
        assert found == pytest.approx(expected, rel=0.25)
