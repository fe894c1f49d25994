# SPDX-License-Identifier: GPL-3.0-or-later
"""What ``segment_symmetry`` does where templates or periods have their limits."""

import hyperspy.api as hs
import numpy as np
import pytest

from hyperspy_symseg import simulate

SQUARE = simulate.Lattice.square(9, orientation=5)
# More cells than templates are learnt from.
LARGE = 620, 660
HEXAGONAL = simulate.Lattice.hexagonal(10, orientation=20)


def halves(lattices, shape=(150, 180), **options):
    labels = np.zeros(shape, np.int8)
    labels[:, shape[1] // 2 :] = 1
    options = {"dose": 5, "column_width": 1.5} | options
    signal, _ = simulate.micrograph(lattices, boundary=labels, **options)
    return signal, labels


@pytest.fixture(scope="module")
def signal():
    return halves([SQUARE, SQUARE.rotated(36)])[0]


def segment(signal, **options):
    options = {"n_patterns": 2, "show_progressbar": False} | options
    return signal.segment_symmetry(**options)


def agreement(labels, truth):
    same = (labels == truth).mean()
    return max(same, 1 - same)


def test_pixels_hit_by_cosmic_rays_do_not_matter():
    signal, truth = halves([SQUARE, SQUARE.rotated(36)])
    data = signal.data.astype(float)
    data[[20, 80, 110], [30, 95, 150]] = 1e5
    found = segment(hs.signals.Signal2D(data)).data
    assert agreement(found, truth) > 0.97


@pytest.mark.parametrize("factor", [1e-200, 1e100])
def test_intensities_of_any_scale(signal, factor):
    found = segment(hs.signals.Signal2D(signal.data * factor)).data
    assert agreement(found, segment(signal).data) > 0.99


def test_mask_over_a_whole_crop():
    signal, truth = halves([SQUARE, SQUARE.rotated(36)], LARGE)
    mask = np.zeros(signal.data.shape, bool)
    mask[:200, :200] = True
    labels = segment(signal, mask=mask).data
    assert (labels[mask] == -1).all()
    assert agreement(labels[~mask], truth[~mask]) > 0.9


def test_frame_that_is_masked_in_a_series(signal):
    series = hs.stack([signal, signal], show_progressbar=False)
    mask = np.zeros(series.data.shape, bool)
    mask[0] = True
    labels = segment(series, mask=mask).data
    assert (labels[0] == -1).all()
    assert (labels[1] >= 0).all()


def test_rotations_are_not_refined():
    signal, _ = halves([SQUARE, HEXAGONAL])
    options = {"descriptor": "rotation", "n_angles": 12, "radius": 8, "step": 2}
    assert not segment(signal, **options).metadata.Symmetry_segmentation.refined


def test_patterns_too_much_alike_keep_the_labels_of_the_scores(caplog):
    # One crystal; half of it has more noise.
    data = halves([SQUARE, SQUARE])[0].data.astype(float)
    right = data[:, 90:]
    right += np.random.default_rng(1).normal(scale=data.std(), size=right.shape)
    labels = segment(hs.signals.Signal2D(data))
    assert not labels.metadata.Symmetry_segmentation.refined
    assert "too much alike" in caplog.text


def test_stride_without_a_period_is_that_of_the_fallback():
    noise = np.random.default_rng(0).poisson(5, (90, 110))
    labels = segment(hs.signals.Signal2D(noise))
    assert tuple(labels.metadata.Symmetry_segmentation.stride) == (5, 5)


def test_model_with_its_own_translations_given(signal):
    model = segment(signal, translations=[(0, 9), (9, 0), (4, 4)], patch=12).model
    shifts = np.array(model.descriptor.translations)
    again = segment(signal, model=model, translations=shifts)
    assert again.model == model


@pytest.mark.parametrize("name", ["bogus", "max_operations", "translations", "radius"])
def test_auto_is_for_lengths_that_are_found(signal, name):
    with pytest.raises((TypeError, ValueError), match=name):
        segment(signal, **{name: "auto"})


def test_length_too_large_is_an_error_before_a_frame_is_read(signal):
    with pytest.raises(ValueError, match="patch"):
        segment(signal.as_lazy(), patch=200)


@pytest.mark.parametrize(
    ("name", "value"), [("refine", None), ("refine", "yes"), ("certainty", "x")]
)
def test_flags_are_true_or_false(signal, name, value):
    with pytest.raises(TypeError, match=f"^{name} must be True"):
        segment(signal, **{name: value})


def test_certainty_with_a_model_without_templates(signal):
    model = segment(signal, refine=False).model
    with pytest.raises(ValueError, match="certainty"):
        segment(signal, model=model, certainty=True)


def test_certainty_is_nan_where_there_is_no_label(signal):
    mask = np.zeros(signal.data.shape, bool)
    mask[:30] = True
    labels = segment(signal, mask=mask)
    certainty = labels.get_certainty(signal, show_progressbar=False)
    np.testing.assert_array_equal(np.isnan(certainty.data), mask)


def test_certainty_of_another_shape(signal):
    labels = segment(signal)
    with pytest.raises(ValueError, match="shape"):
        labels.get_certainty(signal.isig[:100], show_progressbar=False)


def test_many_patterns_take_no_recursion(signal):
    with pytest.raises(ValueError, match="distinct"):
        segment(signal, n_patterns=3000)


def test_boundary_length_of_labels_without_a_step(signal):
    labels = segment(signal, refine=False)
    expected = labels.get_boundary_length().data
    del labels.metadata.Symmetry_segmentation.label_step
    np.testing.assert_array_equal(labels.get_boundary_length().data, expected)


def test_plot_of_the_periods_of_another_series(signal):
    series = hs.stack([signal] * 3, show_progressbar=False)
    labels = segment(series, model=segment(signal).model)
    assert "Period" in labels.plot_periods(series).get_title()


def test_a_particle_in_vacuum_is_enough():
    signal, truth = halves([SQUARE, SQUARE.rotated(36)], LARGE)
    y, x = np.indices(LARGE)
    particle = np.hypot(y - 310, x - 330) < 140
    found = segment(signal, mask=~particle)
    assert found.model.templates is not None
    assert agreement(found.data[particle], truth[particle]) > 0.95
    assert (found.data[~particle] == -1).all()


def test_a_pattern_that_one_frame_has():
    first, second = (
        simulate.micrograph(lattice, (190, 200), dose=5, column_width=1.5)[0].data
        for lattice in (SQUARE, SQUARE.rotated(36))
    )
    series = hs.signals.Signal2D(np.stack([first] * 8 + [second] + [first]))
    found = segment(series, fit_on=slice(None)).data
    labels = [np.bincount(frame.ravel(), minlength=2) for frame in found]
    assert [int(counts.argmax()) for counts in labels] == [1] * 8 + [0, 1]
    assert min(counts.max() for counts in labels) > 0.95 * first.size


def test_lengths_are_compared_with_the_frame_and_not_with_a_crop():
    signal, truth = halves([SQUARE, SQUARE.rotated(36)], LARGE)
    found = segment(signal, stride=190)
    assert agreement(found.data, truth) > 0.97
