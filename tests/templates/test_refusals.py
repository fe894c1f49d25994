# SPDX-License-Identifier: GPL-3.0-or-later
import numpy as np
import pytest

from hyperspy_symseg.templates.refusals import (
    REFUSALS,
    RIM,
    SUCH_AS,
    TOO_LITTLE,
    best_costs,
    gains,
    in_words,
)

COSTS = np.array([0, -40, np.inf, -38, -90])
OWN_REFUSALS = "", "", RIM, TOO_LITTLE, ""


def test_hand_worked_gains():
    # The third and the fourth are measured against the second.
    found = gains(COSTS, OWN_REFUSALS)
    np.testing.assert_array_equal(found, [0, 40, -np.inf, -2, 50])


def test_hand_worked_best_costs():
    found = best_costs(COSTS, OWN_REFUSALS)
    np.testing.assert_array_equal(found, [0, -40, -40, -40, -90])


def test_numbers_that_were_not_tried_gain_nothing():
    assert len(gains(COSTS[:2], OWN_REFUSALS)) == 2


@pytest.mark.parametrize("refusal", REFUSALS)
def test_every_reason_has_words(refusal):
    words = in_words(refusal, 7.4)
    assert "{" not in words
    assert ("7 nats" in words) == (refusal == TOO_LITTLE)


def test_examples_are_of_reasons():
    assert SUCH_AS.keys() < REFUSALS.keys()
