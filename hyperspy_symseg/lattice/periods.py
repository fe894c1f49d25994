# SPDX-License-Identifier: GPL-3.0-or-later
"""The lattice periods of frames."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from hyperspy_symseg.frames.checks import as_array, check_frame, shown

from .cell import span_a_plane
from .spectrum import Reflections, Spectrum, find_reflections, power_spectrum
from .windows import find_in_windows

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

# Reflections that the characteristic period is of: their power, beside the strongest,
# at least, and their frequency, beside the lowest of these, at most.
STRONG = 0.25
LOW_ORDER = 1.3
# How much longer a moire is than the lattice of the atoms, at least. The cell of a few
# columns has strong reflections of all orders up to there.
MOIRE = 3
# Atoms under stripes have this share of the gradient of these, at least.
UNDER_STRIPES = 0.05
# Power of a reflection of a superlattice beside the strongest of all, at least.
SUPERLATTICE = 0.01


@dataclass(frozen=True)
class Periods:
    """Lattice periods of a frame, or of several.

    Attributes
    ----------
    period : float or None
        The characteristic period in pixels: one over the mean frequency of the strong
        reflections of low order of the lattice that the atoms form. None if there are
        no reflections.
    reflections : (n, 2) numpy.ndarray of float64
        Frequencies (gy, gx) in cycles a pixel of the significant maxima of the power
        spectrum, the strongest first, of one half-plane.
    powers : (n,) numpy.ndarray of float64
        Power of each reflection, as a fraction of that of all reflections and of the
        noise floor: slow variations and lines of a scan count as neither.
    ratios : (n,) numpy.ndarray of float64
        Height of each maximum over the noise floor.
    spectrum : Spectrum or None
        The power spectrum: of the frames, or of that window in them in which
        reflections are found, if there are none otherwise. None if the frames are tiny,
        or have no contrast.
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
    def share(self) -> float:
        """Power of all reflections, as a fraction of that and of the noise: float."""
        return float(self.powers.sum())

    @property
    def superlattice_period(self) -> float | None:
        """Of a moire or a superlattice above that lattice, in pixels: float or None.

        One over the frequency of the strongest of the reflections that are lower by a
        quarter or more. None if none has a hundredth of the largest power.
        """
        if self.period is None or not len(self.powers):
            return None
        radii = np.hypot(*self.reflections.T)
        above = radii * self.period * LOW_ORDER < 1
        above &= self.powers >= SUPERLATTICE * self.powers.max()
        strongest = np.argmax(self.powers * above)
        return float(1 / radii[strongest]) if above.any() else None

    @property
    def signal_to_noise(self) -> float:
        """Power of the reflections over that of the noise, moires left out: float."""
        signal = self.powers
        if self.period is not None:
            signal = signal[np.hypot(*self.reflections.T) * self.period * MOIRE > 1]
        return float(signal.sum() / max(1 - self.share, 1e-9))


def find_periods(
    frames: ArrayLike | Iterable[ArrayLike],
    masks: ArrayLike | Iterable[ArrayLike] | None = None,
) -> Periods:
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
        Of the lattice that the atoms form, in the frames or, if none is found, in the
        clearest of windows of a half and a quarter of them; or by the evidence of all
        nodes of a lattice together, if no reflection is significant by itself. In one
        of a thousand frames of pure noise, a period is found.

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
    frames = list(_checked(frames, masks))
    spectrum = power_spectrum(frames)
    found = Reflections(np.empty((0, 2)), np.empty(0), np.empty(0))
    if spectrum is not None:
        found = find_reflections(spectrum)
        if not len(found.powers):
            spectrum, found = find_in_windows(frames) or (spectrum, found)
        if not len(found.powers):
            # It needs more of SciPy than the reading of a file does.
            from .faint import find_faint

            found = find_faint(frames) or found
    if not len(found.powers):
        return Periods(None, *found, spectrum)
    radii = np.hypot(*found.frequencies.T)
    used = _of_the_atoms(found.frequencies, found.powers)
    period = float(1 / np.average(radii[used], weights=found.powers[used]))
    return Periods(period, *found, spectrum)


def _of_the_atoms(frequencies, powers):
    """Reflections of low order of the lattice that the atoms form: (n,) bool.

    The lowest strong ones, but for those that only modulate a lattice of higher ones.
    """
    radii = np.hypot(*frequencies.T)
    kept = np.ones(len(radii), bool)
    while True:
        low = _low_order(radii, powers, kept)
        bound = _under_a_moire(frequencies, powers, kept, low)
        if bound is None:
            bound = _with_a_centred_cell(frequencies, powers, kept, low)
        if bound is None:
            return low
        kept &= radii >= bound


def _low_order(radii, powers, kept):
    """Strong ones of low order among reflections that are kept: (n,) bool."""
    # Slow variations have power at low frequencies, which reflections rarely need.
    strength = powers * radii * kept
    strong = strength >= STRONG * strength.max()
    return strong & (radii <= LOW_ORDER * radii[strong].min())


def _under_a_moire(frequencies, powers, kept, low):
    """Least frequency of the atoms' reflections if the low ones are a moire, or None.

    Atoms have reflections of much higher frequencies, which span a plane, and with none
    of their power in between; these have most of the gradient of the frame. Stripes
    are no lattice of atoms, however strong.
    """
    radii = np.hypot(*frequencies.T)
    bound = MOIRE * radii[low].min()
    high, moire = kept & (radii >= bound), kept & (radii < bound)
    between = moire & (radii > radii[low].max())
    if not span_a_plane(frequencies[high], powers[high]):
        return None
    gradients = powers * radii**2
    least = gradients[moire].sum()
    if not span_a_plane(frequencies[moire], powers[moire]):
        least *= UNDER_STRIPES
    elif powers[high].max() <= powers[between].max(initial=0):
        return None
    return bound if gradients[high].sum() > least else None


def _with_a_centred_cell(frequencies, powers, kept, low):
    """Least frequency of stronger reflections than the low, collinear ones, or None.

    The power of the reflections of alike atoms falls with the frequency. Where those of
    a plane are stronger than lower ones of a line, these are of a larger cell.
    """
    radii = np.hypot(*frequencies.T)
    rest = kept & (radii > radii[low].max())
    # Some that belong to the low ones are not quite strong.
    strength = powers * radii * kept
    near = _is_near(radii, radii[low].min())
    near &= strength >= STRONG / 2 * strength.max()
    if not rest.any() or span_a_plane(frequencies[near], powers[near]):
        return None
    strong = radii[_low_order(radii, powers, rest)].min()
    group = rest & _is_near(radii, strong)
    stronger = powers[group].max() > powers[low].max()
    if stronger and span_a_plane(frequencies[group], powers[group]):
        return radii[group].min()
    return None


def _is_near(radii, radius):
    """Which frequencies are of one order with another: (n,) bool."""
    return (radii * LOW_ORDER >= radius) & (radii <= LOW_ORDER * radius)


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
