# SPDX-License-Identifier: GPL-3.0-or-later
"""Movies of boundaries that move, frames drawn when they are asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dask.array as da
import numpy as np

from . import checks
from .imaging import Imaging
from .lattice import Lattice
from .signals import as_signals, pixel_axes

if TYPE_CHECKING:
    from hyperspy.signals import LazySignal2D


@dataclass(frozen=True)
class _Line:
    """Straight boundary that crosses the centre half-way through the movie."""

    speed: float
    angle: float

    def labels(self, share, y, x):
        """Labels of points from the centre: 0 to the left of it, 1 to its right."""
        along_y, along_x = _direction(self.angle)
        return (x * along_y - y * along_x >= self.speed * share).astype(np.int8)


@dataclass(frozen=True)
class _Circle:
    """Circle about the centre that loses the same area in every frame."""

    radius: float
    area_rate: float
    n_frames: int

    def labels(self, share, y, x):
        """Labels of points from the centre: 0 inside, 1 outside."""
        begun = share + (self.n_frames - 1) / 2
        area = np.pi * self.radius**2 - self.area_rate * begun
        return (np.pi * (y**2 + x**2) >= area).astype(np.int8)


@dataclass(frozen=True)
class _Movie:
    """What it takes to draw any frame: numbers only, so that tasks are small."""

    n_frames: int
    shape: tuple
    lattices: tuple
    imaging: Imaging
    boundary: object
    drift: float
    drift_angle: float
    seed: int

    @property
    def displacements(self):
        """Of the specimen along its direction: array of float64, shape (n_frames,)."""
        phases = np.random.default_rng((self.seed, 3)).uniform(0, 2 * np.pi, 2)
        turns = 2 * np.pi * np.arange(self.n_frames) / self.n_frames
        wave = 2 * np.sin(turns + phases[0]) + np.sin(2 * turns + phases[1])
        wave -= wave[0]
        return wave * (self.drift / (np.abs(wave).max() or 1))

    def labels(self, index, y, x):
        """Labels of points of the specimen, where it is in the first frame."""
        centre_y, centre_x = np.subtract(self.shape, 1) / 2
        share = index - (self.n_frames - 1) / 2
        return self.boundary.labels(share, y - centre_y, x - centre_x)

    def label_map(self, index):
        """Labels of the pixels of a frame."""
        y, x = np.ogrid[: self.shape[0], : self.shape[1]]
        move_y, move_x = self.displacements[index] * _direction(self.drift_angle)
        return self.labels(index, y - move_y, x - move_x)

    def frame(self, index):
        """Frame, drawn from nothing but the index."""
        # The specimen is the same in all frames, the noise in none.
        rng = np.random.default_rng((self.seed, 1))
        noise = np.random.default_rng((self.seed, 2, index))
        direction = rng.uniform(0, 2 * np.pi)
        # Twins have one origin, so rows along their plane go on in the other grain.
        origin = rng.uniform(size=2) @ np.array(self.lattices[0].vectors)
        drift = self.displacements[index] * _direction(self.drift_angle)
        grains = []
        for label, lattice in enumerate(self.lattices):
            sites, jitter, weights = self.imaging.columns(
                lattice, self.shape, origin, rng, room=self.drift
            )
            # By its site, so that no column is in both grains or in none.
            own = self.labels(index, *sites.T) == label
            grains.append(((sites + jitter + drift)[own], weights[own]))
        return self.imaging.expose(
            self.imaging.draw(grains, self.shape, direction), noise
        )


def _direction(angle):
    """Unit vector (y, x)."""
    # Rounded so that the cosine of 90 degrees is 0.
    turn = math.radians(angle)
    return np.array([math.sin(turn), math.cos(turn)]).round(12)


def _drawn(movie, what, block_id):
    """What a method of a movie draws of a frame: (1, rows, columns) array."""
    return getattr(movie, what)(block_id[0])[np.newaxis]


def _stack(movie, what, dtype):
    """Dask array of all frames, with one a chunk."""
    rows, cols = movie.shape
    chunks = (1,) * movie.n_frames, (rows,), (cols,)
    meta = np.empty((0, 0, 0), dtype)
    return da.map_blocks(_drawn, movie, what, chunks=chunks, dtype=dtype, meta=meta)


def moving_boundary(
    n_frames: int = 200,
    shape: tuple[int, int] = (512, 512),
    *,
    speed: float = 0.5,
    drift: float = 10.0,
    drift_angle: float | None = None,
    angle: float = 80.0,
    inclination: float = 15.0,
    spacing: float = 14.0,
    column_width: float = 2.0,
    dose: float | None = 3.0,
    background: float = 0.25,
    ramp: float = 0.25,
    jitter: float = 0.02,
    frame_time: float = 0.1,
    pixel_size: float = 0.01,
    units: str = "nm",
    seed: int = 0,
) -> tuple[LazySignal2D, LazySignal2D]:
    """Movie of a twin boundary that moves at a known speed, and its true label maps.

    A straight boundary runs from the top edge to the bottom edge, and crosses the
    centre of the frame half-way through the movie. To its left, with label 0, is a
    centred lattice of sides `spacing` and sqrt(2) `spacing`; to its right, with label
    1, the mirror twin. A column that the boundary has passed changes grain; all others
    stay the same from frame to frame, and drift with the boundary.

    The area of pattern 0 grows by ``speed * rows / sin(angle)`` pixels a frame.

    Parameters
    ----------
    n_frames : int
        Number of frames.
    shape : (int, int)
        Rows and columns of a frame.
    speed : float
        Of the boundary, across itself, in pixels a frame; to the left if negative.
    drift : float
        Largest distance of the specimen from where it is in the first frame, in
        pixels. The drift is smooth, and random.
    drift_angle : float, optional
        Angle of the drift from x, in degrees. By default it is along the boundary,
        which then is where it would be without any.
    angle : float
        Angle of the boundary from x, in degrees, between 0 and 180.
    inclination : float
        Angle from the boundary to the plane of the twins, in degrees. If it is 0, the
        boundary is coherent, and passes a whole row of columns at a time: what can be
        seen of it moves in steps of 0.82 `spacing`, unlike the truth.
    spacing : float
        Shorter side of the cell, in pixels.
    column_width, dose, background, ramp, jitter
        As in `micrograph`. The noise of each frame is its own.
    frame_time : float
        Time from frame to frame, in s.
    pixel_size : float
        Side of a pixel, in `units`.
    units : str
        Unit of the signal axes.
    seed : int
        Seed of all that is random: the same arguments give the same movie.

    Returns
    -------
    signal : hyperspy.signals.LazySignal2D of uint16, or of float32 if `dose` is None
        Frames against time, one a chunk, each drawn when it is asked for. The
        parameters are in ``metadata.Simulation``, and so are the ``displacements``
        of the specimen along `drift_angle`, in pixels, frame by frame.
    truth : hyperspy.signals.LazySignal2D of int8
        The label of each pixel, with the same axes and parameters.

    Raises
    ------
    ValueError
        If an argument is out of range, or if the boundary would leave the frame by
        its left or right edge: `angle` is named if it does so in every frame, or else
        `speed`. Also when a frame is drawn whose counts uint16 cannot hold.

    Examples
    --------
    >>> signal, truth = moving_boundary(20, (61, 83), speed=2)
    >>> signal
    <LazySignal2D, title: Simulated movie, dimensions: (20|83, 61)>
    >>> areas = (truth.data == 0).sum(axis=(1, 2)).compute()
    >>> print(f"{(areas[-1] - areas[0]) / 19:.0f} pixels a frame")
    124 pixels a frame
    """
    n_frames = checks.whole("n_frames", n_frames)
    rows, cols = checks.frame_shape(shape)
    speed = checks.finite("speed", speed)
    drift = checks.not_negative("drift", drift)
    angle = checks.angle("angle", angle)
    drift_angle = angle if drift_angle is None else drift_angle
    drift_angle = checks.finite("drift_angle", drift_angle)
    inclination = checks.finite("inclination", inclination)
    spacing = checks.positive("spacing", spacing)
    frame_time = checks.positive("frame_time", frame_time)
    pixel_size = checks.positive("pixel_size", pixel_size)
    seed = checks.seed(seed)
    imaging = Imaging(column_width, dose, background, ramp, jitter)

    along_y, along_x = _direction(angle)
    across = abs(math.sin(math.radians(drift_angle - angle)))
    room = cols - (rows * abs(along_x) + 2 * drift * across) / along_y
    rule = f"nearer to 90 degrees, to cross {rows} rows within {cols} columns"
    checks.require(room > 0, "angle", angle, rule)
    fastest = room * along_y / max(n_frames - 1, 1)
    rule = (
        f"at most {fastest:.6g} pixels a frame, to stay in view for {n_frames} frames"
    )
    checks.require(n_frames == 1 or abs(speed) <= fastest, "speed", speed, rule)

    # The plane of the twins is along the diagonal of the cell.
    plane = angle + inclination
    diagonal = math.degrees(math.atan(math.sqrt(2)))
    left = Lattice.centred(spacing, spacing * math.sqrt(2), plane - diagonal)
    lattices = left, left.mirrored(plane)
    shape = rows, cols
    boundary = _Line(speed, angle)
    movie = _Movie(
        n_frames, shape, lattices, imaging, boundary, drift, drift_angle, seed
    )
    return _as_movie(
        movie,
        frame_time,
        (pixel_size, units),
        speed=speed,
        angle=angle,
        inclination=inclination,
    )


def shrinking_inclusion(
    n_frames: int = 100,
    shape: tuple[int, int] = (512, 512),
    *,
    radius: float = 150.0,
    area_rate: float = 400.0,
    drift: float = 10.0,
    drift_angle: float = 30.0,
    misorientation: float = 20.0,
    spacing: float = 14.0,
    column_width: float = 2.0,
    dose: float | None = 3.0,
    background: float = 0.25,
    ramp: float = 0.25,
    jitter: float = 0.02,
    frame_time: float = 0.1,
    pixel_size: float = 0.01,
    units: str = "nm",
    seed: int = 0,
) -> tuple[LazySignal2D, LazySignal2D]:
    """Movie of a round grain that shrinks at a known rate, and its true label maps.

    A hexagonal crystal, with label 0, is inside a circle about the centre of the first
    frame; outside it is another grain of the same crystal, with label 1. The area falls
    by the same in every frame, as that of a grain that its curvature drives. All
    columns drift together.

    Parameters
    ----------
    n_frames : int
        Number of frames.
    shape : (int, int)
        Rows and columns of a frame.
    radius : float
        In the first frame, in pixels.
    area_rate : float
        What the area falls by, in pixels a frame. It grows if this is negative.
    drift : float
        Largest distance of the specimen from where it is in the first frame, in
        pixels. The drift is smooth, and random.
    drift_angle : float
        Angle of the drift from x, in degrees.
    misorientation : float
        Of the grain inside against the other, in degrees.
    spacing : float
        Distance of the columns, in pixels.
    column_width, dose, background, ramp, jitter
        As in `micrograph`. The noise of each frame is its own.
    frame_time : float
        Time from frame to frame, in s.
    pixel_size : float
        Side of a pixel, in `units`.
    units : str
        Unit of the signal axes.
    seed : int
        Seed of all that is random: the same arguments give the same movie.

    Returns
    -------
    signal : hyperspy.signals.LazySignal2D of uint16, or of float32 if `dose` is None
        Frames against time, one a chunk, each drawn when it is asked for. The
        parameters are in ``metadata.Simulation``, and so are the ``displacements``
        of the specimen along `drift_angle`, in pixels, frame by frame.
    truth : hyperspy.signals.LazySignal2D of int8
        The label of each pixel, with the same axes and parameters.

    Raises
    ------
    ValueError
        If an argument is out of range, or the grain would vanish or leave the frame:
        `area_rate` is named if it does not do so in the first frame, or else `radius`.

    Examples
    --------
    >>> signal, truth = shrinking_inclusion(5, (101, 113), radius=30, area_rate=200)
    >>> signal
    <LazySignal2D, title: Simulated movie, dimensions: (5|113, 101)>
    >>> areas = (truth.data == 0).sum(axis=(1, 2)).compute()
    >>> print(f"{(areas[0] - areas[-1]) / 4 / 200:.1f} of the rate")
    1.0 of the rate
    """
    n_frames = checks.whole("n_frames", n_frames)
    shape = checks.frame_shape(shape)
    radius = checks.positive("radius", radius)
    area_rate = checks.finite("area_rate", area_rate)
    drift = checks.not_negative("drift", drift)
    drift_angle = checks.finite("drift_angle", drift_angle)
    misorientation = checks.finite("misorientation", misorientation)
    spacing = checks.positive("spacing", spacing)
    frame_time = checks.positive("frame_time", frame_time)
    pixel_size = checks.positive("pixel_size", pixel_size)
    seed = checks.seed(seed)
    imaging = Imaging(column_width, dose, background, ramp, jitter)

    largest = (min(shape) - 1) / 2 - drift
    rule = f"at most {largest:.6g} pixels, to stay in view with its drift"
    checks.require(radius <= largest, "radius", radius, rule)
    changes = max(n_frames - 1, 1)
    fastest = np.pi * radius**2 / changes
    slowest = np.pi * (radius**2 - largest**2) / changes
    rule = (
        f"more than {slowest:.6g} and less than {fastest:.6g} pixels a frame, to stay "
        f"in view for {n_frames} frames"
    )
    is_in_view = n_frames == 1 or slowest <= area_rate < fastest
    checks.require(is_in_view, "area_rate", area_rate, rule)

    outside = Lattice.hexagonal(spacing, orientation=7)
    lattices = outside.rotated(misorientation), outside
    boundary = _Circle(radius, area_rate, n_frames)
    movie = _Movie(
        n_frames, shape, lattices, imaging, boundary, drift, drift_angle, seed
    )
    return _as_movie(
        movie,
        frame_time,
        (pixel_size, units),
        radius=radius,
        area_rate=area_rate,
        misorientation=misorientation,
    )


def _as_movie(movie, frame_time, pixel, **simulation):
    """Signal and truth of a movie, with pixels of a size and a unit."""
    time = {"name": "time", "size": movie.n_frames, "scale": frame_time, "units": "s"}
    return as_signals(
        _stack(movie, "frame", movie.imaging.dtype),
        _stack(movie, "label_map", np.dtype(np.int8)),
        "Simulated movie",
        [time | {"navigate": True}, *pixel_axes(movie.shape, *pixel)],
        lattices=movie.lattices,
        imaging=movie.imaging,
        drift=movie.drift,
        drift_angle=movie.drift_angle,
        frame_time=frame_time,
        displacements=movie.displacements,
        seed=movie.seed,
        **simulation,
    )
