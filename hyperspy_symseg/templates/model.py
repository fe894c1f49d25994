# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates of some patterns, and the posteriors of these in a frame."""

import itertools
from dataclasses import dataclass, fields, replace

import numpy as np

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.frames.cached import cached_property
from hyperspy_symseg.frames.checks import (
    as_array,
    check_array,
    check_number,
    check_whole,
)
from hyperspy_symseg.frames.threads import pmap
from hyperspy_symseg.frames.tile import widened
from hyperspy_symseg.lattice.cell import LARGEST_INDEX
from hyperspy_symseg.networks.u_net import REACH

from .bragg import WIDTH, FreeComponents
from .crystal import Crystal, reach
from .normalized_frame import block_size, cell_size
from .potts import (
    COUPLING,
    COUPLING_OF_MOTIFS,
    log_likelihoods,
    mean_field,
    most_probable,
    window_of_evidence,
    with_own_variance,
)
from .reflections import distances

# Reflections so near to each other are the same, in cycles a period.
SAME = 0.02
# Periods around a tile of a frame that its labels depend on: so many for each cell of
# the window that phases are averaged in.
MARGIN = 8
# Rounds of phases and posteriors: more rounds change nothing.
ROUNDS = 3
# Range of a period, in pixels: frames show no shorter ones, and have no room for longer
# ones.
PERIODS = 2.0, 2.0**15
# Per pixel, along one axis; a component moves a little when it is fitted.
HIGHEST_FREQUENCY = 1.0
# Labels are of int16.
MOST_PATTERNS = 2**15 - 1
# In standard deviations, and in variances.
LARGEST_AMPLITUDE, NOISE = 1e6, (1e-12, 1e12)
# Distance of a reflection from its node, at most, in cycles a pixel: rounding only.
OFF_NODE = 1e-6
# Of the displacement of a crystal, in cells.
WIDTH_RANGE = 0.5, 100.0
# Square of the difference of two structure factors that differ, at least, in variances
# of noise: what the displacement is wrong by is not noise, and alike near by.
DIFFERENT = 12.5
# That a pattern is learnt from.
MOST_PIXELS = 1e15
# What patterns without a crystal have, which need not be given; and what is never
# needed.
FREE = {"phases": 0, "indices": 0, "crystals": -1}
NOT_KNOWN = {"contrast_widths": 0, "antiphase": 0, "n_pixels": 0, "variances": 0}
# Arrays with a number for each reflection, and for each crystal.
OF_REFLECTIONS = "reflections", "amplitudes", "phases", "indices"
OF_CRYSTALS = "cells", "widths", "contrast_widths", "antiphase"


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
    Fourier sums over the pattern's own pixels near by, without the cell itself. That of
    a pattern on a lattice is as in `Crystal`. The log-likelihood of k in a block is

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
    phases : (n,) numpy.ndarray of float64
        Of the structure factors of a crystal, in radians; 0 for others.
    indices : (n, 2) numpy.ndarray of int64
        h and k of the reflections of a crystal; 0 for others.
    crystals : (n_patterns,) numpy.ndarray of int64
        Number of the crystal that a pattern has; -1 where the phases of the reflections
        are free.
    cells : (crystals, 2, 2) numpy.ndarray of float64
    widths, contrast_widths : (crystals,) numpy.ndarray of float64
        As in `Crystal`; the contrast is the same everywhere unless given.
    antiphase : (crystals, 2) numpy.ndarray of float64
        As in `Crystal`; no crystal has antiphase domains unless given.
    n_pixels : (n_patterns,) numpy.ndarray of float64
        Number of pixels that each pattern was learnt from; 0 where it is not known.
    variances : (n_patterns,) numpy.ndarray of float64
        Mean squared residual of a pixel of each pattern; 0 where it is not known. Of a
        pattern without reflections it is the variance of its own noise (see
        `hyperspy_symseg.templates.potts.with_own_variance`).

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
    phases: np.ndarray = ()
    indices: np.ndarray = ()
    crystals: np.ndarray = ()
    cells: np.ndarray = ()
    widths: np.ndarray = ()
    contrast_widths: np.ndarray = ()
    n_pixels: np.ndarray = ()
    antiphase: np.ndarray = ()
    variances: np.ndarray = ()

    def __post_init__(self):
        """Check the numbers, and make the arrays constant."""
        n_patterns = check_whole(
            "n_patterns of templates", self.n_patterns, 1, MOST_PATTERNS
        )
        n = len(as_array("patterns of templates", self.patterns).reshape(-1))
        checked = {
            "period": check_number("period of templates", self.period, *PERIODS),
            "n_patterns": n_patterns,
            "noise": check_number("noise of templates", self.noise, *NOISE),
        }
        n_crystals = len(as_array("widths of templates", self.widths).reshape(-1))
        for name, shape, least, most, dtype in (
            ("patterns", (n,), 0, n_patterns - 1, np.int64),
            ("reflections", (n, 2), -HIGHEST_FREQUENCY, HIGHEST_FREQUENCY, np.float64),
            ("amplitudes", (n,), 0, LARGEST_AMPLITUDE, np.float64),
            ("phases", (n,), -np.pi, np.pi, np.float64),
            ("indices", (n, 2), -LARGEST_INDEX, LARGEST_INDEX, np.int64),
            ("crystals", (n_patterns,), -1, n_crystals - 1, np.int64),
            (
                "cells",
                (n_crystals, 2, 2),
                -HIGHEST_FREQUENCY,
                HIGHEST_FREQUENCY,
                np.float64,
            ),
            ("widths", (n_crystals,), *WIDTH_RANGE, np.float64),
            ("contrast_widths", (n_crystals,), 0, WIDTH_RANGE[1], np.float64),
            ("antiphase", (n_crystals, 2), 0, 0.5, np.float64),
            ("n_pixels", (n_patterns,), 0, MOST_PIXELS, np.float64),
            ("variances", (n_patterns,), 0, NOISE[1], np.float64),
        ):
            values = getattr(self, name)
            has_default = name in FREE and not n_crystals
            has_default |= name in NOT_KNOWN
            if not np.size(values) and (has_default or 0 in shape):
                # As lists, arrays without elements have no second axis.
                values = np.full(shape, FREE.get(name, 0))
            how = shape, least, most, dtype
            checked[name] = check_array(f"{name} of templates", values, *how)
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        self._check_crystals()

    def _check_crystals(self):
        """Raise an error if crystals are not what they have to be."""
        varying = self.contrast_widths[self.contrast_widths > 0]
        if varying.min(initial=WIDTH_RANGE[0]) < WIDTH_RANGE[0]:
            raise ValueError(
                f"contrast_widths of templates must be 0, or {WIDTH_RANGE[0]} and "
                f"more, got {self.contrast_widths}."
            )
        if not np.isin(self.antiphase, (0, 0.5)).all():
            raise ValueError(
                "antiphase of templates must be 0 or 0.5, parts of lattice vectors, "
                f"got {self.antiphase}."
            )
        if set(self.crystals.tolist()) - {-1} != set(range(len(self.cells))):
            raise ValueError(
                f"crystals of templates must have all numbers below {len(self.cells)}, "
                f"that of the cells, got {self.crystals}."
            )
        numbers = self.crystals[self.patterns]
        tied = numbers >= 0
        if not tied.any():
            return
        nodes = np.einsum("nh,nhy->ny", self.indices[tied], self.cells[numbers[tied]])
        if not np.allclose(self.reflections[tied], nodes, rtol=0, atol=OFF_NODE):
            raise ValueError(
                "reflections of templates must be those of the indices and cells of "
                "their crystals, got others."
            )
        own = np.column_stack([self.patterns, self.indices])[tied]
        if len(np.unique(own, axis=0)) < len(own):
            raise ValueError(
                "indices of templates must be different for each reflection of a "
                "pattern, got some twice."
            )

    @classmethod
    def learnt(cls, period, n_patterns, groups, noise, n_pixels=(), variances=()):
        """Templates of patterns that were learnt in groups.

        Parameters
        ----------
        period : float
        n_patterns : int
        groups : list of (dict, list of int)
            What was learnt, and of which patterns: ``reflections`` and ``amplitudes``
            of one, or a ``crystal`` of several.
        noise : float
        n_pixels, variances : (n_patterns,) array, optional

        Returns
        -------
        Templates
        """
        crystals = np.full(n_patterns, -1)
        cells, widths, contrast_widths, antiphase, rows = [], [], [], [], []
        for learnt, patterns in groups:
            if "crystal" not in learnt:
                reflections, amplitudes = learnt["reflections"], learnt["amplitudes"]
                none = np.zeros_like(reflections)
                rows.append((patterns * len(amplitudes), reflections, amplitudes, none))
                continue
            crystal = learnt["crystal"]
            crystals[patterns] = len(cells)
            cells.append(crystal.cell)
            widths.append(crystal.width)
            contrast_widths.append(crystal.contrast_width)
            antiphase.append(crystal.antiphase)
            for pattern, factors in zip(patterns, crystal.factors, strict=True):
                own = np.flatnonzero(factors)
                rows.append(
                    (
                        [pattern] * len(own),
                        crystal.reflections[own],
                        factors[own],
                        crystal.indices[own],
                    )
                )
        numbers, reflections, factors, indices = map(
            np.concatenate, zip(*rows, strict=True)
        )
        order = np.argsort(numbers, kind="stable")
        return cls(
            period,
            n_patterns,
            np.array(numbers, int)[order],
            reflections[order],
            np.abs(factors[order]),
            noise,
            np.angle(factors[order]),
            indices[order],
            crystals,
            cells,
            widths,
            contrast_widths,
            n_pixels,
            antiphase,
            variances,
        )

    @property
    def n_numbers(self):
        """Number of parameters: three a reflection, or two if its phase is tied.

        Structure factors of a crystal that do not differ from those of its largest
        pattern count once.
        """
        tied = np.count_nonzero(self.crystals[self.patterns] >= 0)
        numbers = map(self._n_in_common, range(len(self.cells)))
        return 3 * len(self.patterns) - tied - 2 * sum(numbers)

    def _n_in_common(self, number):
        """Number of structure factors that are those of the largest pattern: int."""
        crystal, patterns = self.crystal(number)
        n_pixels = self.n_pixels[patterns]
        if len(patterns) == 1 or not n_pixels.all():
            return 0
        largest = np.argmax(n_pixels)
        chi2 = np.abs(crystal.factors - crystal.factors[largest]) ** 2
        # In variances of noise.
        chi2 /= self.noise * (1 / n_pixels + 1 / n_pixels[largest])[:, np.newaxis]
        same = (chi2 < DIFFERENT) & (crystal.factors != 0)
        return np.count_nonzero(same) - np.count_nonzero(same[largest])

    @cached_property
    def powers(self):
        """Mean squares of the templates: (n_patterns,) numpy.ndarray of float64."""
        return 2 * np.bincount(self.patterns, self.amplitudes**2, self.n_patterns)

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
        crystals = self.crystals[patterns]
        kept = np.unique(crystals[crystals >= 0])
        return replace(
            self,
            n_patterns=len(patterns),
            patterns=index[self.patterns[own]],
            crystals=np.where(crystals < 0, -1, np.searchsorted(kept, crystals)),
            n_pixels=self.n_pixels[patterns],
            variances=self.variances[patterns],
            **{name: getattr(self, name)[own] for name in OF_REFLECTIONS},
            **{name: getattr(self, name)[kept] for name in OF_CRYSTALS},
        )

    def of(self, pattern):
        """Reflections and amplitudes of a pattern."""
        own = self.patterns == pattern
        return self.reflections[own], self.amplitudes[own]

    @cached_property
    def margin(self):
        """Pixels around a tile of a frame that its labels depend on: int."""
        cell = cell_size(self.period)
        widths = np.concatenate([reach(self.widths), self.contrast_widths])
        widest = widths.max(initial=WIDTH)
        margin = round(MARGIN * widest * self.period)
        if self.are_motifs:
            margin += REACH * block_size(self.period)
        return (margin // cell + 1) * cell

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
        others. Of two patterns of one crystal, the phases count, too.

        Returns
        -------
        float
            From 0 to 1; 1 for one pattern.
        """
        pairs = itertools.combinations(range(self.n_patterns), 2)
        return min((self.difference(*pair) for pair in pairs), default=1.0)

    def difference(self, first, second):
        """Share of their power in which two patterns differ: float.

        Parameters
        ----------
        first, second : int
        """
        (ours, a), (theirs, b) = self.of(first), self.of(second)
        power = (a**2).sum() + (b**2).sum()
        if not power:
            return 0.0
        crystals = self.crystals[[first, second]]
        if crystals[0] == crystals[1] >= 0:
            # Phases count, too, as the displacement is the same.
            a = a * np.exp(1j * self.phases[self.patterns == first])
            b = b * np.exp(-1j * self.phases[self.patterns == second])
        same, other = np.nonzero(distances(ours, theirs) < SAME / self.period)
        in_common = 2 * (a[same] * b[other]).sum().real / power
        return float(np.clip(1 - in_common, 0, 1))

    def crystal(self, number):
        """Crystal of that number, and its patterns."""
        return self._each_crystal[number]

    @cached_property
    def _each_crystal(self):
        """Crystals with their patterns: they are looked up in every frame."""
        return list(map(self._crystal, range(len(self.cells))))

    def _crystal(self, number):
        patterns = np.flatnonzero(self.crystals == number)
        own = np.isin(self.patterns, patterns)
        indices, columns = np.unique(self.indices[own], axis=0, return_inverse=True)
        factors = np.zeros((len(patterns), len(indices)), complex)
        rows = np.searchsorted(patterns, self.patterns[own])
        # NumPy 2.0 gives `columns` a second axis.
        factors[rows, columns.reshape(-1)] = self.amplitudes[own] * np.exp(
            1j * self.phases[own]
        )
        indices = indices.astype(np.int32)
        for array in (patterns, indices, factors):
            array.flags.writeable = False
        crystal = Crystal(
            self.cells[number],
            indices,
            factors,
            self.widths[number],
            self.contrast_widths[number],
            tuple(self.antiphase[number].tolist()),
        )
        return crystal, patterns

    def components(self, frame):
        """Components of all patterns in a frame: list of (object, patterns).

        Those with free phases are by themselves, those of a crystal together.

        Parameters
        ----------
        frame : NormalizedFrame
        """
        free = [(self.of(k), [k]) for k in np.flatnonzero(self.crystals < 0).tolist()]
        tied = list(map(self.crystal, range(len(self.cells))))

        def in_frame(one):
            what, patterns = one
            if isinstance(what, Crystal):
                return what.components(frame), patterns
            return FreeComponents(frame, *what), patterns

        return pmap(in_frame, free + tied, size=frame.counts.size)

    def each_expected(self, frame, posterior):
        """Template of every pattern in a frame: list of (..., rows, columns) float32.

        Parameters
        ----------
        frame : NormalizedFrame
        posterior
            As for `residuals`.
        """
        return by_pattern(
            lambda one, own: one.expected(own), self.components(frame), posterior
        )

    def residuals(self, components, posterior):
        """Squared residuals of the blocks, with the template of every pattern.

        Parameters
        ----------
        components : list of (object, patterns)
            In a frame, as from the method.
        posterior : (patterns, ..., block rows, block columns) numpy.ndarray of float32
            Probability of every pattern in every block.

        Returns
        -------
        (patterns, ..., block rows, block columns) numpy.ndarray of float32
        """
        found = by_pattern(lambda one, own: one.residuals(own), components, posterior)
        return np.stack(found)

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
        components, alike = self.components(frame), self._alike(frame.block)
        shape = self.n_patterns, *frame.counts.shape
        posterior = np.full(shape, 1 / self.n_patterns, np.float32)
        for _ in range(ROUNDS):
            residuals = self.residuals(components, posterior)
            residuals = with_own_variance(residuals, frame, self.variances, self.powers)
            likelihoods = log_likelihoods(residuals, self.noise, alike)
            posterior = mean_field(likelihoods, self.coupling)
        return posterior, residuals * np.float32(-0.5 / self.noise)

    @property
    def coupling(self):
        """What an edge of the labels costs, in nats: float."""
        return COUPLING_OF_MOTIFS if self.are_motifs else COUPLING

    @property
    def are_motifs(self):
        """Whether there are several patterns, all motifs of one crystal: bool."""
        return self.n_patterns > 1 and bool((self.crystals == 0).all())

    def _alike(self, block):
        """Patterns that one cell does not tell apart, as for `log_likelihoods`: list.

        Parameters
        ----------
        block : int
            Side of a block, in pixels.
        """
        found = []
        for crystal, patterns in map(self.crystal, range(len(self.cells))):
            window = window_of_evidence(crystal.factors, block)
            if window is not None:
                found.append((patterns, window))
        return found

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


def by_pattern(function, groups, posterior):
    """What a function gives for each pattern of some groups, in the patterns' order."""

    def of_group(group):
        one, patterns = group
        return function(one, posterior[patterns])

    found = [None] * len(posterior)
    each = pmap(of_group, groups, size=posterior[0].size)
    for (_, patterns), results in zip(groups, each, strict=True):
        for pattern, result in zip(patterns, results, strict=True):
            found[pattern] = result
    return found
