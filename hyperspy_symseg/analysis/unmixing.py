# SPDX-License-Identifier: GPL-3.0-or-later
"""Spectra of the components of frames, by non-negative matrix factorisation."""

import logging
from dataclasses import replace

import numpy as np

from hyperspy_symseg.frames.tiling import evenly_spread

from .abundances import Abundances, contributions

_logger = logging.getLogger(__name__)

# Half the window, in periods: with fewer, one count is not enough, and with more,
# crystals lose at their boundaries to what has no lattice.
HALF_WINDOW = 2.2
# Half the window, as a fraction of the shorter side, at most.
MOST_WINDOW = 1 / 4
# Where there is no period.
DEFAULT_PERIOD = 12.0
# Highest frequency in cycles a period, and lowest in cycles a window: slower variations
# are of thickness or background.
HIGHEST, LOWEST = 3.0, 1.5
# Distance of the windows, as a fraction of half of one: a shorter one changes nothing.
# And of those that are fitted.
STRIDE, FIT_STRIDE = 0.4, 0.5
# Crops and windows that are fitted, at most.
MOST_CROPS, MOST_WINDOWS = 8, 2000
# Weight of white noise among the fitted spectra, as a share of all of them: so one
# component is that of noise.
NOISE_WEIGHT = 1.0
TOLERANCE, MOST_STEPS = 1e-3, 1000
# Frequencies at which a component has no more than noise, as a share of all.
FLOOR = 0.2
# Windows of a component from which its spectrum is taken, those with most of it, and
# how often.
PUREST, ROUNDS = 0.5, 2
# Windows in which other components are noise, and standard deviations that noise may
# have.
NEARLY_PURE, DEVIATIONS = 0.7, 3.0
# Noise that is taken off an abundance, at most.
MOST_NOISE = 0.3


def suitable_window(period, shape):
    """Half a window that suits a period and a frame: int.

    Parameters
    ----------
    period : float or None
    shape : (int, int)
        Rows and columns.

    Examples
    --------
    >>> suitable_window(12.0, (512, 512)), suitable_window(None, (100, 512))
    (26, 24)
    """
    half = round(HALF_WINDOW * (period or DEFAULT_PERIOD))
    return max(1, min(half, int(MOST_WINDOW * (min(shape) - 1))))


def suitable_stride(window):
    """Distance of windows that suits half their size: (int, int)."""
    return tuple(max(1, round(STRIDE * half)) for half in window)


def frequencies_of(window, period):
    """Frequencies of a window that tell patterns from each other.

    Parameters
    ----------
    window : (int, int)
        Half its size along (y, x).
    period : float or None

    Returns
    -------
    tuple of (int, int)
        As of `PowerSpectrum`: of one half-plane, from 1.5 cycles a window to 3 cycles
        a period.

    Examples
    --------
    >>> frequencies_of((4, 4), 12.0)
    ((-2, 1), (-1, 2), (0, 2), (1, 2), (2, 0), (2, 1))
    """
    y, x = window
    ky, kx = np.mgrid[-y : y + 1, : x + 1]
    sizes = 2 * y + 1, 2 * x + 1
    radii = np.hypot(ky / sizes[0], kx / sizes[1])
    highest = min(HIGHEST / (period or DEFAULT_PERIOD), 0.5)
    used = (np.hypot(ky, kx) >= LOWEST) & (radii <= highest)
    # The other half of this column is its mirror image.
    used &= (kx > 0) | (ky > 0)
    return tuple(zip(ky[used].tolist(), kx[used].tolist(), strict=True))


