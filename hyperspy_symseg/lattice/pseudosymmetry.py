# SPDX-License-Identifier: GPL-3.0-or-later
"""Crystals that nearly have a higher plane group, and what counts as having it.

A cell of a few columns is nearer to a higher group than structure factors of random
phases would be: two columns have an inversion but for the difference of their heights.
And a group whose reflections differ from those of a higher one only where nothing is
seen is hardly ever there: the difference would be less than what tells groups apart.
"""

import numpy as np

# Amplitude of what a higher group forbids beside that of a crystal without it: what is
# tried.
SHARES = 0.2, 0.4
# How many of the crystals are nearly of a higher group, a priori.
NEAR = 0.15
# Share of the energy that a higher group or a smaller cell misses, at least, or a
# crystal is said to have it.
LEAST_MISSED = 0.02
# Probability that it does, at least: it is not known better than this.
RAREST = 1e-12


class NearlyOf:
    """A plane group that has some of the operations of a higher one.

    Parameters
    ----------
    higher : GroupFit
        Of the higher group.
    operations : (n,) numpy.ndarray of int
        Which of its operations.
    """

    def __init__(self, higher, operations):
        self._higher, self._operations = higher, operations
        self._d, self._multiplicity = higher.free_numbers(operations)

    def _variances(self, signal):
        """Prior variance of a number that the lower group leaves free, by orbit."""
        return self._higher.prior_variances(signal, self._d, self._multiplicity)

    def evidence(self, factors, share):
        """Log evidence of a crystal of the lower group that is near to the higher one.

        Parameters
        ----------
        factors : StructureFactors
        share : float
            Amplitude of what the higher group forbids and the lower one allows, beside
            what it is in a crystal that is not near.

        Returns
        -------
        float
        """
        higher = self._higher
        half, prior = higher.variances(factors)
        near = share**2 * self._variances(factors.signal)
        n, d, own = higher.n, higher.d, self._d
        spread = -(
            (n - own) * np.log(half)
            + (own - d) * np.log(half + near)
            + d * np.log(half + prior)
        ).sum()
        gained = (1 / half - 1 / (half + near)) / 2
        more = (1 / (half + near) - 1 / (half + prior)) / 2
        # The energy of the lower group is that of some of the operations.
        kappa = np.tile(more[higher.orbits], (higher.order, 1))
        kappa[self._operations] += (
            higher.order / len(self._operations) * gained[higher.orbits]
        )
        return float(spread / 2 + higher.evidence_at_best(factors, kappa)[0])

    def unlike(self, factors, share=1.0):
        """Probability that the higher group misses enough of the energy to be told.

        A priori; the energy is that of a gamma distribution of the same variance.

        Parameters
        ----------
        factors : StructureFactors
        share : float
            As for `evidence`.

        Returns
        -------
        float
        """
        from scipy import special

        own = self._variances(factors.signal)
        forbidden = (self._d - self._higher.d) * share**2 * own
        mean = forbidden.sum()
        if not mean > 0:
            return RAREST
        variance = 2 * (forbidden * share**2 * own).sum()
        least = LEAST_MISSED * (self._d * own).sum()
        found = special.gammaincc(mean**2 / variance, least * mean / variance)
        return float(max(found, RAREST))
