# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np

from hyperspy_symseg.templates.motif_variation import motif_varies

from .test_motifs import DISORDERED, frame_of, one_pattern, ordered, polar
from .waves import CELL, FACTORS, PERIOD, normalized, waves, with_noise


def test_one_motif_does_not_vary():
    frame = normalized(with_noise(waves(FACTORS)))
    assert not motif_varies(frame, one_pattern(frame, CELL, PERIOD), 0)


def test_a_column_that_moves_is_a_motif_that_varies():
    frame, _ = frame_of([polar(0.06), polar(-0.06)])
    assert motif_varies(frame, one_pattern(frame), 0)


def test_order_at_half_of_the_nodes_is_a_motif_that_varies():
    frame, _ = frame_of([ordered(0), ordered(0.25)], 9.0)
    assert motif_varies(frame, one_pattern(frame, DISORDERED, 9.0), 0)


def test_what_is_learnt_stays_as_it_was():
    frame, _ = frame_of([polar(0.06), polar(-0.06)])
    solution = one_pattern(frame)
    before = solution.groups[0].learner.factors.copy()
    motif_varies(frame, solution, 0)
    np.testing.assert_array_equal(solution.groups[0].learner.factors, before)
