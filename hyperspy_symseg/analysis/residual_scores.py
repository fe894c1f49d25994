# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a frame is from the templates of its patterns, in standard deviations."""

import numpy as np
from scipy import ndimage

from hyperspy_symseg.frames.block_sums import spread
from hyperspy_symseg.templates.blocks import local_mean, sum_blocks
from hyperspy_symseg.templates.normalized_frame import BLOCKS_IN_PERIOD

from .interior import inner_places

# Width of a column in periods: by default, the least and the most. A kernel that is too
# wide or too narrow by a factor of 1.5 loses 8 % of the signal over noise.
WIDTH, LEAST_WIDTH, MOST_WIDTH = 1 / 6, 1 / 10, 1 / 4
# Classes of intensity, at most; periods squared that each has, and a pattern, at least.
CLASSES, AREA_OF_CLASS, LEAST_AREA = 8, 10, 20
# Standard deviations beyond which a place does not count in the statistics of others,
# and how far around, in widths of a column.
OUTLYING, AROUND = 3.5, 3
# A normal distribution's standard deviation over its median absolute deviation.
MAD_TO_DEVIATION = 1.4826
# Skewness that is told from none, at least, and that is believed, at most.
LEAST_SKEWNESS, MOST_SKEWNESS = 1e-3, 1.0
# Where a pattern has no noise at all; pixels have a standard deviation of 1.
LEAST_DEVIATION = 1e-6
# Window in which the scale varies, in periods; deviations are cut off there, and the
# mean square of those of a standard normal variable.
SCALE_WIDTH, CUT, CUT_VARIANCE = 6.0, 3.0, 0.9947


def column_width(templates):
    """Width of a column, from how the amplitudes fall with the spatial frequency.

    Those of Gaussians of width s fall like exp(-2 pi^2 s^2 g^2). The slope is that of
    all patterns together, by least squares weighted by the squared amplitudes.

    Parameters
    ----------
    templates : Templates

    Returns
    -------
    float
        Standard deviation in pixels, from a tenth to a quarter of a period; a sixth if
        the amplitudes do not tell.

    Examples
    --------
    >>> from hyperspy_symseg.templates import Templates
    >>> g = np.array([[0, 0.1], [0.1, 0.1], [0, 0.2]])
    >>> amplitudes = np.exp(-2 * np.pi**2 * 1.5**2 * (g**2).sum(axis=1))
    >>> column_width(Templates(10.0, 1, [0, 0, 0], g, amplitudes, 1.0))
    1.5
    """
    covariance = variance = 0.0
    for k in range(templates.n_patterns):
        reflections, amplitudes = templates.of(k)
        weights = amplitudes**2
        if not weights.sum() > 0:
            continue
        squared, logarithms = (reflections**2).sum(axis=1), np.log(amplitudes)
        squared = squared - np.average(squared, weights=weights)
        covariance += (weights * squared * logarithms).sum()
        variance += (weights * squared**2).sum()
    # Reflections of one length alone have no slope.
    told = variance * templates.period**4 > 1e-3 and covariance < 0
    width = WIDTH * templates.period
    if told:
        width = np.sqrt(-covariance / variance / 2) / np.pi
    width = np.clip(width / templates.period, LEAST_WIDTH, MOST_WIDTH)
    return round(float(width * templates.period), 6)


def gaussian_scores(values, skewness):
    """Make deviates of a skewed distribution normal ones (Wilson and Hilferty).

    The cube root of a gamma variable is nearly normal (Proc. Natl. Acad. Sci. USA 17,
    684 (1931)); sums of counts are like gamma variables.

    Parameters
    ----------
    values : numpy.ndarray
        Of zero mean and unit variance.
    skewness : numpy.ndarray or float

    Returns
    -------
    numpy.ndarray

    Examples
    --------
    >>> gaussian_scores(np.array([-4.0, 0.0, 5.5]), 0.3).round(1)
    array([-5.2,  0. ,  4.5])
    """
    sign = np.where(np.asarray(skewness) < 0, -1, 1)
    skewness = np.clip(np.abs(skewness), LEAST_SKEWNESS, MOST_SKEWNESS)
    root = 2 / skewness
    cube_root = np.cbrt(1 + sign * values / root)
    return sign * 3 * root * (cube_root - 1 + 1 / (9 * root**2))


