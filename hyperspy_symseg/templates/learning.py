# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates learnt from frames: reflections, amplitudes and posteriors in turn."""

import functools
import itertools
from dataclasses import dataclass

import numpy as np

from .blocks import BLOCKS_IN_CELL
from .dispersion import NOTHING, dispersion
from .model import SETTLED, Templates
from .potts import COUPLING, boundary_length, changed, log_likelihoods, mean_field
from .reflections import apart, find_reflections
from .waves import LEAST_WEIGHT, PatternWaves, near_by, unit_phases

# Rounds of learning; reflections are found anew in some of them, and moved to where the
# phases say they are in the first ones.
ROUNDS = 8
FINDING = (0, 2, 4)
MOVING = 6
# Residuals have at least this variance, where a frame has 1.
LEAST_VARIANCE = 1e-9
# Patterns up to which each is compared with all others for the dispersion.
MOST_COMPARED = 8
# How far a reflection may move from where it was found, in cycles a period.
FARTHEST = 0.1
# Distance of two reflections that have moved, at least, in cycles a period.
DISTANCE = 0.2
# Amplitudes that count: fraction of the largest, and standard deviations of noise.
LEAST_FRACTION, LEAST_SIGNIFICANCE = 0.05, 3.0


@dataclass(frozen=True)
class Solution:
    """Templates for a number of patterns, and how well they explain some frames.

    Attributes
    ----------
    templates : Templates
    posteriors : list of (patterns, block rows, block columns) numpy.ndarray
        Of every frame.
    n_pixels : float
        Number of valid pixels.
    variance : float
        Of their residuals, each left out of its own template.
    length : int
        Of the boundaries, in sides of a block.
    dispersion : float
        Of the evidence that there is any template.
    """

    templates: Templates
    posteriors: list
    n_pixels: float
    variance: float
    length: int
    dispersion: float

    def least_cells(self):
        """Number of cells that the smallest pattern has: float."""
        shares = sum(
            np.bincount(each.argmax(axis=0).ravel(), minlength=len(each))
            for each in self.posteriors
        )
        return shares.min() / BLOCKS_IN_CELL**2

    def cost(self, dispersion):
        """Cost of the patterns, in nats.

        Half the number of independent pixels times the logarithm of the variance of
        their residuals, which are cross-validated (P. Smyth, Stat. Comput. 10, 63
        (2000)); what the boundaries cost in the Potts model (a minimal description, as
        of Y. G. Leclerc, Int. J. Comput. Vis. 3, 73 (1989)); and half the logarithm of
        the number of independent pixels for each of the three numbers of a reflection
        (G. Schwarz, Ann. Statist. 6, 461 (1978)).

        Parameters
        ----------
        dispersion : float
            Number of pixels for each independent one.

        Returns
        -------
        float
        """
        n_independent = self.n_pixels / dispersion
        return float(
            n_independent / 2 * np.log(self.variance)
            + COUPLING * self.length
            + 1.5 * len(self.templates.reflections) * np.log(n_independent)
        )


class _Pattern:
    """Reflections of one pattern in some frames, as they are learnt."""

    def __init__(self, frames, reflections, period):
        self._frames, self._period = frames, period
        self._found, self._moved = reflections, reflections
        self._waves = [PatternWaves(frame, reflections) for frame in frames]
        self._phases, self._kept = [], np.arange(0)
        self.amplitudes = np.zeros(0)

    @property
    def reflections(self):
        """Those that count: (n, 2) numpy.ndarray."""
        return self._moved[self._kept]

    def templates(self):
        """What the waves make up in every frame: list of arrays."""
        return [
            waves.template(self.amplitudes, phases, self._kept)
            for waves, phases in zip(self._waves, self._phases, strict=True)
        ]

    def move(self, weights):
        """Move the reflections by the slopes that their phases have.

        Parameters
        ----------
        weights : list of (block rows, block columns) numpy.ndarray
            Probability that a block belongs to the pattern, in every frame.
        """
        if not len(self._found):
            return
        side = BLOCKS_IN_CELL * self._frames[0].block
        steps = np.zeros((len(self._found), 2), complex)
        for waves, own in zip(self._waves, weights, strict=True):
            means = near_by(waves.cells(own))
            means = means[0] + 1j * means[1]
            along_y = means[:, 1:] * means[:, :-1].conj()
            along_x = means[:, :, 1:] * means[:, :, :-1].conj()
            steps[:, 0] += along_y.sum(axis=(1, 2))
            steps[:, 1] += along_x.sum(axis=(1, 2))
        moved = self._moved + np.angle(steps) / (2 * np.pi * side)
        far = np.hypot(*(moved - self._found).T) > FARTHEST / self._period
        moved[far] = self._moved[far]
        self._moved = moved
        self._waves = [PatternWaves(frame, moved) for frame in self._frames]

    def measure(self, weights):
        """Measure the amplitudes, and choose the reflections that count.

        Parameters
        ----------
        weights
            As for `move`.
        """
        n_pixels, sums = 0.0, np.zeros(len(self._found))
        self._phases = []
        for frame, waves, own in zip(self._frames, self._waves, weights, strict=True):
            own = np.maximum(own, np.float32(LEAST_WEIGHT))
            n_pixels += float((own * frame.counts).sum())
            cells = waves.cells(own)
            phases = unit_phases(cells)
            sums += np.einsum("pgyx,pgyx->g", cells, phases)
            self._phases.append(phases)
        amplitudes = sums / n_pixels
        least = max(
            LEAST_FRACTION * amplitudes.max(initial=0),
            LEAST_SIGNIFICANCE / np.sqrt(2 * n_pixels),
        )
        strongest = np.argsort(-amplitudes, kind="stable")
        strongest = strongest[amplitudes[strongest] > least]
        places = apart(self._moved[strongest], DISTANCE / self._period)
        self._kept = strongest[places]
        self.amplitudes = amplitudes[self._kept]