def fit_abundances(frames, n_components, lengths, period, random_state):
    """Fit the spectra of components to frames.

    Non-negative matrix factorisation of |F| (scikit-learn), with one component more
    for white noise, which is dropped; then, twice, each spectrum is the mean of those
    of the windows that have most of it.

    Parameters
    ----------
    frames : list of (frame, mask)
        Frames of one shape or crops of them, (rows, columns) numpy.ndarray, each with
        its mask: None, or an array of bool, True where a pixel is left out. Up to eight
        are looked at.
    n_components : int
    lengths : ((int, int), (int, int))
        Half the window, and the distance of windows, along (y, x).
    period : float or None
        In pixels.
    random_state : int

    Returns
    -------
    Abundances
        Components in the order of how much there is of them, the scarcest first.

    Raises
    ------
    ValueError
        If there are not enough windows or frequencies for so many components.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> s, truth = simulate.grain_boundary(shape=(150, 180))
    >>> found = fit_abundances([(s.data, None)], 2, ((25, 25), (6, 6)), 13.0, 0)
    >>> len(found.spectra), len(found.frequencies) == len(found.spectra[0])
    (2, True)
    """
    window, stride = lengths
    frequencies = frequencies_of(window, period)
    if len(frequencies) <= n_components + 1:
        raise ValueError(
            f"window must have more than {n_components + 1} frequencies from {LOWEST} "
            f"cycles in it to {HIGHEST:g} a period for {n_components} components, got "
            f"{len(frequencies)} in {2 * window[0] + 1} x {2 * window[1] + 1} pixels."
        )
    frames = [
        frames[i] for i in evenly_spread(len(frames), min(MOST_CROPS, len(frames)))
    ]
    sparse = tuple(max(1, round(FIT_STRIDE * half)) for half in window)
    blank = np.zeros((n_components, len(frequencies)))
    analysis = Abundances(window, sparse, frequencies, blank, 0.0)
    powers = np.concatenate([_fitted_powers(analysis, *each) for each in frames])
    if len(powers) <= n_components:
        raise ValueError(
            f"n_components must be less than the number of windows with contrast, "
            f"{len(powers)}, got {n_components}."
        )
    powers = powers[evenly_spread(len(powers), min(MOST_WINDOWS, len(powers)))]
    spectra = _above_noise(_factorised(powers, n_components, random_state))
    for _ in range(ROUNDS):
        spectra = _purified(powers, spectra)
    analysis = replace(analysis, spectra=spectra)
    amounts = [analysis.amounts(*each).reshape(-1, n_components) for each in frames]
    amounts = np.concatenate(amounts)
    amounts = amounts[np.isfinite(amounts).all(axis=1)]
    least = _noise_of(amounts)
    order = np.argsort(replace(analysis, least=least).shares(amounts).mean(axis=0))
    return Abundances(
        window, stride, frequencies, tuple(map(tuple, spectra[order].tolist())), least
    )


def _fitted_powers(analysis, frame, mask):
    """Power spectra of windows in a frame that have contrast: (windows, frequencies).

    All pixels of these windows count, if there are such windows.
    """
    grid = analysis.grid(frame.shape)
    powers = analysis.descriptor.compute(frame, grid, mask)
    powers = np.ascontiguousarray(powers)
    inside = np.logical_and.outer(
        *(
            (places >= half) & (places < n - half)
            for places, half, n in zip(
                (grid.rows, grid.columns), analysis.window, frame.shape, strict=True
            )
        )
    )
    good = np.isfinite(powers).all(axis=-1) & powers.any(axis=-1)
    return powers[good & inside] if (good & inside).any() else powers[good]


def _factorised(powers, n_components, random_state):
    """Spectra of components from those of windows: (components, frequencies) powers."""
    from sklearn.decomposition import NMF

    amplitudes = np.sqrt(powers)
    level = np.sqrt(NOISE_WEIGHT * np.square(amplitudes).sum() / powers.shape[1])
    noise = np.full((1, powers.shape[1]), level, amplitudes.dtype)
    model = NMF(
        n_components + 1,
        init="nndsvda",
        tol=TOLERANCE,
        max_iter=MOST_STEPS,
        random_state=random_state,
    )
    weights = model.fit_transform(np.concatenate([amplitudes, noise]))
    found = model.components_.astype(float)
    is_noise = np.argmax(weights[-1] * found.sum(axis=1))
    return np.delete(found, is_noise, axis=0) ** 2


def _above_noise(spectra):
    """Spectra without what they have at the frequencies at which they are lowest."""
    floor = np.quantile(spectra, FLOOR, axis=1, keepdims=True)
    return np.maximum(spectra - floor, 0)


def _purest(amounts, k, share):
    """Windows that have most of a component, among those that it is the largest in.

    Numbers of windows, the given share of them; as many have no component at all, the
    amount counts, too.
    """
    shares = amounts / np.maximum(amounts.sum(axis=1, keepdims=True), 1e-9)
    own = np.flatnonzero(shares.argmax(axis=1) == k)
    order = np.argsort(-(shares * amounts)[own, k], kind="stable")
    return own[order[: -int(-share * len(own) // 1)]]


def _purified(powers, spectra):
    """Spectra from the windows that have most of a component each."""
    noise = np.ones((1, spectra.shape[1]))
    amounts = contributions(powers, np.concatenate([spectra, noise]))[:, :-1]
    amounts *= spectra.sum(axis=1)
    found = spectra.copy()
    for k in range(len(spectra)):
        own = _purest(amounts, k, PUREST)
        if len(own):
            found[k] = powers[own].mean(axis=0)
    return _above_noise(found)


def _noise_of(amounts):
    """What components have where there is another one: float."""
    largest = 0.0
    for k in range(amounts.shape[1]):
        others = np.delete(amounts[_purest(amounts, k, NEARLY_PURE)], k, axis=1)
        if others.size:
            deviation = np.sqrt(np.square(others).mean(axis=0)).max()
            largest = max(largest, DEVIATIONS * float(deviation))
    if largest > MOST_NOISE:
        _logger.warning(
            "Components have up to %.2f of each other: abundances below %.1f are lost. "
            "A larger window may tell them apart, or there are fewer.",
            largest,
            MOST_NOISE,
        )
    return min(largest, MOST_NOISE)
