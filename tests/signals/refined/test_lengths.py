# SPDX-License-Identifier: GPL-3.0-or-later
"""Lengths that follow the lattice period."""

import logging

import hyperspy.api as hs
import numpy as np
import pytest


def test_period_is_that_of_the_lattice(labels):
    record = labels.metadata.Symmetry_segmentation
    assert record.period == pytest.approx(9, abs=0.1)
    np.testing.assert_allclose(record.period_in_units, [0.01 * record.period] * 2)
    assert list(record.period_units) == ["nm", "nm"]


def test_period_in_the_units_of_each_axis(signal):
    other = signal.deepcopy()
    other.axes_manager["x"].scale = 0.02
    record = other.segment_symmetry(2).metadata.Symmetry_segmentation
    np.testing.assert_allclose(
        record.period_in_units, [0.01 * record.period, 0.02 * record.period]
    )


def test_reflections_are_those_of_the_grains(labels):
    reflections = labels.metadata.Symmetry_segmentation.reflections
    orders = []
    for angle in np.deg2rad([5, 41]):
        cosine, sine = np.cos(angle), np.sin(angle)
        orders.append(9 * reflections @ np.array([[sine, cosine], [cosine, -sine]]))
    away = [np.abs(order - np.rint(order)).max(axis=1) for order in orders]
    assert (np.min(away, axis=0) < 0.03).all()
    # There are some of each grain.
    assert {0, 1} == set(np.argmin(away, axis=0))


@pytest.mark.parametrize("refine", [True, False])
def test_lengths_follow_the_period(signal, refine):
    found = signal.segment_symmetry(2, refine=refine)
    # 1.75 periods, and 0.42 periods a stride; twice as far if it is refined.
    assert found.model.descriptor.window == (16, 16)
    assert found.model.stride == ((8, 8) if refine else (4, 4))


def test_lengths_grow_with_the_pixels_in_a_period(signal):
    fine = hs.signals.Signal2D(np.kron(signal.data, np.ones((2, 2))))
    found = fine.segment_symmetry(2)
    assert found.metadata.Symmetry_segmentation.period == pytest.approx(18, abs=0.2)
    assert found.model.descriptor.window == (32, 32)


@pytest.mark.parametrize(
    "given", [{"patch": "auto"}, {"stride": "auto", "window": "auto", "patch": "auto"}]
)
def test_auto_is_the_default_of_lengths(signal, labels, given):
    assert signal.segment_symmetry(2, **given).model == labels.model


def test_lengths_that_are_given_mean_what_they_say(signal):
    model = signal.segment_symmetry(2, patch=11, window=(9, 10), stride=(6, 5)).model
    assert model.descriptor.patch == (11, 11)
    assert model.descriptor.window == (9, 10)
    assert model.stride == (6, 5)


def test_a_length_that_is_given_leaves_the_others_to_the_period(signal, labels):
    model = signal.segment_symmetry(2, patch=0.12).model
    assert model.descriptor.patch == (12, 12)
    assert model.descriptor.window == labels.model.descriptor.window
    assert model.stride == labels.model.stride


def test_no_period_is_looked_for_if_nothing_needs_it(signal):
    plain = signal.segment_symmetry(patch=11, window=9, stride=5, refine=False)
    assert not plain.metadata.Symmetry_segmentation.has_item("period")


def test_without_a_period_there_is_a_warning(noise, caplog):
    with caplog.at_level(logging.WARNING, logger="hyperspy_symseg"):
        noise.segment_symmetry(2)
    assert "No lattice period found" in caplog.text


def test_with_a_period_there_is_no_warning(signal, caplog):
    with caplog.at_level(logging.WARNING, logger="hyperspy_symseg"):
        signal.segment_symmetry(2)
    assert not caplog.records


def test_without_a_period_labels_are_those_of_the_scores(noise):
    found = noise.segment_symmetry(2, patch=11, window=9, stride=5)
    plain = noise.segment_symmetry(patch=11, window=9, stride=5, refine=False)
    np.testing.assert_array_equal(found.data, plain.data)
    assert found.model == plain.model
    assert not found.metadata.Symmetry_segmentation.refined
    assert found.metadata.Symmetry_segmentation.period == 0


