# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates learnt from frames: reflections, amplitudes and posterior in turn."""

import itertools
from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.frames.threads import pmap

from .model import Templates
from .normalized_frame import BLOCKS_IN_CELL
from .overdispersion import overdispersion
from .pattern import Pattern
from .potts import (
    COUPLING,
    boundary_length,
    log_likelihoods,
    mean_field,
    most_probable,
)

# Every second round finds the reflections anew, if the round before changed the labels
# of more than a share of the blocks. Labels that hardly change any more are settled.
FINDING, CHANGED, SETTLED = 2, 0.06, 5e-3
# Residuals have at least this variance, where a frame has 1.
LEAST_VARIANCE = 1e-9
# Patterns up to which each is compared with all others for the overdispersion.
MOST_COMPARED = 8


@dataclass(frozen=True)
class Solution:
    """Templates for a number of patterns, and how well they explain some frames.

    Attributes
    ----------
    templates : Templates
    posterior : (patterns, ..., block rows, block columns) numpy.ndarray
    labels : (..., block rows, block columns) numpy.ndarray
        The patterns that are the most probable.
    n_pixels : float
        Number of valid pixels.
    variance : float
        Of their residuals, each left out of its own template.
    length : int
        Of the boundaries, in sides of a block.
    """

    templates: Templates
    posterior: np.ndarray
    labels: np.ndarray
    n_pixels: float
    variance: float
    length: int

    def least_cells(self):
        """Number of cells that the smallest pattern has: float."""
        n_blocks = np.bincount(self.labels.ravel(), minlength=self.templates.n_patterns)
        return n_blocks.min() / BLOCKS_IN_CELL**2

    def cost(self, overdispersion):
        """Cost of the patterns, in nats.

        Half the number of independent pixels times the logarithm of the variance of
        their residuals, which are cross-validated (P. Smyth, Stat. Comput. 10, 63
        (2000)); what the boundaries cost in the Potts model (a minimal description, as
        of Y. G. Leclerc, Int. J. Comput. Vis. 3, 73 (1989)); and half the logarithm of
        the number of independent pixels for each of the three numbers of a reflection
        (G. Schwarz, Ann. Statist. 6, 461 (1978)).

        Parameters
        ----------
        overdispersion : float
            Number of pixels for each independent one.

        Returns
        -------
        float
        """
        n_independent = self.n_pixels / overdispersion
        return float(
            n_independent / 2 * np.log(self.variance)
            + COUPLING * self.length
            + 1.5 * len(self.templates.reflections) * np.log(n_independent)
        )


def everywhere(frame):
    """Posterior of a single pattern, which all blocks of a frame have."""
    return np.ones((1, *frame.counts.shape), np.float32)


def learn(frame, crops, period, start, rounds):
    """Learn the templates of patterns from frames, and which pixel has which.

    Three things are learnt in turn: the reflections of every pattern, from the power
    spectrum of its pixels; the phases near by and the amplitudes of these,

        A_g = sum over the pattern's cells of Re(C_c conj(u_c)) / number of its pixels,

    with the Fourier sum C_c of a cell and the phase factor u_c of the others near by;
    and the posterior, from the residuals. No pixel is in the template that judges it:
    so more reflections or patterns than there are fit worse, not better.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several, that begin at their first pixel.
    crops : SpectrumCrops
        Of these.
    period : float
        In pixels.
    start : (patterns, ..., block rows, block columns) numpy.ndarray of float32
        Posterior to begin with.
    rounds : int
        At most; fewer if there are several patterns, and their labels do not change
        any more.

    Returns
    -------
    Solution
    """
    n_patterns, posterior = len(start), np.asarray(start, np.float32)
    labels, share = most_probable(posterior), 1.0
    n_pixels = float(frame.counts.sum())
    pairs = [
        (own, other)
        for own, other in itertools.permutations(range(n_patterns), 2)
        if n_patterns <= MOST_COMPARED or abs(own - other) == 1
    ]

    def begun(own):
        return Pattern(frame, crops, own, period)

    for turn in range(rounds):
        finding = turn % FINDING == 0 and share > CHANGED
        if finding:
            patterns = pmap(begun, posterior)
            strong = [pattern.strong_reflections() for pattern in patterns]
            others = [strong[:k] + strong[k + 1 :] for k in range(n_patterns)]
            pmap(Pattern.relate, patterns, others)
        templates = pmap(Pattern.fit, patterns, posterior)
        residuals = np.stack([frame.residuals(each) for each in templates])
        total = np.vdot(posterior, residuals)
        variance = max(float(total) / n_pixels, LEAST_VARIANCE)
        if finding:
            measured = frame, posterior, templates, variance, pairs
            overdispersed = overdispersion(*measured)[0].max(initial=1.0)
        noise = variance * overdispersed
        posterior = mean_field(log_likelihoods(residuals, noise))
        before, labels = labels, most_probable(posterior)
        share = np.mean(before != labels)
        if n_patterns > 1 and share < SETTLED:
            break
    templates = Templates(
        period,
        n_patterns,
        np.repeat(np.arange(n_patterns), [len(each.amplitudes) for each in patterns]),
        np.concatenate([each.reflections for each in patterns]),
        np.concatenate([each.amplitudes for each in patterns]),
        noise,
    )
    return Solution(
        templates, posterior, labels, n_pixels, variance, boundary_length(labels)
    )
