# SPDX-License-Identifier: GPL-3.0-or-later
"""Fewer patterns than asked for: a model that has as many as there are, and a word."""

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate

from .conftest import chunked, grains

TOO_MANY = "n_patterns must be at most the number of patterns that have pixels"


def segment(signal, n_patterns, **options):
    return signal.segment_symmetry(n_patterns, show_progressbar=False, **options)


def moire():
    """Atoms of 6.2 pixels under a moire of 42, whose period is found."""
    rng, shape = np.random.default_rng(0), (256, 256)
    y, x = np.mgrid[: shape[0], : shape[1]]
    turns = np.radians([-44, 16, 76])
    atoms = sum(
        np.cos(2 * np.pi / 6.2 * (x * np.cos(turn) + y * np.sin(turn)))
        for turn in turns
    )
    frame = atoms / 3 + 3 * np.cos(2 * np.pi / 42.4 * x)
    noise = rng.normal(0, 0.4, shape) + rng.normal(0, 0.3, (shape[0], 1))
    return hs.signals.Signal2D(frame + noise)


def crystal(dose=30):
    lattice = simulate.Lattice.square(13, orientation=5)
    return simulate.micrograph(lattice, (256, 256), dose=dose)[0]


def test_atoms_under_a_moire_are_one_pattern():
    labels = segment(moire(), "auto")
    assert labels.n_patterns == 1
    assert labels.model.templates.period == pytest.approx(6.2, abs=0.05)


def test_one_crystal_is_one_pattern(caplog):
    labels = segment(crystal(), 2)
    assert labels.n_patterns == labels.model.n_patterns == 1
    assert len(labels.model.counts) == labels.model.templates.n_patterns == 1
    np.testing.assert_array_equal(np.unique(labels.data), [0])
    assert f"{TOO_MANY}, which is 1, got 2" in caplog.text


def test_two_grains_are_no_three(caplog):
    signal, truth = grains(dose=10, shape=(200, 230), at=100)
    labels = segment(signal, 3)
    if labels.n_patterns == 3:
        # Then each of them has pixels, or a word tells why not.
        assert len(np.unique(labels.data)) == 3
        return
    assert TOO_MANY in caplog.text
    agree = (labels.data == truth).mean()
    assert max(agree, 1 - agree) > 0.97


@pytest.mark.parametrize("n_patterns", [2, 3])
def test_labels_are_those_of_the_model_that_is_kept(n_patterns):
    signal = crystal()
    labels = segment(signal, n_patterns)
    again = labels.model.predict(signal.data)
    np.testing.assert_array_equal(again, labels.data)


def test_eager_and_lazy_find_as_many():
    signal = crystal()
    eager = segment(signal, 2)
    lazy = segment(chunked(signal, (128, 100)), 2)
    assert eager.model == lazy.model
    np.testing.assert_array_equal(eager.data, lazy.data.compute())


def test_scores_of_lattices_that_are_none(caplog):
    signal = hs.signals.Signal2D(np.random.default_rng(3).poisson(9, (150, 170)))
    segment(signal, 2)
    assert "labels are those of the scores alone" in caplog.text
