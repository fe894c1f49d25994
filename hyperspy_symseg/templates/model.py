# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of some patterns, and the posteriors of these in a frame."""

import itertools
from dataclasses import dataclass, fields, replace

import numpy as np

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.checks import (
    as_array,
    check_array,
    check_number,
    check_whole,
)
from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.frames.tile import widened

from .bragg import BraggComponents
from .normalized_frame import cell_size
from .potts import log_likelihoods, mean_field, most_probable
from .reflections import distances

# Reflections so near to each other are the same, in cycles a period.
SAME = 0.02
# Periods around a tile of a frame that its labels depend on.
MARGIN = 24
# Rounds of phases and posteriors: more rounds change nothing.
ROUNDS = 3
# Range of a period, in pixels: frames show no shorter ones, and have no room for longer
# ones.
PERIODS = 2.0, 2.0**15
# Per pixel, along one axis; a component moves a little when it is fitted.
HIGHEST_FREQUENCY = 1.0
# In standard deviations, and in variances.
LARGEST_AMPLITUDE, NOISE = 1e6, (1e-12, 1e12)


def equal_fields(first, second):
    """Whether two dataclasses are of one kind and have the same values."""
    if type(first) is not type(second):
        return NotImplemented
    return all(
        np.array_equal(getattr(first, field.name), getattr(second, field.name))
        for field in fields(first)
    )


