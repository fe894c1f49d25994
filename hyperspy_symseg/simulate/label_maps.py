# SPDX-License-Identifier: GPL-3.0-or-later
"""Label maps: which grain each pixel of a frame is in."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

from . import checks

ATTEMPTS = 1000  # to find room for the inclusions


def regions(
    shape: tuple[int, int],
    n: int = 2,
    boundary: Literal["curved", "straight"] = "curved",
    *,
    amplitude: float = 0.1,
    seed: int = 0,
) -> np.ndarray:
    """Label map of `n` grains side by side, of equal areas.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    n : int
        Number of grains, 1 to 127.
    boundary : {"curved", "straight"}
        Parallel straight lines in a random direction, with or without a random wave.
    amplitude : float
        Bound on the wave, as a fraction of the shorter side of the frame.
    seed : int
        Seed of the direction and the wave.

    Returns
    -------
    numpy.ndarray of int8, shape (rows, columns)
        Labels from 0 to n - 1.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> np.bincount(regions((60, 84), 3).ravel())
    array([1680, 1680, 1680])
    """
    shape = checks.frame_shape(shape)
    n = checks.whole("n", n, "an int from 1 to 127", 127)
    kinds = ("curved", "straight")
    valid = isinstance(boundary, str) and boundary in kinds
    checks.require(valid, "boundary", boundary, "'curved', 'straight' or an array")
    amplitude, rng = _wavy(amplitude, seed)
    direction, *phases = rng.uniform(0, 2 * np.pi, 3)
    y, x = np.ogrid[: shape[0], : shape[1]]
    across = y * np.sin(direction) + x * np.cos(direction)
    if boundary == "curved":
        along = y * np.cos(direction) - x * np.sin(direction)
        turns = 2 * np.pi * along / min(shape)
        across += _wave(turns, phases, amplitude * min(shape))
    return np.digitize(across, np.quantile(across, np.arange(1, n) / n)).astype(np.int8)


def lamella(
    shape: tuple[int, int], width: float, *, amplitude: float = 0.05, seed: int = 0
) -> np.ndarray:
    """Label map of a lamella of pattern 1 that runs across a matrix of pattern 0.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    width : float
        Of the lamella, across itself, in pixels.
    amplitude : float
        Bound on the wave of its middle line, as a fraction of the shorter side of the
        frame; straight if it is 0. The line is in a random direction, and passes the
        centre of the frame within a tenth of the shorter side but for the wave.
    seed : int
        Seed of the direction, the distance from the centre and the wave.

    Returns
    -------
    numpy.ndarray of int8, shape (rows, columns)

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> labels = lamella((60, 84), 9)
    >>> labels.dtype, np.unique(labels)
    (dtype('int8'), array([0, 1], dtype=int8))
    """
    shape = checks.frame_shape(shape)
    width = checks.positive("width", width)
    amplitude, rng = _wavy(amplitude, seed)
    direction, *phases = rng.uniform(0, 2 * np.pi, 3)
    side, centre = min(shape), np.subtract(shape, 1) / 2
    # Points of the middle line, half a pixel apart, on to beyond the corners.
    reach = np.hypot(*shape) / 2 + width
    along = np.arange(-reach, reach, 0.5)
    across = _wave(2 * np.pi * along / side, phases, amplitude * side)
    across += rng.uniform(-0.1, 0.1) * side
    sin, cos = np.sin(direction), np.cos(direction)
    line = np.transpose([across * sin + along * cos, across * cos - along * sin])
    tree, pixels = cKDTree(line + centre), np.indices(shape).reshape(2, -1).T
    distances, _ = tree.query(pixels, distance_upper_bound=width / 2)
    return np.isfinite(distances).reshape(shape).astype(np.int8)


def inclusions(
    shape: tuple[int, int],
    n: int = 4,
    radius: tuple[float, float] = (24.0, 40.0),
    *,
    gap: float = 20.0,
    amplitude: float = 0.1,
    seed: int = 0,
) -> np.ndarray:
    """Label map of round inclusions of pattern 1 in a matrix of pattern 0.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    n : int
        Number of inclusions.
    radius : (float, float)
        Smallest and largest mean radius of an inclusion, in pixels.
    gap : float
        Least distance between two inclusions, in pixels. They touch no edge.
    amplitude : float
        Bound on the wave of an outline, as a fraction of the radius, less than 1.
    seed : int
        Seed of the radii, the places and the waves.

    Returns
    -------
    numpy.ndarray of int8, shape (rows, columns)

    Raises
    ------
    ValueError
        If an argument is out of range, or if there is no room for the inclusions.

    Examples
    --------
    >>> from scipy import ndimage
    >>> ndimage.label(inclusions((250, 300), 3))[1]
    3
    """
    shape = checks.frame_shape(shape)
    n = checks.whole("n", n)
    valid = isinstance(radius, list | tuple) or getattr(radius, "ndim", 0) == 1
    rule = "two positive numbers, the smaller one first"
    checks.require(valid and len(radius) == 2, "radius", radius, rule)
    radius = [checks.number("radius", each, lambda x: x > 0, rule) for each in radius]
    checks.require(radius[0] <= radius[1], "radius", radius, rule)
    gap = checks.not_negative("gap", gap)
    rule = "a number of at least 0 and less than 1"
    amplitude = checks.number("amplitude", amplitude, lambda x: 0 <= x < 1, rule)
    rng = np.random.default_rng(checks.seed(seed))
    radii = rng.uniform(*radius, n)
    bounds = radii * (1 + amplitude)
    rule = f"smaller, for outlines within a frame of {shape}"
    checks.require(2 * bounds.max() < min(shape) - 3, "radius", radius, rule)
    centres = _centres(shape, bounds, gap, rng)
    rule = f"smaller, for outlines {gap} pixels apart within a frame of {shape}"
    checks.require(centres is not None, "n", n, rule)
    labels = np.zeros(shape, np.int8)
    for centre, mean in zip(centres, radii, strict=True):
        turns, distance = _polar(shape, centre)
        phases = rng.uniform(0, 2 * np.pi, 2)
        wave = _wave(turns, phases, amplitude * mean, folds=(2, 3))
        labels[distance < mean + wave] = 1
    return labels


def triple_point(
    shape: tuple[int, int], *, amplitude: float = 0.1, seed: int = 0
) -> np.ndarray:
    """Label map of three grains, whose boundaries meet at 120 degrees.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns of the frame.
    amplitude : float
        Bound on the bend of the boundaries, as a fraction of the shorter side of the
        frame. All three bend alike, so each grain has a third of any circle about the
        point where they meet, which is within a tenth of the side from the centre,
        along y and along x.
    seed : int
        Seed of the point, the direction and the bend.

    Returns
    -------
    numpy.ndarray of int8, shape (rows, columns)
        Labels from 0 to 2.

    Raises
    ------
    ValueError
        If an argument is out of range.

    Examples
    --------
    >>> np.unique(triple_point((60, 84)))
    array([0, 1, 2], dtype=int8)
    """
    shape = checks.frame_shape(shape)
    amplitude, rng = _wavy(amplitude, seed)
    direction, phase = rng.uniform(0, 2 * np.pi, 2)
    side = min(shape)
    point = np.subtract(shape, 1) / 2 + rng.uniform(-0.1, 0.1, 2) * side
    angle, distance = _polar(shape, point)
    bend = np.sin(2 * np.pi * distance / side + phase) - np.sin(phase)
    angle -= amplitude * side / 2 * bend / np.maximum(distance, 1e-9)
    thirds = np.floor((angle - direction) / (2 * np.pi / 3)).astype(int)
    return (thirds % 3).astype(np.int8)


def _wavy(amplitude, seed):
    """Bound on a wave, checked, and what its shape is drawn from: float, Generator."""
    amplitude = checks.not_negative("amplitude", amplitude)
    return amplitude, np.random.default_rng(checks.seed(seed))


def _wave(turns, phases, bound, folds=(1, 2)):
    """Smooth wave, between minus the bound and the bound."""
    first, second = (
        np.sin(fold * turns + phase) for fold, phase in zip(folds, phases, strict=True)
    )
    return bound * (2 * first + second) / 3


def _polar(shape, centre):
    """Angle from x and distance of each pixel from a point."""
    y, x = np.ogrid[: shape[0], : shape[1]]
    y, x = y - centre[0], x - centre[1]
    return np.arctan2(y, x), np.hypot(y, x)


def _centres(shape, radii, gap, rng):
    """Centres of discs within a frame and apart, or None if none were found."""
    low = radii[:, np.newaxis] + 1
    high = np.subtract(shape, 1) - low
    apart = radii + radii[:, np.newaxis] + gap
    np.fill_diagonal(apart, 0)
    for _ in range(ATTEMPTS):
        centres = rng.uniform(low, high)
        steps = centres - centres[:, np.newaxis]
        if (np.linalg.norm(steps, axis=-1) >= apart).all():
            return centres
    return None
