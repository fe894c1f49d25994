# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions of many shapes, drawn at random, and evidence of where these are.

A map tells the share of each block that is of the first of two patterns. Two thirds of
the maps have straight boundaries, and most of these corners of 90 degrees, as coherent
precipitates have; the others are round, bent or of no shape. Evidence is a logarithm of
a likelihood ratio as it should be: a normal variable of mean m and variance 2 m where a
block is of the first pattern, and of mean -m where it is of the second.
"""

import numpy as np
from hrtem_frames import uniform_log
from scipy import ndimage

# Blocks of a map along each side, of which a corner is shown.
SIDE = 128
Y, X = np.indices((SIDE, SIDE), np.float32)
# Half of the size of a shape, in blocks.
SIZES = 4.0, 28.0
# Nats of a block, in the mean: faint, and as often as not sure.
FAINT, SURE, IS_FAINT = (0.02, 3.0), (3.0, 30.0), 0.8
# How often only columns tell where they are, their distances in blocks, and how far
# the evidence of one is spread: a standard deviation.
IS_OF_COLUMNS, SPACINGS, SPREADS = 0.6, (2.6, 4.8), (0.4, 0.7)
# How often every column has more or less evidence than the next, and what it is times.
ALTERNATES, WEIGHTS = 0.3, (0.6, 1.4)


def draw(rng):
    """Draw a map: (SIDE, SIDE) numpy.ndarray of float32 from 0 to 1."""
    odds = np.array([weight for weight, _ in KINDS], float)
    _, kind = KINDS[rng.choice(len(KINDS), p=odds / odds.sum())]
    share = np.clip(0.5 - kind(rng), 0, 1).astype(np.float32)
    return 1 - share if rng.random() < 0.5 else share


def evidence(share, rng):
    """What a frame tells of a map.

    Parameters
    ----------
    share : (n, n) numpy.ndarray of float32
        Of each block that is of the first pattern.
    rng : numpy.random.Generator

    Returns
    -------
    (n, n) numpy.ndarray of float32
        Logarithms of likelihood ratios of the blocks, in nats.
    """
    nats = uniform_log(rng, *(FAINT if rng.random() < IS_FAINT else SURE))
    if rng.random() < IS_OF_COLUMNS:
        return _of_columns(share, nats, rng)
    noise = np.sqrt(2 * nats) * rng.standard_normal(share.shape, np.float32)
    return ((2 * share - 1) * nats + noise).astype(np.float32)


def _of_columns(share, nats, rng):
    """Evidence of columns on a lattice, each spread over blocks: (n, n) float32."""
    n = len(share)
    spacing, turn = rng.uniform(*SPACINGS), rng.uniform(0, np.pi / 2)
    angles = turn, turn + rng.choice([np.pi / 2, np.pi / 3])
    vectors = spacing * np.stack([np.sin(angles), np.cos(angles)], axis=1)
    reach = int(1.6 * n / spacing) + 3
    corners = np.mgrid[-reach : reach + 1, -reach : reach + 1].reshape(2, -1).T
    places = corners @ vectors + n / 2 + rng.uniform(-spacing, spacing, 2)
    places = places[((places > -2) & (places < n + 1)).all(axis=1)]
    there = ndimage.map_coordinates(share, places.T, order=1, mode="nearest")
    nats = np.full(len(places), nats * abs(np.linalg.det(vectors)))
    if rng.random() < ALTERNATES:
        nats *= rng.choice(WEIGHTS, len(places))
    values = np.where(there > 0.5, nats, -nats)
    values += rng.normal(size=len(places)) * np.sqrt(2 * nats)
    spread = rng.uniform(*SPREADS)
    blocks = np.arange(-4, n + 4)
    along_y, along_x = (
        np.exp(-((each[:, np.newaxis] - blocks) ** 2) / (2 * spread**2))
        for each in places.T
    )
    # All of a column, but for what is beyond the edges.
    along_y, along_x = (
        each[:, 4:-4] / each.sum(axis=1, keepdims=True) for each in (along_y, along_x)
    )
    return (along_y.T @ (values[:, np.newaxis] * along_x)).astype(np.float32)


def _of_lines(y, x, angles, distances):
    """Signed distance from a convex polygon about (0, 0), negative inside: array."""
    sides = zip(angles, distances, strict=True)
    return np.max([y * np.sin(a) + x * np.cos(a) - d for a, d in sides], axis=0)


def _normalised(values):
    """What is a distance near 0, of values whose steps there are steeper: array."""
    return values / np.maximum(np.hypot(*np.gradient(values)), 0.05)


def _bent(rng, by, length):
    """Coordinates of blocks, displaced by a field of that length: two arrays."""
    found = []
    for axis in (Y, X):
        field = rng.normal(size=(SIDE // 4, SIDE // 4))
        field = ndimage.zoom(ndimage.gaussian_filter(field, length / 4), 4, order=3)
        found.append(axis + by * field / field.std())
    return found


def _several(rng, shape, sizes, overlap):
    """Signed distance from the union of some shapes, by their middles and sizes."""
    low, high = sizes
    # Less than a half of the map.
    most = 0.45 * SIDE**2 / (4 * high**2)
    n = min(int(rng.uniform(0.3, 1) * most) + 1, 12)
    found, put = np.full((SIDE, SIDE), 1e3), []
    for _ in range(8 * n):
        size = uniform_log(rng, low, high)
        y, x = rng.uniform(-0.3 * size, SIDE + 0.3 * size, 2)
        near = [np.hypot(y - v, x - u) < 1.3 * (size + s) + 2 for v, u, s in put]
        if overlap or not any(near):
            put.append((y, x, size))
            found = np.minimum(found, shape(Y - y, X - x, size))
        if len(put) == n:
            break
    return found


def _sizes(rng):
    """Half of the sizes of the shapes of a map, from and to: (float, float)."""
    low = uniform_log(rng, *SIZES)
    return low, low * rng.uniform(1, 2)


def _stretched(rng, most):
    """Factor and its inverse, by which two sides differ: (float, float)."""
    factor = np.sqrt(uniform_log(rng, 1 / most, most))
    return factor, 1 / factor


def rectangles(rng):
    """Rectangles, most often with the same directions of their sides."""
    turn, are_free = rng.uniform(0, np.pi), rng.random() < 0.25
    most = 1.8 if rng.random() < 0.7 else 4

    def shape(y, x, size):
        own = rng.uniform(0, np.pi) if are_free else turn
        a, b = _stretched(rng, most)
        return _of_lines(y, x, own + QUARTERS, [size * a, size * b] * 2)

    return _several(rng, shape, _sizes(rng), overlap=False)


def polygons(rng):
    """Convex polygons of three to seven sides, regular or not."""
    n, is_regular = rng.integers(3, 8), rng.random() < 0.4
    angles = rng.uniform(0, 2 * np.pi) + np.arange(n) * 2 * np.pi / n

    def shape(y, x, size):
        if is_regular:
            return _of_lines(y, x, angles, [size] * n)
        off, far = rng.uniform(-0.3, 0.3, n), rng.uniform(0.6, 1.2, n)
        return _of_lines(y, x, angles + off, size * far)

    return _several(rng, shape, _sizes(rng), overlap=rng.random() < 0.3)


def steps(rng):
    """Rectangles of the same directions that are added, or taken away: facets."""
    turn = rng.uniform(0, np.pi)
    found = None
    for _ in range(rng.integers(2, 7)):
        y, x = rng.uniform(0, SIDE, 2)
        one = _of_lines(Y - y, X - x, turn + QUARTERS, [*rng.uniform(10, 45, 2)] * 2)
        if found is None:
            found = one
        elif rng.random() < 0.7:
            found = np.minimum(found, one)
        else:
            found = np.maximum(found, -one)
    return found


def grains(rng, y=Y, x=X):
    """Voronoi cells, each of either pattern."""
    n = int(uniform_log(rng, 2, 40))
    places, are_first = rng.uniform(-10, SIDE + 10, (n, 2)), rng.random(n) < 0.5
    if are_first.all() or not are_first.any():
        are_first[0] ^= True
    first, second = (
        np.min([np.hypot(y - v, x - u) for v, u in own], axis=0)
        for own in (places[are_first], places[~are_first])
    )
    return _normalised(first - second)


def bent_grains(rng):
    """Voronoi cells with bent boundaries."""
    return grains(rng, *_bent(rng, rng.uniform(2, 5), rng.uniform(16, 40)))


def lamellae(rng, y=Y, x=X):
    """Parallel lamellae, through the map or with an end."""
    turn, found = rng.uniform(0, np.pi), np.full((SIDE, SIDE), 1e3)
    y, x = y - SIDE / 2, x - SIDE / 2
    across, along = (
        y * np.sin(each) + x * np.cos(each) for each in (turn, turn + np.pi / 2)
    )
    for _ in range(rng.integers(1, 5)):
        width, middle = uniform_log(rng, 2.5, 30), rng.uniform(-60, 60)
        one = np.abs(across - middle) - width / 2
        if rng.random() < 0.3:
            end = np.abs(along - rng.uniform(-60, 60)) - rng.uniform(15, 60)
            one = np.maximum(one, end)
        found = np.minimum(found, one)
    return found


def bent_lamellae(rng):
    """Lamellae with bent sides."""
    return lamellae(rng, *_bent(rng, rng.uniform(2, 6), rng.uniform(24, 60)))


def ellipses(rng):
    """Circles and ellipses, some of them bent."""
    most = rng.choice([1.01, 1.5, 3])
    by, length = rng.choice([0.0, 1.5]), 24

    def shape(y, x, size):
        turn, (a, b) = rng.uniform(0, np.pi), _stretched(rng, most)
        along = (y * np.sin(turn) + x * np.cos(turn)) / (size * a)
        across = (y * np.cos(turn) - x * np.sin(turn)) / (size * b)
        far = np.hypot(along, across)
        steep = np.hypot(along / (size * a), across / (size * b))
        return (far - 1) * far / np.maximum(steep, 1e-6)

    found = _several(rng, shape, _sizes(rng), overlap=rng.random() < 0.2)
    if not by:
        return found
    at = _bent(rng, by, length)
    return ndimage.map_coordinates(found, at, order=1, mode="nearest")


def walls(rng):
    """One boundary through the map, wavy or nearly straight."""
    turn, period = rng.uniform(0, 2 * np.pi), rng.uniform(100, 250)
    across, along = (
        (Y - SIDE / 2) * np.sin(each) + (X - SIDE / 2) * np.cos(each)
        for each in (turn, turn + np.pi / 2)
    )
    first, second = rng.uniform(0, 2 * np.pi, 2)
    turns = 2 * np.pi * along / period
    wave = 2 * np.sin(turns + first) / 3 + np.sin(2 * turns + second) / 3
    wave *= rng.uniform(0, 0.12) * period
    return _normalised(across - rng.uniform(-50, 50) - wave)


def blobs(rng):
    """Where a smooth random field is above a level."""
    length = uniform_log(rng, 5, 25)
    field = rng.normal(size=(SIDE // 2 + 40,) * 2)
    field = ndimage.gaussian_filter(field, length / 2)[20:-20, 20:-20]
    field = ndimage.zoom(field, 2, order=1)
    return _normalised(field / field.std() + rng.uniform(-1.2, 1.2))


def islands(rng):
    """A few small discs, or none."""
    found = np.full((SIDE, SIDE), 1e3)
    for _ in range(rng.integers(0, 6)):
        y, x = rng.uniform(0, SIDE, 2)
        found = np.minimum(found, np.hypot(Y - y, X - x) - rng.uniform(2, 9))
    return found


QUARTERS = np.arange(4) * np.pi / 2
# What is drawn, and how often of their sum.
KINDS = (
    (10.0, rectangles),
    (2.0, polygons),
    (1.5, steps),
    (1.5, grains),
    (1.0, lamellae),
    (2.0, ellipses),
    (1.5, bent_grains),
    (1.0, walls),
    (0.5, bent_lamellae),
    (1.5, blobs),
    (0.5, islands),
)