@dataclass(frozen=True, eq=False)
class Templates:
    """Reflections of some patterns, and the variance of the noise.

    With X the normalised intensities (`NormalizedFrame`), the template of pattern k is

        t_k(q) = 2 sum over g of A_g Re(u_g(c) exp(2 pi i g.q))

    in the cell c of the pixel q; A_g are amplitudes and u_g phase factors, those of the
    Fourier sums over the pattern's own pixels near by, without the cell itself. The
    log-likelihood of k in a block is

        l_k = -1 / (2 noise) sum over its pixels of (X - t_k)^2

    Attributes
    ----------
    period : float
        Lattice period, in pixels.
    n_patterns : int
    patterns : (n,) numpy.ndarray of int64
        Pattern of every reflection.
    reflections : (n, 2) numpy.ndarray of float64
        Spatial frequencies (y, x), in cycles a pixel.
    amplitudes : (n,) numpy.ndarray of float64
        In units of the standard deviation of the intensities.
    noise : float
        Variance of the residuals times their overdispersion, the factor by which sums
        of neighbouring residuals vary more than those of white noise.

    Raises
    ------
    TypeError, ValueError
        If the arrays do not fit each other, or a number is out of range.
    """

    period: float
    n_patterns: int
    patterns: np.ndarray
    reflections: np.ndarray
    amplitudes: np.ndarray
    noise: float

    def __post_init__(self):
        """Check the numbers, and make the arrays constant."""
        n_patterns = check_whole("n_patterns of templates", self.n_patterns, 1)
        n = len(as_array("patterns of templates", self.patterns).reshape(-1))
        checked = {
            "period": check_number("period of templates", self.period, *PERIODS),
            "n_patterns": n_patterns,
            "noise": check_number("noise of templates", self.noise, *NOISE),
        }
        # As lists, those of templates without reflections have no second axis.
        if not n and not np.size(self.reflections):
            object.__setattr__(self, "reflections", np.empty((0, 2)))
        for name, shape, least, most, dtype in (
            ("patterns", (n,), 0, n_patterns - 1, np.int64),
            ("reflections", (n, 2), -HIGHEST_FREQUENCY, HIGHEST_FREQUENCY, np.float64),
            ("amplitudes", (n,), 0, LARGEST_AMPLITUDE, np.float64),
        ):
            how = shape, least, most, dtype
            values = getattr(self, name)
            checked[name] = check_array(f"{name} of templates", values, *how)
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    __eq__ = equal_fields
    __hash__ = None

    @property
    def summary(self):
        """Period and number of reflections, in a few words: str."""
        return f"period {self.period:.4g} px, {len(self.reflections)} reflections"

    def __repr__(self):
        """One line, without the arrays."""
        return f"<Templates: {self.n_patterns} patterns, {self.summary}>"

    def to_dict(self):
        """Dictionary of arrays and numbers, which the class can be called with."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def only(self, patterns):
        """Templates of some of the patterns, in this order.

        Parameters
        ----------
        patterns : sequence of int

        Returns
        -------
        Templates
        """
        index = np.full(self.n_patterns, -1)
        index[patterns] = np.arange(len(patterns))
        own = index[self.patterns] >= 0
        return replace(
            self,
            n_patterns=len(patterns),
            patterns=index[self.patterns[own]],
            reflections=self.reflections[own],
            amplitudes=self.amplitudes[own],
        )

    def of(self, pattern):
        """Reflections and amplitudes of a pattern."""
        own = self.patterns == pattern
        return self.reflections[own], self.amplitudes[own]

    @property
    def margin(self):
        """Pixels around a tile of a frame that its labels depend on: int."""
        cell = cell_size(self.period)
        return (round(MARGIN * self.period) // cell + 1) * cell

    def pixels_around(self, pixels, shape):
        """Rows and columns that the labels of some depend on, from whole cells on.

        Parameters
        ----------
        pixels : (slice, slice)
        shape : (int, int)
            Rows and columns of the frame.

        Returns
        -------
        (slice, slice)
        """
        cell = cell_size(self.period)
        return tuple(
            slice(axis.start // cell * cell, axis.stop)
            for axis in widened(pixels, self.margin - cell, shape)
        )

    def least_difference(self):
        """Share of their power in which the two patterns that are most alike differ.

        Reflections nearer to each other than a fiftieth of a cycle a period, such as
        those of a strain of 2 % or a tilt of 1 degree, are the same: then the square of
        the difference of their amplitudes counts, and that of the amplitude of all
        others.

        Returns
        -------
        float
            From 0 to 1; 1 for one pattern.
        """
        least = 1.0
        for k, j in itertools.combinations(range(self.n_patterns), 2):
            (ours, a), (theirs, b) = self.of(k), self.of(j)
            power = (a**2).sum() + (b**2).sum()
            same, other = np.nonzero(distances(ours, theirs) < SAME / self.period)
            in_common = 2 * (a[same] * b[other]).sum()
            least = min(least, 1 - in_common / power if power else 0.0)
        return float(least)

    def components(self, frame):
        """Bragg components of every pattern in a frame: list of BraggComponents.

        Parameters
        ----------
        frame : NormalizedFrame
        """

        def of_pattern(k):
            return BraggComponents(frame, frame.factors(self.of(k)[0]))

        return pmap(of_pattern, range(self.n_patterns))

    def each_expected(self, frame, posterior):
        """Template of every pattern in a frame: list of (..., rows, columns) float32.

        Parameters
        ----------
        frame, posterior
            As for `residuals`.
        """
        return [
            each.expected(own, self.of(k)[1])
            for k, (each, own) in enumerate(
                zip(self.components(frame), posterior, strict=True)
            )
        ]

    def residuals(self, frame, components, posterior):
        """Squared residuals of the blocks, with the template of every pattern.

        Parameters
        ----------
        frame : NormalizedFrame
        components : list of BraggComponents
            In this frame.
        posterior : (patterns, ..., block rows, block columns) numpy.ndarray of float32
            Probability of every pattern in every block.

        Returns
        -------
        (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """

        def of_pattern(k):
            expected = components[k].expected(posterior[k], self.of(k)[1])
            return frame.residuals(expected)

        return np.stack(pmap(of_pattern, range(self.n_patterns)))

    def posterior(self, frame):
        """Probability of every pattern in every block.

        All patterns are equally probable to begin with: then the phases of each are
        those that fit best everywhere.

        Parameters
        ----------
        frame : NormalizedFrame

        Returns
        -------
        posterior, log_likelihood
            (patterns, ..., block rows, block columns) numpy.ndarray of float32. The
            log-likelihood of a block is that of its own pixels.
        """
        components = self.components(frame)
        shape = self.n_patterns, *frame.counts.shape
        posterior = np.full(shape, 1 / self.n_patterns, np.float32)
        for _ in range(ROUNDS):
            residuals = self.residuals(frame, components, posterior)
            likelihoods = log_likelihoods(residuals, self.noise)
            posterior = mean_field(likelihoods)
        return posterior, residuals * np.float32(-0.5 / self.noise)

    def expected(self, frame, posterior):
        """Intensities that the templates make up: (rows, columns) float32.

        Parameters
        ----------
        frame : NormalizedFrame
        posterior : (patterns, block rows, block columns) numpy.ndarray of float32
            Every block has the template of the pattern that is most probable.
        """
        labels = spread(most_probable(posterior), frame.block, frame.shape)
        out = np.zeros(frame.shape, np.float32)
        for k, template in enumerate(self.each_expected(frame, posterior)):
            np.copyto(out, template, where=labels == k)
        return out