def test_without_a_period_lengths_are_those_for_12_pixels(noise):
    model = noise.segment_symmetry(2).model
    assert model.descriptor.patch == (20, 20)
    assert model.descriptor.window == (21, 21)
    assert model.stride == (5, 5)


@pytest.mark.parametrize("period", [12, np.int8(12), 0.12, np.float32(0.12)])
def test_given_period_overrules_what_is_found(signal, period):
    found = signal.segment_symmetry(2, period=period)
    record = found.metadata.Symmetry_segmentation
    assert record.period == pytest.approx(12)
    assert not record.auto_period
    np.testing.assert_allclose(record.period_in_units, [0.12, 0.12])
    assert found.model.templates.period == pytest.approx(12)
    # 1.75 periods, and 0.42 periods twice.
    assert found.model.descriptor.window == (21, 21)
    assert found.model.stride == (10, 10)


def test_given_period_is_not_rounded(signal):
    model = signal.segment_symmetry(2, period=0.0937).model
    assert model.templates.period == pytest.approx(9.37)


def test_given_period_of_the_scores_alone(signal):
    model = signal.segment_symmetry(period=12, refine=False).model
    assert model.descriptor.window == (21, 21)
    assert model.templates is None


def test_period_may_be_given_where_none_is_found(signal):
    noise = signal.deepcopy()
    noise.data = np.random.default_rng(0).poisson(3.0, noise.data.shape)
    record = noise.segment_symmetry(2, period=12).metadata.Symmetry_segmentation
    assert (record.period, record.reflections_share) == (12, 0)


def test_given_period_of_a_series(series):
    lazy = series.as_lazy().segment_symmetry(2, period=12)
    assert lazy.model.templates.period == 12
    found = series.segment_symmetry(2, period=12)
    np.testing.assert_array_equal(lazy.data.compute(), found.data)


def test_period_of_the_model_may_be_repeated(signal, labels):
    period = labels.metadata.Symmetry_segmentation.period_in_units[0]
    found = signal.segment_symmetry(model=labels.model, period=float(period))
    np.testing.assert_array_equal(found.data, labels.data)


def test_another_period_than_that_of_the_model_is_an_error(signal, labels):
    rule = r"^period must be 9\.\d+ pixels, or \"auto\", with this model, got 12\.$"
    with pytest.raises(ValueError, match=rule):
        signal.segment_symmetry(model=labels.model, period=12)


@pytest.mark.parametrize(
    ("period", "error", "told"),
    [
        ((9, 9), TypeError, r'must be "auto", an int of pixels, or a float'),
        (None, TypeError, r'must be "auto", an int of pixels, or a float'),
        (True, TypeError, r'must be "auto", an int of pixels, or a float'),
        ("long", TypeError, r'must be "auto", an int of pixels, or a float'),
        (1, ValueError, "must be from 2 to 160 pixels, the shorter side, got 1"),
        (161, ValueError, "must be from 2 to 160 pixels"),
        (2.0, ValueError, "got 2.0, which is 200 pixels of 0.01 nm"),
        (np.nan, ValueError, "must be from 2 to 160 pixels"),
    ],
)
def test_period_that_is_none(signal, period, error, told):
    with pytest.raises(error, match=f"^period .*{told}"):
        signal.segment_symmetry(period=period)


def test_period_in_the_unit_of_axes_that_differ_is_an_error(signal):
    other = signal.deepcopy()
    other.axes_manager["x"].scale = 0.02
    with pytest.raises(ValueError, match="pixels of equal size .* float as period"):
        other.segment_symmetry(period=0.09)


def test_period_that_nothing_follows_from_is_an_error(signal):
    given = {"patch": 9, "window": 9, "stride": 4, "refine": False}
    with pytest.raises(ValueError, match="^period must be .* where nothing follows"):
        signal.segment_symmetry(period=9, **given)


def test_given_period_is_plotted(signal):
    found = signal.segment_symmetry(2, period=12)
    assert found.plot_periods(signal).get_title().startswith("Period 12.00 px")
