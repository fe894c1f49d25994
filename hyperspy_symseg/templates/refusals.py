# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a number of patterns does not count."""

import numpy as np

# Cells that a pattern has to have, but for the only crystal.
FEWEST_CELLS = 20
# Numbers that do not count, one after the other, until no more are tried: each takes as
# long as all before it.
MOST_REFUSED = 2

TOO_SMALL, RIM, ALIKE = "a pattern too small", "a rim of others", "much alike"
ONE_CRYSTAL, ONE_MOTIF = "two patterns of one crystal", "one motif that varies"
TOO_LITTLE, NOT_TRIED = "gains too little", "not tried"
#: Each reason, as files hold it, in words.
REFUSALS = {
    TOO_SMALL: f"a pattern of fewer than {FEWEST_CELLS} cells",
    RIM: "a pattern that is a rim of others",
    ONE_CRYSTAL: "two patterns of one crystal",
    ONE_MOTIF: "two patterns of one motif that varies",
    ALIKE: "two patterns much alike",
    TOO_LITTLE: "a gain too little",
    NOT_TRIED: f"not tried, as {MOST_REFUSED} numbers in turn were refused",
}
#: What may be meant.
SUCH_AS = {
    RIM: "such as a grain boundary",
    ONE_CRYSTAL: "such as the blurred half of a grain",
}


def gains(costs, refusals):
    """What each number of patterns is worth more than the best smaller one, in nats.

    Parameters
    ----------
    costs : (numbers,) numpy.ndarray
        Of 1 pattern, 2 and so on.
    refusals : sequence of str
        Of as many numbers, or more; empty for those that count.

    Returns
    -------
    (numbers,) numpy.ndarray of float64
        0 for one pattern.

    Examples
    --------
    >>> gains([0, -50, -45, -70], ["", "", "gains too little", ""])
    array([ 0., 50., -5., 20.])
    """
    found = np.zeros(len(costs))
    found[1:] = best_costs(costs, refusals)[:-1] - costs[1:]
    return found


def best_costs(costs, refusals):
    """Cost of the best number up to each, of those that count, in nats.

    Parameters
    ----------
    costs, refusals
        As for `gains`.

    Returns
    -------
    (numbers,) numpy.ndarray of float64
    """
    refused = np.array(refusals[: len(costs)]) != ""
    return np.minimum.accumulate(np.where(refused, np.inf, costs))


def phrases(refusal, gain):
    """What there is to say of a number of patterns: tuple of str.

    Parameters
    ----------
    refusal : str
        One of `REFUSALS`, or empty.
    gain : float
        As from `gains`; infinite if it is not known.

    Examples
    --------
    >>> phrases("", 30.0), phrases("gains too little", 3.2)
    (('gains 30 nats',), ('gains only 3 nats',))
    >>> phrases("much alike", -40.0), phrases("not tried", -np.inf)[0][:9]
    (('two patterns much alike', 'loses 40 nats'), 'not tried')
    """
    worth = f"{'loses' if gain < 0 else 'gains'} {abs(gain):.0f} nats"
    if refusal == TOO_LITTLE:
        return (worth.replace("gains", "gains only"),)
    said = REFUSALS.get(refusal), worth if np.isfinite(gain) else None
    return tuple(filter(None, said))
