# SPDX-License-Identifier: GPL-3.0-or-later
"""What one solution explains more than another, in nats."""

from dataclasses import replace

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.threads import pmap

from .blocks import eroded, gaussian_weights, products, ratio, sum_blocks, window_means
from .learning import LEAST_VARIANCE
from .normalized_frame import BLOCKS_IN_CELL
from .overdispersion import NOTHING, overdispersion
from .potts import COUPLING, boundary_length
from .reflections import distances
from .small_regions import FEWEST_CELLS
from .solution import of_several_motifs

# Standard deviation of the window in which contrast varies, in cells, and its range.
FADING_WIDTH, FADING = 2.0, (0.8, 1.25)
# Blocks that touch, by the number of axes: those of other frames do not.
CROSS = ndimage.generate_binary_structure(2, 1)
BESIDE = {2: CROSS, 3: CROSS[np.newaxis] & [[[False]], [[True]], [[False]]]}
# Nats that a block counts at most: neither a damaged block nor a rim decides for all.
MOST_OF_BLOCK = 3.0
# Blocks from a boundary that tell nothing about the noise; the fewer ones count if
# nothing is left.
MARGINS = (6, 2)
# Share of its blocks that a pattern has more than a cell from others; thinner ones are
# rims. Reflections that are as near as this, in cycles a period, are theirs.
LEAST_INSIDE, NEAR = 0.15, 0.05
# Power that is hardly a lattice, as a share of that of the pattern beside it; and share
# of the boundaries of a rim that are beside such a pattern, and beside another one.
HARDLY, LEAST_BESIDE_END = 0.1, 0.25
# Power of a crystal that fills at most half of what it is taken for, as a share of that
# where it is: amplitudes are means.
DILUTED = 0.25
# Variance that a pattern leaves at most, where a frame has 1: more is a step.
MOST_LEFT = 2.0


def gain(frame, solution, fewer, cost=COUPLING):
    """What a solution explains more than one with fewer patterns, in nats.

    With the squared residuals r of a block, and their noise s, the gain is

        sum over blocks of (r_fewer - r) / (2 s),

    less what the boundaries and the parameters more cost, as in `Solution.cost`. The
    contrast of all templates may vary slowly: thickness, tilt and defocus are no other
    pattern. The noise is measured where no boundary is near, since rims are not noise;
    and in both solutions: it is the geometric mean, as the patterns more are noise in
    one, and may have learnt noise in the other.

    Around the only crystal, small islands of it that are not worth their edges do not
    count; nor what a weak crystal of fewer patterns explains there, as that of most of
    a particle and its support follows the support.

    Parameters
    ----------
    frame : NormalizedFrame
        One or several.
    solution, fewer : Solution
        Of this frame.
    cost : float
        Of an edge of the boundaries.

    Returns
    -------
    float
    """

    def of(one):
        return _losses_and_noise(frame, one, solution.labels)

    both = pmap(of, (solution, fewer), size=frame.counts.size)
    losses, noise = zip(*both, strict=True)
    noise = np.sqrt(noise[0] * np.maximum(*noise))
    explained = (losses[1] - losses[0]) / (2 * noise)
    explained = np.clip(explained, -MOST_OF_BLOCK, MOST_OF_BLOCK)
    n_independent = float((frame.counts * solution.variance / noise).sum())
    n_numbers = solution.templates.n_numbers - fewer.templates.n_numbers
    n_patterns = solution.templates.n_patterns - fewer.templates.n_patterns
    # What is simpler by chance is no evidence: a pattern more differs in a structure
    # factor, two numbers, and has a boundary.
    n_numbers = max(n_numbers, 2 * n_patterns)
    if np.count_nonzero(solution.templates.powers) == 1:
        kept = _without_islands(solution, explained)
        explained[kept.labels != solution.labels] = 0
        solution = kept
        explained[_is_followed(solution, fewer, explained)] = 0
    length = max(solution.weighted_length - fewer.weighted_length, 0)
    return float(
        explained.sum(dtype=np.float64)
        - cost * length
        - n_numbers / 2 * np.log(n_independent)
    )


def _without_islands(solution, explained):
    """Solution without small regions that explain less than their edges cost.

    In the noise of all patterns together, there are too many of the only crystal.
    """
    labels = solution.labels.copy()
    beside, least = BESIDE[labels.ndim], FEWEST_CELLS * BLOCKS_IN_CELL**2
    for number in range(solution.templates.n_patterns):
        regions, n = ndimage.label(solution.labels == number, beside)
        worth = ndimage.sum_labels(explained, regions, range(1, n + 1))
        small = np.bincount(regions.ravel())[1:] < least
        boxes = ndimage.find_objects(regions)
        for k in np.flatnonzero(small):
            box = tuple(slice(max(a.start - 1, 0), a.stop + 1) for a in boxes[k])
            own = regions[box] == k + 1
            around = ndimage.binary_dilation(own, beside) & ~own
            # A small frame may have one pattern.
            if around.any() and worth[k] < COUPLING * boundary_length(own):
                labels[box][own] = np.bincount(solution.labels[box][around]).argmax()
    return replace(solution, labels=labels)


def _is_followed(solution, fewer, explained):
    """Blocks of what has no lattice, where fewer patterns follow it: bool array."""
    powers, found = solution.templates.powers, np.zeros(explained.shape, bool)
    if fewer.templates.powers.max() > DILUTED * powers.max():
        return found
    for number in np.flatnonzero(powers == 0):
        own = solution.labels == number
        found |= own & (explained[own].sum() < 0)
    return found


