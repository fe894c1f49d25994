# SPDX-License-Identifier: GPL-3.0-or-later
"""Metal particles along a zone axis."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from .. import checks
from .specimen import Specimen, turned

# Lattice constants of metals of the face-centred cubic structure, in angstroms.
CONSTANTS = {"Au": 4.08}
# Directions along y, x and the beam, by the zone axis.
AXES = {
    "100": ((0, 1, 0), (1, 0, 0), (0, 0, 1)),
    "110": ((1, -1, 0), (0, 0, 1), (1, 1, 0)),
    "111": ((1, 1, -2), (1, -1, 0), (1, 1, 1)),
}
# Distance of the facets {100} from the centre, over that of {111}, and how far both
# vary.
CUBE, UNEVEN = 1.12, 0.15


def particle(
    size: tuple[float, float],
    *,
    element: str = "Au",
    zone: Literal["100", "110", "111"] = "100",
    radius: float = 14.0,
    rotation: float | None = None,
    seed: int = 0,
) -> Specimen:
    """A particle with facets, in the middle of a frame.

    Parameters
    ----------
    size : (float, float)
        Extent of the frame along y and x, in angstroms.
    element : str
        "Au".
    zone : {"100", "110", "111"}
        Direction of the crystal along the beam.
    radius : float
        Distance of the facets {111} from the centre, in angstroms; each varies by 15 %.
    rotation : float, optional
        About the beam, in degrees. By default at random.
    seed : int

    Returns
    -------
    Specimen

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> cube = particle((40.0, 40.0), zone="100", radius=8.0)
    >>> cube.n_columns < len(cube.elements)
    True
    """
    metals = ", ".join(CONSTANTS)
    checks.require(element in tuple(CONSTANTS), "element", element, f"one of {metals}")
    checks.require(zone in tuple(AXES), "zone", zone, f"one of {', '.join(AXES)}")
    radius = checks.positive("radius", radius)
    size = checks.extent(size)
    rng = np.random.default_rng(checks.seed(seed))
    half = CONSTANTS[element] / 2
    n = math.ceil(2.5 * radius / half) + 1
    sites = np.mgrid[-n : n + 1, -n : n + 1, -n : n + 1].reshape(3, -1).T
    sites = sites[sites.sum(axis=1) % 2 == 0]
    # The centre is at random in a cell.
    places = half * (sites - rng.uniform(0, 2, 3))
    sites = sites[_within(places, radius, rng)]
    axes = np.array(AXES[zone])
    # Whole numbers: atoms of one column have the same.
    along = sites @ axes[:2].T
    _, columns = np.unique(along, axis=0, return_inverse=True)
    lengths = np.linalg.norm(axes, axis=1)
    places = half * (sites @ axes.T) / lengths
    places[:, :2] = places[:, :2] @ turned(rotation, rng)
    if len(places):
        middle = 0.5 * (places.min(axis=0) + places.max(axis=0))
        places += np.array([*size / 2, 0]) - [*middle[:2], places[:, 2].min()]
    return Specimen(places, np.full(len(places), element), columns.ravel())


def _within(places, radius, rng):
    """Which places are within the facets {111} and {100}: (n,) array of bool."""
    inside = np.ones(len(places), bool)
    signs = np.array(np.meshgrid(*[[-1, 1]] * 3)).reshape(3, -1).T / math.sqrt(3)
    facets = [(normal, radius) for normal in signs]
    facets += [(normal, CUBE * radius) for normal in np.vstack([np.eye(3), -np.eye(3)])]
    for normal, distance in facets:
        inside &= places @ normal <= distance * rng.uniform(1 - UNEVEN, 1 + UNEVEN)
    return inside
