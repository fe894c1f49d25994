# SPDX-License-Identifier: GPL-3.0-or-later
"""The lattice periods of frames."""

import itertools
from dataclasses import dataclass

import numpy as np

from hyperspy_symseg.frames.checks import as_array, check_frame, shown

from .spectrum import Reflections, Spectrum, find_reflections, power_spectrum

# Reflections that the characteristic period is of: their power, beside the strongest,
# at least, and their frequency, beside the lowest of these, at most.
STRONG = 0.25
LOW_ORDER = 1.3


@dataclass(frozen=True)
class Periods:
    """Lattice periods of a frame, or of several.

    Attributes
    ----------
    period : float or None
        The characteristic period in pixels: one over the mean frequency of the strong
        reflections of low order. None if there are no reflections.
    reflections : (n, 2) numpy.ndarray of float64
        Frequencies (gy, gx) in cycles a pixel of the significant maxima of the power
        spectrum, the strongest first, of one half-plane.
    powers : (n,) numpy.ndarray of float64
        Power of each reflection, as a fraction of that of all reflections and of the
        noise floor: slow variations and lines of a scan count as neither.
    ratios : (n,) numpy.ndarray of float64
        Height of each maximum over the noise floor.
    spectrum : Spectrum or None
        The power spectrum. None if the frames are tiny, or have no contrast.
    """

    period: float | None
    reflections: np.ndarray
    powers: np.ndarray
    ratios: np.ndarray
    spectrum: Spectrum | None

    def __repr__(self):
        """One line: what was found, but no arrays."""
        if self.period is None:
            return "<Periods: none>"
        n_reflections = len(self.reflections)
        return f"<Periods: period {self.period:.4g} px, {n_reflections} reflections>"

    @property
    def share(self):
        """Power of all reflections, as a fraction of that and of the noise: float."""
        return float(self.powers.sum())


def find_periods(frames, masks=None):
    """Find the lattice periods of a frame, or of several.

    Parameters
    ----------
    frames : (rows, columns) numpy.ndarray of any real dtype, or iterable of these
        Several have to have the same shape; their power spectra are averaged. Pixels
        that are not finite are left out.
    masks : (rows, columns) numpy.ndarray of bool, or iterable of these, optional
        True where a pixel is left out. One for all frames, or one a frame, each of
        which may be None.

    Returns
    -------
    Periods
        In one of a thousand frames of pure noise, a period is found.

    Raises
    ------
    TypeError, ValueError
        If a frame or a mask is not one, or they do not fit each other.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[:100, :120]
    >>> counts = 1 + np.cos(2 * np.pi * y / 10) * np.cos(2 * np.pi * x / 10)
    >>> periods = find_periods(np.random.default_rng(0).poisson(counts))
    >>> round(periods.period, 1)
    7.0
    >>> periods.reflections.round(2)
    array([[ 0.1,  0.1],
           [-0.1,  0.1]])
    """
    spectrum = power_spectrum(_checked(frames, masks))
    found = Reflections(np.empty((0, 2)), np.empty(0), np.empty(0))
    if spectrum is not None:
        found = find_reflections(spectrum)
    period = None
    if len(found.powers):
        radii = np.hypot(*found.frequencies.T)
        # Slow variations have power at low frequencies, which reflections rarely need.
        strength = found.powers * radii
        strong = strength >= STRONG * strength.max()
        used = strong & (radii <= LOW_ORDER * radii[strong].min())
        period = float(1 / np.average(radii[used], weights=found.powers[used]))
    return Periods(period, *found, spectrum)


def _checked(frames, masks):
    """Frames with their masks, each checked when its turn comes: (frame, mask)."""
    if getattr(frames, "ndim", None) == 2:
        frames = [frames]
    if not np.iterable(frames) or isinstance(frames, str | bytes):
        raise TypeError(f"frames must be one frame or several, got {shown(frames)}.")
    if masks is None or getattr(masks, "ndim", None) == 2:
        masks = itertools.repeat(masks)
    elif not np.iterable(masks) or isinstance(masks, str | bytes):
        raise TypeError(f"masks must be one mask or several, got {shown(masks)}.")
    shape, masks = None, iter(masks)
    for frame in frames:
        frame = as_array("frames", frame)
        check_frame(frame)
        if frame.shape != (shape := shape or frame.shape):
            raise ValueError(
                f"frames must have the same shape, got {shape} and {frame.shape}."
            )
        try:
            mask = next(masks)
        except StopIteration:
            raise ValueError("masks must be one a frame, got fewer.") from None
        yield frame, None if mask is None else _checked_mask(mask, shape)
    if not isinstance(masks, itertools.repeat) and next(masks, None) is not None:
        raise ValueError("masks must be one a frame, got more.")


def _checked_mask(mask, shape):
    """Mask of a frame, which may leave nothing: numpy.ndarray of bool."""
    mask = as_array("masks", mask)
    if mask.dtype != bool:
        raise TypeError(f"masks must be of bool, got the dtype {mask.dtype}.")
    if mask.shape != shape:
        raise ValueError(
            f"masks must have the shape of the frames, {shape}, got {mask.shape}."
        )
    return mask
