# SPDX-License-Identifier: GPL-3.0-or-later
"""From atomic columns to counts: what micrographs and movies have in common."""

import math
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from . import checks

WIDEST = 1000  # in pixels
CUTOFF = 5  # of a column's Gaussian, in standard deviations: exp(-12.5) is 4e-6


@dataclass(frozen=True)
class Imaging:
    """How columns show in a frame; the parameters are those of `micrograph`.

    Raises
    ------
    ValueError
        If a parameter is out of range.
    """

    column_width: float
    dose: float | None
    background: float
    ramp: float
    jitter: float

    def __post_init__(self):
        """Check the parameters."""
        rule = f"a positive number of at most {WIDEST} pixels"
        width = checks.number(
            "column_width", self.column_width, lambda x: 0 < x <= WIDEST, rule
        )
        rule = "a number from 0 to 1"
        checks.set_fields(
            self,
            column_width=width,
            background=checks.not_negative("background", self.background),
            jitter=checks.not_negative("jitter", self.jitter),
            ramp=checks.number("ramp", self.ramp, lambda x: 0 <= x <= 1, rule),
        )
        if self.dose is not None:
            checks.set_fields(self, dose=checks.positive("dose", self.dose))

    @property
    def dtype(self):
        """Of the frame: numpy.dtype of counts, or of intensities without noise."""
        return np.dtype(np.float32 if self.dose is None else np.uint16)

    def reach(self, shape, room=0.0):
        """Corners of the rectangle whose columns reach into a frame.

        Parameters
        ----------
        shape : (int, int)
            Rows and columns of the frame.
        room : float
            Distance by which the frame may move, in pixels.

        Returns
        -------
        low, high : numpy.ndarray of float64, shape (2,)
        """
        margin = CUTOFF * self.column_width + room
        return np.full(2, -margin), np.subtract(shape, 1) + margin

    def columns(self, lattice, shape, origin, rng, room=0.0):
        """Columns that reach into a frame, and their jitter.

        Parameters
        ----------
        lattice : Lattice
        shape : (int, int)
            Rows and columns of the frame.
        origin : numpy.ndarray of float64, shape (2,)
            Position of a corner of a cell.
        rng : numpy.random.Generator
            Of the jitter.
        room : float
            Distance by which the frame may move, in pixels.

        Returns
        -------
        sites : numpy.ndarray of float64, shape (n, 2)
            Positions without jitter.
        jitter : numpy.ndarray of float64, shape (n, 2)
            Displacements from the sites.
        weights : numpy.ndarray of float64, shape (n,)
        """
        vectors, motif = np.array(lattice.vectors), np.array(lattice.motif)
        low, high = self.reach(shape, room)
        corners = np.array([low, (low[0], high[1]), (high[0], low[1]), high])
        corners = (corners - origin) @ np.linalg.inv(vectors)
        (i, j), (k, m) = np.floor(corners.min(axis=0)), np.ceil(corners.max(axis=0))
        cells = np.mgrid[i : k + 1, j : m + 1].reshape(2, -1).T
        fractions = cells[:, np.newaxis] + motif[:, :2] % 1
        sites = fractions.reshape(-1, 2) @ vectors + origin
        weights = np.tile(motif[:, 2], len(cells))
        inside = ((sites >= low) & (sites <= high)).all(axis=1)
        sites, weights = sites[inside], weights[inside]
        spacing = np.linalg.norm(vectors, axis=1).min()
        return sites, rng.normal(0, self.jitter * spacing, sites.shape), weights

    def draw(self, grains, shape, direction):
        """Frame without noise.

        Parameters
        ----------
        grains : iterable of (positions, weights)
            Columns of each grain: arrays of shape (n, 2) and (n,).
        shape : (int, int)
            Rows and columns.
        direction : float
            Of the ramp, in radians.

        Returns
        -------
        numpy.ndarray of float64, shape (rows, columns)
            1 at the centre of a column of weight 1, above the background.
        """
        frame = np.full(shape, float(self.background))
        for positions, weights in grains:
            # A Gaussian is separable: the sum over all columns is a matrix product.
            along_y = _profiles(positions[:, 0], self.column_width, shape[0])
            along_x = _profiles(positions[:, 1], self.column_width, shape[1])
            frame += ((along_y.T * weights) @ along_x).toarray()
        y, x = np.ogrid[: shape[0], : shape[1]]
        plane = y * np.sin(direction) + x * np.cos(direction)
        ends = 1 - self.ramp, 1 + self.ramp
        frame *= np.interp(plane, (plane.min(), plane.max()), ends)
        return frame

    def expose(self, frame, rng):
        """Frame with Poisson noise, or as it is if the dose is None.

        Parameters
        ----------
        frame : numpy.ndarray of float64, shape (rows, columns)
            As from `draw`.
        rng : numpy.random.Generator
            Of the noise.

        Returns
        -------
        numpy.ndarray of `dtype`, shape (rows, columns)

        Raises
        ------
        ValueError
            If uint16 cannot hold the counts.
        """
        if self.dose is None:
            return frame.astype(self.dtype)
        rule = "low enough, with the background, for counts below 65536"
        checks.require(frame.max() * self.dose < 2**17, "dose", self.dose, rule)
        counts = rng.poisson(frame * self.dose)
        checks.require(counts.max() < 2**16, "dose", self.dose, rule)
        return counts.astype(self.dtype)


def _profiles(centres, sigma, length):
    """Gaussians along one axis: sparse array of shape (columns, length)."""
    window = np.arange(-math.ceil(CUTOFF * sigma), math.ceil(CUTOFF * sigma) + 1)
    pixels = np.rint(centres).astype(int)[:, np.newaxis] + window
    values = np.exp(-0.5 * ((pixels - centres[:, np.newaxis]) / sigma) ** 2)
    inside = (pixels >= 0) & (pixels < length)
    indices = inside.nonzero()[0], pixels[inside]
    return sparse.csr_array((values[inside], indices), shape=(len(centres), length))