def has_rim(solution):
    """Whether a pattern is a rim of others: bool.

    It is thin and has no reflections but theirs, as grain boundaries are, and crystals
    where they end; or it leaves more than a frame has in the mean, and more than it
    explains, as where the mean steps. What is thin may also lie between a crystal and
    what hardly has a lattice. A motif on the lattice of another pattern has to, or lie
    between two other motifs, or be where the mean steps.
    """
    motifs = {
        k: [other for other in group.patterns if other != k]
        for group in of_several_motifs(solution.groups)
        for k in group.patterns
    }

    def lies_between(k):
        if not is_thin(solution, k, BLOCKS_IN_CELL):
            return False
        if k in motifs:
            is_wall = _is_between_two(solution, k, motifs[k])
        else:
            is_wall = _is_mixed(solution, k)
        return is_wall or _is_at_end(solution, k)

    return any(
        _is_step(solution.templates, k) or lies_between(k)
        for k in range(solution.templates.n_patterns)
    )


def _is_step(templates, pattern):
    """Whether a pattern is made of steps of the mean: bool."""
    left = templates.variances[pattern]
    return left > max(MOST_LEFT, templates.powers[pattern])


def is_thin(solution, pattern, margin):
    """Whether hardly a block of a pattern is far from others: bool.

    Parameters
    ----------
    solution : Solution
    pattern : int
    margin : int
        Blocks from others, beyond which it is far.
    """
    own = solution.labels == pattern
    inside = eroded(own, margin)
    return np.count_nonzero(inside) <= LEAST_INSIDE * np.count_nonzero(own)


def _is_mixed(solution, pattern):
    """Whether most of the power of a pattern is at the reflections of others: bool."""
    templates = solution.templates
    reflections, amplitudes = templates.of(pattern)
    others = templates.reflections[templates.patterns != pattern]
    if not len(reflections) or not len(others):
        return not len(reflections)
    near = distances(reflections, others).min(axis=1) < NEAR / templates.period
    power = amplitudes**2
    return power[near].sum() > power.sum() / 2


def _is_between_two(solution, pattern, motifs):
    """Whether a motif is between two others, and no film in one of them: bool."""
    around = boundary_length(solution.labels, [pattern], motifs)
    lengths = [boundary_length(solution.labels, [pattern], [k]) for k in motifs]
    return len(motifs) > 1 and sorted(lengths)[-2] > LEAST_BESIDE_END * around


def _is_at_end(solution, pattern):
    """Whether a pattern is between a crystal and what hardly has a lattice: bool."""
    powers = solution.templates.powers
    [without] = np.nonzero(powers < HARDLY * powers[pattern])
    others = np.delete(np.arange(len(powers)), pattern)
    beside, around = (
        boundary_length(solution.labels, [pattern], some) for some in (without, others)
    )
    return min(beside, around - beside) > LEAST_BESIDE_END * around


def _losses_and_noise(frame, solution, labels):
    """Squared residuals of the blocks, with templates that fade, and their noise.

    Boundaries of the labels are left out of the noise.
    """
    templates = solution.templates.each_expected(frame, solution.posterior)
    pairs = zip(templates, solution.posterior, strict=True)
    templates = [_faded(frame, *pair) for pair in pairs]
    residuals = np.stack([frame.residuals(each) for each in templates])
    losses = np.einsum("k...,k...->...", solution.posterior, residuals)
    return losses, _noise(frame, solution, templates, losses, _edges(labels))


def _faded(frame, template, weights):
    """Template (..., rows, columns) times its contrast in the cells near by."""
    window = gaussian_weights(FADING_WIDTH)
    fit, power = (
        sum_blocks(weights * products(template, each, frame.block), BLOCKS_IN_CELL)
        for each in (frame.pixels, template)
    )
    # Without the cell itself, as all that templates are learnt from.
    fit, power = (
        window_means(each, window) - window[0] ** 2 * each for each in (fit, power)
    )
    contrast = np.where(power > 0, ratio(fit, power), 1).astype(np.float32)
    contrast = np.clip(contrast, *map(np.float32, FADING))
    side = BLOCKS_IN_CELL * frame.block
    return template * spread(contrast, side, template.shape[-2:])


def _noise(frame, solution, templates, losses, edges):
    """Variance of the residuals times their overdispersion, for each block's pattern.

    Strain and changes of contrast leave something of a pattern's own template, and
    displaced columns of its difference from other motifs.
    """
    posterior = np.where(edges, np.float32(0), solution.posterior)
    far = eroded(~edges, MARGINS[0])
    some = [k for k, template in enumerate(templates) if template.any()]
    noise = np.ones_like(losses)
    for k in range(len(templates)):
        own = solution.labels == k
        inside = own & far if (own & far).any() else own
        n_pixels = float(frame.counts[inside].sum())
        if not n_pixels:
            continue
        variance = max(float(losses[inside].sum()) / n_pixels, LEAST_VARIANCE)
        choices = [(k, other) for other in ([NOTHING] if k in some else some)]
        motifs = {
            (k, other)
            for group in of_several_motifs(solution.groups)
            for other in group.patterns
            if k in group.patterns and k != other
        }
        measured = frame, posterior, templates, variance
        for margin in MARGINS:
            found, weights = overdispersion(*measured, choices, margin)
            if weights.any():
                of_motifs, _ = overdispersion(*measured, motifs, margin)
                found = np.average(found, weights=weights)
                variance *= of_motifs.max(initial=found)
                break
        noise[own] = variance
    return noise


def _edges(labels):
    """Blocks beside those of other patterns: (..., block rows, block columns) bool."""
    size = (*[1] * (labels.ndim - 2), 3, 3)
    return ndimage.maximum_filter(labels, size) != ndimage.minimum_filter(labels, size)
