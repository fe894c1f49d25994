# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.frames.threads import workers
from hyperspy_symseg.templates import Templates
from hyperspy_symseg.templates.blocks import sum_blocks
from hyperspy_symseg.templates.misfit_variance import (
    fit_of_cells,
    misfit_variance,
    one_pattern,
)
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame

from .conftest import PERIOD, REFLECTIONS, two_lattices


def one():
    return Templates(PERIOD, 1, [0, 0], REFLECTIONS[0], [0.3, 0.2], 1.0)


def test_one_pattern_has_the_reflections_of_all(two_grains):
    normalized, _ = two_grains
    templates = one_pattern(normalized, PERIOD)
    assert templates.n_patterns == 1
    for reflection in np.concatenate(REFLECTIONS):
        distance = np.minimum(
            *(
                np.hypot(*(templates.reflections - sign * reflection).T).min()
                for sign in (1, -1)
            )
        )
        assert distance < 0.01


def test_fit_is_the_product_with_the_template(two_grains):
    normalized, _ = two_grains
    templates = one()
    everywhere = np.ones((1, *normalized.counts.shape), np.float32)
    [template] = templates.each_expected(normalized, everywhere)
    expected = sum_blocks(normalized.pixels * template, 9) / 2
    found = fit_of_cells(templates, normalized)
    assert found.shape == normalized.cell_counts.shape
    np.testing.assert_allclose(found, expected, rtol=1e-3, atol=1e-3)


def test_threads_do_not_change_the_fit(two_grains):
    normalized, _ = two_grains
    with workers(1):
        expected = fit_of_cells(one(), normalized)
    with workers(2):
        found = fit_of_cells(one(), normalized)
    np.testing.assert_array_equal(found, expected)


def test_fit_varies_where_there_are_two_crystals():
    frame, _ = two_lattices(shape=(150, 450), at=225)
    normalized = NormalizedFrame(frame, None, PERIOD)
    cuts = [np.s_[0:144, 0:144], np.s_[0:144, 153:297]]
    of_one, of_two = misfit_variance(one(), normalized, cuts)
    assert of_two > 5 * of_one


def test_where_there_are_no_pixels_nothing_varies():
    frame, _ = two_lattices(shape=(90, 180), at=90)
    mask = np.zeros(frame.shape, bool)
    mask[:, :90] = True
    normalized = NormalizedFrame(frame, mask, PERIOD)
    cuts = [np.s_[0:90, 0:90], np.s_[0:90, 90:180]]
    masked, other = misfit_variance(one(), normalized, cuts)
    assert masked == 0
    assert other > 0


@pytest.mark.parametrize("n", [1, 3])
def test_windows_are_judged_on_their_own(two_grains, n):
    normalized, _ = two_grains
    cuts = [np.s_[0:72, 36 * i : 36 * i + 81] for i in range(n)]
    found = misfit_variance(one(), normalized, cuts)
    assert found.shape == (n,)
    alone = [misfit_variance(one(), normalized, [cut])[0] for cut in cuts]
    np.testing.assert_array_equal(found, alone)