def learn(frames, tiles, starts, period, rounds=ROUNDS, mapped=map):
    """Learn the templates of patterns from frames, and which pixel has which.

    In turn: the reflections of every pattern, from the power spectrum of its pixels;
    their phases near by, and their amplitudes,

        A_g = sum over the pattern's cells of Re(C_c conj(u_c)) / number of its pixels,

    with the Fourier sum C_c of a cell and the phase factor u_c of the others near by;
    and the posteriors, from the residuals. No pixel is in the template that it is
    judged by, so more reflections or patterns than there are fit worse, not better.

    Parameters
    ----------
    frames : list of BlockedFrame
    tiles : list of Tiles
    starts : list of (patterns, block rows, block columns) numpy.ndarray of float32
        Posteriors to begin with.
    period : float
        In pixels.
    rounds : int
        At most; fewer if the labels do not change any more.
    mapped : callable
        Applies a function to every pattern, as `map` does.

    Returns
    -------
    Solution
    """
    n_patterns = len(starts[0])
    posteriors = [np.asarray(start, np.float32) for start in starts]
    n_pixels = sum(float(frame.counts.sum()) for frame in frames)
    pairs = [
        (own, other)
        for own, other in itertools.permutations(range(n_patterns), 2)
        if n_patterns <= MOST_COMPARED or abs(own - other) == 1
    ]
    patterns = [None] * n_patterns

    def learn_pattern(k, turn):
        weights = [each[k] for each in posteriors]
        if turn in FINDING:
            found = find_reflections(tiles, weights, period)
            patterns[k] = _Pattern(frames, found, period)
        if turn < MOVING:
            patterns[k].move(weights)
        patterns[k].measure(weights)
        return patterns[k].templates()

    for turn in range(rounds):
        step = functools.partial(learn_pattern, turn=turn)
        expected = list(zip(*mapped(step, range(n_patterns)), strict=True))
        residuals = [
            np.stack([frame.residuals(template) for template in each])
            for frame, each in zip(frames, expected, strict=True)
        ]
        total = sum(
            float((posterior * each).sum())
            for posterior, each in zip(posteriors, residuals, strict=True)
        )
        variance = max(total / n_pixels, LEAST_VARIANCE)
        measured = frames, posteriors, expected, variance
        noise = variance * dispersion(*measured, pairs)[0].max(initial=1.0)
        before = posteriors
        posteriors = [mean_field(log_likelihoods(each, noise)) for each in residuals]
        if turn >= FINDING[1] and changed(before, posteriors) < SETTLED:
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
        templates,
        posteriors,
        n_pixels,
        variance,
        sum(map(boundary_length, posteriors)),
        _dispersion_of_all(patterns, pairs, measured),
    )


def _dispersion_of_all(patterns, pairs, measured):
    """Dispersion of the evidence that there are templates, weighted by it.

    Strain and changes of contrast leave something of a pattern's own template.
    """
    without = [k for k, pattern in enumerate(patterns) if not len(pattern.amplitudes)]
    choices = [(k, NOTHING) for k in range(len(patterns)) if k not in without]
    choices += [pair for pair in pairs if pair[0] in without]
    found, weights = dispersion(*measured, choices)
    return float(np.average(found, weights=weights)) if weights.any() else 1.0
