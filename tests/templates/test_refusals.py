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
    phrases,
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
def test_every_reason_says_what_the_number_is_worth(refusal):
    *reason, worth = phrases(refusal, 7.4)
    assert worth == ("gains only 7 nats" if refusal == TOO_LITTLE else "gains 7 nats")
    assert len(reason) == (refusal != TOO_LITTLE)


def test_what_is_not_known_is_not_said():
    assert phrases(RIM, -np.inf) == ("a pattern that is a rim of others",)


def test_examples_are_of_reasons():
    assert SUCH_AS.keys() < REFUSALS.keys()
