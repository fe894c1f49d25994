# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether the nodes of one lattice are those of one crystal.

Two grains may have a lattice in common that both of their reflections are nodes of, as
at a coincidence boundary. But each has its own reflections in its own place, whereas
those of one crystal are the same everywhere, but for one factor that all share.
"""

import numpy as np

from .refinement import Nodes

# Nodes that are looked at, and the area of a quarter beside that of all, at least.
MOST_NODES, LEAST_AREA = 60, 0.05


def uneven_share(window, cell, found):
    """Share of the power of nodes that one crystal does not have, by four quarters.

    Amplitudes of one crystal in places q are s_h c_q. That is the first term of the
    singular values of the amplitudes, and of what is left noise explains its share.

    Parameters
    ----------
    window : Window
    cell : (2, 2) numpy.ndarray of float64
        Reciprocal vectors (y, x), a row each, in cycles a pixel.
    found : FoundLattice
        In this window.

    Returns
    -------
    float
        Below 0 if less is left than what noise leaves on average.
    """
    nodes = Nodes.of(
        window, (cell, found.signal, found.noise, found.highest), MOST_NODES
    )
    # Some are empty, of regions that bend.
    quarters = [q for q in window.quarters() if q.area > LEAST_AREA * window.area]
    if not len(nodes.indices) or not quarters:
        return 0.0
    both = np.array([_powers(quarter, cell, nodes) for quarter in quarters])
    powers, noise = both.swapaxes(0, 1)
    amplitudes = np.sqrt(np.maximum(powers - noise, 0))
    total = (amplitudes**2).sum()
    if not total > 0:
        return 0.0
    first = np.linalg.svd(amplitudes, compute_uv=False)[0] ** 2
    # The variance of a modulus is half the power of the noise.
    return float((total - first - noise.sum() / 2) / total)


def _powers(window, cell, nodes):
    """Powers of nodes, and of the noise, for each pixel of a window: (n,) arrays."""
    powers = np.abs(window.amplitudes(nodes.indices @ cell)) ** 2
    return powers / window.area**2, nodes.noise * window.energy_area / window.area**2
