# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated micrographs of one or several lattices, with the true label map.

Array order is (row, column), that is (y, x), and so are all vectors. Lengths are in
pixels. Angles are in degrees, from x towards y: clockwise on the screen.

Examples
--------
>>> matrix = Lattice.hexagonal(12, orientation=7)
>>> signal, truth = micrograph([matrix, matrix.mirrored(30)], (61, 83), seed=1)
>>> signal, truth.data.dtype
(<Signal2D, title: Simulated micrograph, dimensions: (|83, 61)>, dtype('int8'))
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

__all__ = ["Lattice", "grain_boundary", "micrograph", "regions"]

ONE_COLUMN = ((0.0, 0.0, 1.0),)
CUTOFF = 5  # of a column's Gaussian, in standard deviations: exp(-12.5) is 4e-6


def _require(condition, name, value, allowed):
    if not condition:
        raise ValueError(f"{name} is {value!r}; it has to be {allowed}")


def _require_positive(**values):
    for name, value in values.items():
        _require(0 < value < math.inf, name, value, "positive and finite")


@dataclass(frozen=True)
class Lattice:
    """A two-dimensional lattice with a motif of atomic columns.

    Parameters
    ----------
    vectors : ((float, float), (float, float))
        Lattice vectors a and b, each (y, x), in pixels.
    motif : sequence of (float, float, float)
        Columns of one cell: position as fractions of a and of b, and weight.

    Raises
    ------
    ValueError
        If a vector is not finite or shorter than a pixel, if the two are parallel,
        or if the motif is empty, not finite, or has a negative weight. The class
        methods also raise it, for lengths and angles out of range.

    Examples
    --------
    >>> Lattice.rectangular(10, 15).vectors
    ((0.0, 10.0), (15.0, 0.0))
    """

    vectors: tuple
    motif: tuple = ONE_COLUMN

    def __post_init__(self):
        """Check the arguments and make them hashable."""
        # Rounded so that the cosine of 90 degrees is 0; adding 0 turns -0 into 0.
        vectors = np.array(self.vectors, dtype=float).round(12) + 0.0
        valid = vectors.shape == (2, 2) and np.isfinite(vectors).all()
        if valid:
            a, b = np.linalg.norm(vectors, axis=1)
            valid = min(a, b) >= 1 and abs(np.linalg.det(vectors)) > 1e-3 * a * b
        allowed = "two finite (y, x), not parallel, each at least 1 pixel long"
        _require(valid, "vectors", self.vectors, allowed)
        motif = np.array(self.motif, dtype=float)
        valid = motif.shape[1:] == (3,) and motif.size and np.isfinite(motif).all()
        allowed = "finite (fraction_a, fraction_b, weight >= 0), one or more"
        _require(valid and (motif[:, 2] >= 0).all(), "motif", self.motif, allowed)
        object.__setattr__(self, "vectors", tuple(map(tuple, vectors.tolist())))
        object.__setattr__(self, "motif", tuple(map(tuple, motif.tolist())))

    @classmethod
    def oblique(cls, a, b, angle, orientation=0.0, motif=ONE_COLUMN):
        """Cell of sides `a`, `b` and the `angle` from a to b.

        Parameters
        ----------
        a, b : float
            Lengths of the lattice vectors, in pixels.
        angle : float
            From a to b, in degrees, between 0 and 180.
        orientation : float
            Angle of a from x, in degrees.
        motif : sequence of (float, float, float)
            As in the class.

        Returns
        -------
        Lattice

        Raises
        ------
        ValueError
            If a length or an angle is out of range.
        """
        _require_positive(a=a, b=b)
        _require(0 < angle < 180, "angle", angle, "between 0 and 180 degrees")
        _require(math.isfinite(orientation), "orientation", orientation, "finite")
        turns = np.deg2rad([orientation, orientation + angle])
        return cls(np.transpose([np.sin(turns), np.cos(turns)]) * [[a], [b]], motif)

    @classmethod
    def rectangular(cls, a, b, orientation=0.0, motif=ONE_COLUMN):
        """Rectangular cell.

        Parameters
        ----------
        a, b : float
            Sides of the cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        return cls.oblique(a, b, 90, orientation, motif)

    @classmethod
    def centred(cls, a, b, orientation=0.0, motif=ONE_COLUMN):
        """Centred rectangular cell: the conventional one, its motif at the centre too.

        Parameters
        ----------
        a, b : float
            Sides of the conventional cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        centre = [(u + 0.5, v + 0.5, weight) for u, v, weight in motif]
        return cls.rectangular(a, b, orientation, [*motif, *centre])

    @classmethod
    def square(cls, spacing, orientation=0.0, motif=ONE_COLUMN):
        """Square cell.

        Parameters
        ----------
        spacing : float
            Side of the cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        _require_positive(spacing=spacing)
        return cls.oblique(spacing, spacing, 90, orientation, motif)

    @classmethod
    def hexagonal(cls, spacing, orientation=0.0, motif=ONE_COLUMN):
        """Hexagonal cell, with 120 degrees from a to b.

        Parameters
        ----------
        spacing : float
            Side of the cell, in pixels.
        orientation, motif
            As in `oblique`.

        Returns
        -------
        Lattice
        """
        _require_positive(spacing=spacing)
        return cls.oblique(spacing, spacing, 120, orientation, motif)

    def rotated(self, degrees):
        """Lattice turned by an angle.

        Parameters
        ----------
        degrees : float
            From x towards y.

        Returns
        -------
        Lattice
        """
        cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
        return replace(self, vectors=np.dot(self.vectors, [[cos, -sin], [sin, cos]]))

    def mirrored(self, degrees):
        """Mirror twin: the lattice reflected in a line.

        Parameters
        ----------
        degrees : float
            Angle of the line from x.

        Returns
        -------
        Lattice
        """
        # Reflection in the x axis, and then twice the angle.
        reflected = replace(self, vectors=np.multiply(self.vectors, (-1, 1)))
        return reflected.rotated(2 * degrees)

    def _columns(self, shape, origin, margin):
        """Positions (n, 2) and weights (n,) of columns in a frame and its margin."""
        vectors, motif = np.array(self.vectors), np.array(self.motif)
        low, high = np.full(2, -margin), np.subtract(shape, 1) + margin
        corners = np.array([low, (low[0], high[1]), (high[0], low[1]), high])
        corners = (corners - origin) @ np.linalg.inv(vectors)
        (i, j), (k, m) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
        cells = np.mgrid[i : k + 1, j : m + 1].reshape(2, -1).T
        fractions = cells[:, np.newaxis] + motif[:, :2] % 1
        positions = fractions.reshape(-1, 2) @ vectors + origin
        weights = np.tile(motif[:, 2], len(cells))
        inside = ((positions >= low) & (positions <= high)).all(axis=1)
        return positions[inside], weights[inside]


def regions(shape, n=2, boundary="curved", *, amplitude=0.1, seed=0):
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
    _require(len(shape) == 2 and min(shape) >= 1, "shape", shape, "two positive int")
    _require(1 <= n <= 127, "n", n, "from 1 to 127")
    kinds = ("curved", "straight")
    _require(boundary in kinds, "boundary", boundary, "curved, straight or an array")
    _require(0 <= amplitude < math.inf, "amplitude", amplitude, "finite, 0 or more")
    direction, *phases = np.random.default_rng(seed).uniform(0, 2 * np.pi, 3)
    y, x = np.ogrid[: shape[0], : shape[1]]
    across = y * np.sin(direction) + x * np.cos(direction)
    if boundary == "curved":
        along = y * np.cos(direction) - x * np.sin(direction)
        turns = 2 * np.pi * along / min(shape)
        wave = 2 * np.sin(turns + phases[0]) + np.sin(2 * turns + phases[1])
        across += amplitude * min(shape) * wave / 3
    return np.digitize(across, np.quantile(across, np.arange(1, n) / n)).astype(np.int8)


def _labels(boundary, shape, n, seed):
    """Label map from the `boundary` of `micrograph`."""
    if isinstance(boundary, str):
        return regions((512, 512) if shape is None else shape, n, boundary, seed=seed)
    labels = np.asarray(boundary)
    valid = labels.ndim == 2 and labels.size and labels.dtype.kind in "iu"
    kind = f"{labels.dtype}, shape {labels.shape}"
    _require(valid, "boundary", kind, "an array of int, shape (rows, columns)")
    valid = shape is None or tuple(shape) == labels.shape
    _require(valid, "shape", shape, f"that of boundary, {labels.shape}")
    used = np.unique(labels).tolist()
    valid = used[0] >= -1 and used[-1] < n
    _require(valid, "boundary", used, f"made of labels from -1 to {n - 1}")
    return labels.astype(np.int8)


def _profiles(centres, sigma, length):
    """Gaussians along one axis: sparse array of shape (columns, length)."""
    window = np.arange(-math.ceil(CUTOFF * sigma), math.ceil(CUTOFF * sigma) + 1)
    pixels = np.rint(centres).astype(int)[:, np.newaxis] + window
    values = np.exp(-0.5 * ((pixels - centres[:, np.newaxis]) / sigma) ** 2)
    inside = (pixels >= 0) & (pixels < length)
    indices = inside.nonzero()[0], pixels[inside]
    return sparse.csr_array((values[inside], indices), shape=(len(centres), length))


def micrograph(
    lattices,
    shape=None,
    *,
    boundary="curved",
    column_width=2.0,
    dose=10.0,
    background=0.25,
    ramp=0.25,
    jitter=0.02,
    pixel_size=0.01,
    units="nm",
    seed=0,
):
    """Micrograph of one or several lattices, and its true label map.

    Columns are Gaussians, which add where they overlap. A column belongs to the grain
    that its centre lies in.

    Parameters
    ----------
    lattices : Lattice or sequence of Lattice
        One lattice for each grain, at most 127.
    shape : (int, int), optional
        Rows and columns. By default those of `boundary`, or else (512, 512).
    boundary : {"curved", "straight"} or array of int, shape (rows, columns)
        Boundaries as made by `regions`, or the label of each pixel: an index into
        `lattices`, or -1 where there are no columns.
    column_width : float
        Standard deviation of a column's Gaussian, in pixels.
    dose : float or None
        Expected counts, above background, in the pixel at the centre of a column of
        weight 1. None: a frame without noise, with intensity 1 there.
    background : float
        Background as a fraction of the dose.
    ramp : float
        Thickness ramp: columns and background are multiplied by a plane from
        1 - ramp to 1 + ramp, corner to corner, in a random direction.
    jitter : float
        Standard deviation of a column's displacement along y and along x, as a
        fraction of the shorter lattice vector.
    pixel_size : float
        Side of a pixel, in `units`.
    units : str
        Unit of the axes.
    seed : int
        Seed of all that is random: the same arguments give the same frame.

    Returns
    -------
    signal : hyperspy.signals.Signal2D of uint16, or of float32 if `dose` is None
        The frame, with the parameters in ``metadata.Simulation``.
    truth : hyperspy.signals.Signal2D of int8
        The label of each pixel, with the same axes and parameters.

    Raises
    ------
    ValueError
        If an argument is out of range, if `boundary` does not match `shape` or
        `lattices`, or if uint16 cannot hold the counts.
    """
    import hyperspy.api as hs

    lattices = [lattices] if isinstance(lattices, Lattice) else list(lattices)
    _require(1 <= len(lattices) <= 127, "lattices", lattices, "1 to 127 of them")
    _require_positive(column_width=column_width, pixel_size=pixel_size)
    _require_positive(dose=1 if dose is None else dose)
    for name, value in (("background", background), ("jitter", jitter)):
        _require(0 <= value < math.inf, name, value, "finite, 0 or more")
    _require(0 <= ramp <= 1, "ramp", ramp, "from 0 to 1")
    valid = isinstance(seed, int | np.integer) and seed >= 0
    _require(valid, "seed", seed, "an int, 0 or more")
    labels = _labels(boundary, shape, len(lattices), seed)
    shape = labels.shape

    # Not the stream of `regions`: the ramp would always run across the boundary.
    rng = np.random.default_rng((seed, 1))
    direction = rng.uniform(0, 2 * np.pi)
    expected = np.full(shape, float(background))
    for label, lattice in enumerate(lattices):
        vectors = np.array(lattice.vectors)
        origin = rng.uniform(size=2) @ vectors
        positions, weights = lattice._columns(shape, origin, CUTOFF * column_width)
        spacing = np.linalg.norm(vectors, axis=1).min()
        positions += rng.normal(0, jitter * spacing, positions.shape)
        # A column just outside the frame belongs to the grain at the nearest edge.
        pixels = np.clip(np.rint(positions).astype(int), 0, np.subtract(shape, 1))
        own = labels[tuple(pixels.T)] == label
        y, x = positions[own].T
        # A Gaussian is separable: the sum over all columns is a matrix product.
        along_y = _profiles(y, column_width, shape[0])
        along_x = _profiles(x, column_width, shape[1])
        expected += ((along_y.T * weights[own]) @ along_x).toarray()
    y, x = np.ogrid[: shape[0], : shape[1]]
    plane = y * np.sin(direction) + x * np.cos(direction)
    expected *= np.interp(plane, (plane.min(), plane.max()), (1 - ramp, 1 + ramp))

    if dose is None:
        data = expected.astype(np.float32)
    else:
        counts = rng.poisson(expected * dose)
        _require(counts.max() < 2**16, "dose", dose, "lower, for counts below 65536")
        data = counts.astype(np.uint16)

    motifs = {f"lattice_{i}": np.array(each.motif) for i, each in enumerate(lattices)}
    simulation = {
        "vectors": np.array([lattice.vectors for lattice in lattices]),
        "motifs": motifs,
        "boundary": boundary if isinstance(boundary, str) else "array",
        "column_width": column_width,
        "dose": dose,
        "background": background,
        "ramp": ramp,
        "jitter": jitter,
        "seed": seed,
    }
    axes = [
        {"name": name, "size": size, "scale": pixel_size, "units": units}
        for name, size in zip("yx", shape, strict=True)
    ]

    def as_signal(data, title):
        metadata = {"General": {"title": title}, "Simulation": simulation}
        return hs.signals.Signal2D(data, axes=axes, metadata=metadata)

    return as_signal(data, "Simulated micrograph"), as_signal(labels, "True labels")


def grain_boundary(seed=0, **options):
    """Two square grains of spacing 13 pixels, 36 degrees apart: the demonstration.

    Parameters
    ----------
    seed : int
        As in `micrograph`.
    **options
        Of `micrograph`, whose defaults give 512 x 512 pixels, columns of width 2
        pixels and a dose of 10 counts.

    Returns
    -------
    signal, truth : hyperspy.signals.Signal2D
        As from `micrograph`.

    Examples
    --------
    >>> grain_boundary()[0]
    <Signal2D, title: Simulated micrograph, dimensions: (|512, 512)>
    """
    grain = Lattice.square(13, orientation=5)
    return micrograph([grain, grain.rotated(36)], seed=seed, **options)