class ResidualScores:
    """Scores of the residuals of a frame, by the statistics of its noise.

    Residuals are correlated with a Gaussian as wide as a column (a matched filter). Of
    these, mean, deviation and skewness are taken from the pattern's own places, in
    classes of equal expected intensity: at a column there are more counts than beside
    it, and columns are displaced. So whatever the noise is, and however it is
    correlated, there is no need to know it.

    Parameters
    ----------
    frame : NormalizedFrame
    expected : (rows, columns) numpy.ndarray
        From `Templates.expected`.
    labels : (rows, columns) numpy.ndarray of int
    width : float
        Standard deviation of the Gaussian, in pixels.
    period : float
        In pixels.

    Attributes
    ----------
    filtered : (rows, columns) numpy.ndarray of float32
        Residuals, correlated with the Gaussian.
    inner : (rows, columns) numpy.ndarray of bool
        Where there are outliers to be found.
    scores : (rows, columns) numpy.ndarray
        In standard deviations; 0 where there is no template, or too little of a pattern
        to know its noise.
    """

    def __init__(self, frame, expected, labels, width, period):
        known = labels >= 0 if frame.valid is None else frame.valid & (labels >= 0)
        self._residuals = np.where(known, frame.pixels - expected, 0)
        self._pixels, self._width = expected, width
        self.filtered, self._expected = (
            ndimage.gaussian_filter(each, width, mode="constant")
            for each in (self._residuals, expected)
        )
        self._around = round(AROUND * width)
        self._area = period**2
        self.inner = inner_places(labels, period)
        self.scores = np.zeros(labels.shape)
        for label in np.unique(labels[labels >= 0]):
            self._score(labels == label)
        self.inner &= self.scores != 0
        self._scale(frame.block)

    def _score(self, own):
        """Give scores to the places of a pattern."""
        used = own & self.inner
        if not self._expected[used].any():
            return
        if np.count_nonzero(used) < LEAST_AREA * self._area:
            return
        rough = self._normal(own, *self._rough_statistics(used))
        outlying = np.zeros(own.shape, bool)
        outlying[own] = np.abs(rough) > OUTLYING
        outlying = ndimage.maximum_filter(outlying & used, 2 * self._around + 1)
        if np.count_nonzero(used & ~outlying) > np.count_nonzero(used) / 2:
            used &= ~outlying
        self.scores[own] = self._normal(own, *self._moments(used))

    def _normal(self, own, centres, means, deviations, skewness):
        """Normal scores of the places of a pattern, from the statistics of classes."""
        level = self._expected[own]
        mean, deviation, skewness = (
            np.interp(level, centres, each) for each in (means, deviations, skewness)
        )
        return gaussian_scores((self.filtered[own] - mean) / deviation, skewness)

    def _classes(self, used):
        """Expected intensities and filtered residuals of places, class by class."""
        level, values = self._expected[used], self.filtered[used]
        n = int(np.clip(level.size / (AREA_OF_CLASS * self._area), 1, CLASSES))
        edges = np.quantile(level, np.arange(1, n) / n)
        classes = np.searchsorted(edges, level)
        for i in np.unique(classes):
            own = classes == i
            yield level[own].mean(), values[own]

    def _rough_statistics(self, used):
        """Level, mean, deviation and skewness of classes, if the noise is of counts.

        The variance of counts rises with their mean by the gain; so does that of the
        residuals, and the third cumulant is the variance times the gain.
        """
        covariance = np.cov(self._pixels[used], self._residuals[used] ** 2)
        gain = max(covariance[0, 1] / max(covariance[0, 0], LEAST_DEVIATION), 0)
        rows = []
        for level, values in self._classes(used):
            median = np.median(values)
            deviation = MAD_TO_DEVIATION * np.median(np.abs(values - median))
            deviation = max(deviation, LEAST_DEVIATION)
            # Of Gaussian weights of unit sum: squares add up to 1 / (4 pi s^2), cubes
            # to 1 / (12 pi^2 s^4).
            skewness = gain / (3 * np.pi * self._width**2 * deviation)
            skewness = min(skewness, MOST_SKEWNESS)
            rows.append((level, median + skewness * deviation / 6, deviation, skewness))
        return np.array(rows).T

    def _moments(self, used):
        """Level, mean, deviation and skewness of classes, whatever the noise is."""
        rows = []
        for level, values in self._classes(used):
            mean, deviation = values.mean(), max(values.std(), LEAST_DEVIATION)
            values = (values - mean) / deviation
            skewness = np.mean(values * values * values)
            rows.append((level, mean, deviation, skewness))
        return np.array(rows).T

    def _scale(self, block):
        """Divide by what varies slowly, such as with the thickness."""
        squared = np.where(self.inner, np.minimum(self.scores**2, CUT**2), 0)
        counts = sum_blocks(self.inner.astype(float), block)
        mean = local_mean(
            sum_blocks(squared, block), counts, SCALE_WIDTH * BLOCKS_IN_PERIOD
        )
        scale = np.sqrt(np.where(mean > 0, mean / CUT_VARIANCE, 1))
        self.scores = self.scores / spread(scale, block, self.scores.shape)
