# SPDX-License-Identifier: GPL-3.0-or-later
"""Micrographs of one or several lattices."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hyperspy_symseg.frames.checks import as_array

from . import checks
from .amorphous import Amorphous
from .imaging import Imaging
from .label_maps import regions
from .lattice import Lattice
from .signals import as_signals, pixel_axes
from .vacancies import remove_columns

if TYPE_CHECKING:
    from hyperspy.signals import Signal2D
    from numpy.typing import ArrayLike


def _labels(boundary, shape, n, seed):
    """Label map from the `boundary` of `micrograph`."""
    if isinstance(boundary, str):
        return regions((512, 512) if shape is None else shape, n, boundary, seed=seed)
    labels = as_array("boundary", boundary)
    valid = labels.ndim == 2 and labels.size and labels.dtype.kind in "iu"
    kind = f"{labels.dtype} of the shape {labels.shape}"
    rule = "an array of int of the shape (rows, columns)"
    checks.require(valid, "boundary", kind, rule)
    valid = shape is None or checks.frame_shape(shape) == labels.shape
    checks.require(valid, "shape", shape, f"that of boundary, {labels.shape}")
    used = np.unique(labels).tolist()
    valid = used[0] >= -1 and used[-1] < n
    checks.require(valid, "boundary", used, f"made of labels from -1 to {n - 1}")
    return labels.astype(np.int8)


def _columns(lattice, shape, imaging, rng, corner):
    """Positions and weights of the columns of a grain that fills the frame.

    The corner of a cell is at fractions of the lattice vectors, drawn if None.
    """
    if isinstance(lattice, Amorphous):
        positions = lattice.columns(*imaging.reach(shape), rng)
        return positions, np.ones(len(positions))
    corner = rng.uniform(size=2) if corner is None else corner
    origin = corner @ np.array(lattice.vectors)
    sites, steps, weights = imaging.columns(lattice, shape, origin, rng)
    return sites + steps, weights


def micrograph(
    lattices: Lattice | Amorphous | Sequence[Lattice | Amorphous],
    shape: tuple[int, int] | None = None,
    *,
    boundary: Literal["curved", "straight"] | ArrayLike = "curved",
    column_width: float = 2.0,
    dose: float | None = 10.0,
    background: float = 0.25,
    ramp: float = 0.25,
    jitter: float = 0.02,
    vacancies: int = 0,
    coherent: bool = False,
    pixel_size: float = 0.01,
    units: str = "nm",
    seed: int = 0,
) -> tuple[Signal2D, Signal2D]:
    """Micrograph of one or several lattices, and its true label map.

    Columns are Gaussians, which add where they overlap. A column belongs to the grain
    that its centre lies in.

    Parameters
    ----------
    lattices : Lattice, Amorphous, or sequence of these
        One structure for each grain, at most 127.
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
        fraction of the shorter lattice vector. Amorphous grains have none.
    vacancies : int
        Number of columns that are missing: chosen at random, two column spacings or
        more from the edges and from each other. A spacing is the side of a square with
        one column, in the sparsest of the `lattices`.
    coherent : bool
        Whether all grains begin at the same fractions of their lattice vectors, as
        those do that have one lattice, such as domains and precipitates. Otherwise each
        is displaced at random.
    pixel_size : float
        Side of a pixel, in `units`.
    units : str
        Unit of the axes.
    seed : int
        Seed of all that is random: the same arguments give the same frame.

    Returns
    -------
    signal : hyperspy.signals.Signal2D of uint16, or of float32 if `dose` is None
        The frame, with the parameters in ``metadata.Simulation``: the ``vectors`` of an
        amorphous grain are NaN, and its parameters are in ``amorphous``. If there are
        vacancies, ``vacancies`` has their (y, x), in pixels, in an array of float64 of
        shape (n, 2).
    truth : hyperspy.signals.Signal2D of int8
        The label of each pixel, with the same axes and parameters.

    Raises
    ------
    ValueError
        If an argument is out of range, if `boundary` does not match `shape` or
        `lattices`, if there is no room for the vacancies, or if uint16 cannot hold the
        counts.
    """
    one = isinstance(lattices, Lattice | Amorphous)
    lattices = [lattices] if one else list(lattices)
    valid = 1 <= len(lattices) <= 127
    checks.require(valid, "lattices", lattices, "from 1 to 127 lattices")
    imaging = Imaging(column_width, dose, background, ramp, jitter)
    pixel_size = checks.positive("pixel_size", pixel_size)
    seed = checks.seed(seed)
    vacancies = checks.whole("vacancies", vacancies, "an int of at least 0", least=0)
    labels = _labels(boundary, shape, len(lattices), seed)
    shape = labels.shape

    # Not the stream of `regions`: the ramp would always run across the boundary.
    rng = np.random.default_rng((seed, 1))
    direction = rng.uniform(0, 2 * np.pi)
    corner = rng.uniform(size=2) if coherent else None
    grains = []
    for label, lattice in enumerate(lattices):
        positions, weights = _columns(lattice, shape, imaging, rng, corner)
        # A column just outside the frame belongs to the grain at the nearest edge.
        pixels = np.clip(np.rint(positions).astype(int), 0, np.subtract(shape, 1))
        own = labels[tuple(pixels.T)] == label
        grains.append((positions[own], weights[own]))
    missing = {}
    if vacancies:
        spacing = min(lattice.density for lattice in lattices) ** -0.5
        # A stream of its own, so that all other columns stay where they are.
        choice = np.random.default_rng((seed, 4))
        grains, missing["vacancies"] = remove_columns(
            grains, vacancies, spacing, shape, choice
        )
    frame = imaging.draw(grains, shape, direction)
    return as_signals(
        imaging.expose(frame, rng),
        labels,
        "Simulated micrograph",
        pixel_axes(shape, pixel_size, units),
        lattices=lattices,
        imaging=imaging,
        boundary=boundary if isinstance(boundary, str) else "array",
        coherent=coherent,
        seed=seed,
        **missing,
    )


def grain_boundary(seed: int = 0, **options: Any) -> tuple[Signal2D, Signal2D]:
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
