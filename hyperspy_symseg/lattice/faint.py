# SPDX-License-Identifier: GPL-3.0-or-later
"""Reflections of a lattice of which none is significant by itself.

All nodes of a lattice together tell that it is there where no maximum of the spectrum
does: that is how crystals are named, too. A frame of several crystals is not of one
lattice, so that this comes last.
"""

import itertools
import math

import numpy as np

from hyperspy_symseg.frames.valid import valid_pixels

from .cell import span_a_plane
from .finding import LEAST_EVIDENCE, find_lattice
from .fourier_nodes import windows
from .joint_evidence import node_evidence
from .naming import FEWEST_PERIODS, n_periods
from .reciprocal import nodes_within
from .spectrum import SHORTEST, Reflections

# Sides of a crop, at most, and crops that are looked at, at most.
SIDE, MOST_CROPS = 512, 4


def find_faint(frames):
    """Reflections of the lattice of most evidence in crops of frames.

    Parameters
    ----------
    frames : list of (frame, mask)
        As for `power_spectrum`.

    Returns
    -------
    Reflections or None
        The nodes that rather have a reflection than none. None if no lattice has
        enough evidence, or fewer than four periods in a crop.
    """
    crops = list(itertools.islice(_crops(frames), MOST_CROPS))
    # One of several is as rarely noise as a single one.
    least, found = LEAST_EVIDENCE + math.log(max(1, len(crops))), None
    for window in crops:
        lattice = find_lattice(window)
        if lattice is not None and lattice.evidence > least:
            reflections = _reflections(window, lattice)
            if reflections is not None:
                least, found = lattice.evidence, reflections
    return found


def _crops(frames):
    """Windows in the middle of each frame, the largest in each: Window."""
    for frame, mask in frames:
        crop = tuple(
            slice((n - min(n, SIDE)) // 2, (n + min(n, SIDE)) // 2) for n in frame.shape
        )
        valid = valid_pixels(frame[crop], None if mask is None else mask[crop])
        yield from windows(frame[crop], valid)[:1]


def _reflections(window, lattice):
    """Nodes of a lattice that rather have a reflection than none, or None."""
    if n_periods(window, np.linalg.inv(lattice.cell).T).min() < FEWEST_PERIODS:
        return None
    nodes = nodes_within(lattice.cell, min(lattice.highest, 1 / SHORTEST))
    nodes = np.where(nodes @ lattice.cell[:, 1:] < 0, -nodes, nodes) @ lattice.cell
    radii = np.hypot(*nodes.T)
    powers, noise = np.abs(window.amplitudes(nodes)) ** 2, lattice.noise.at(radii)
    seen = node_evidence(powers, noise, lattice.signal.at(radii**2)) > 0
    nodes, powers, noise = nodes[seen], powers[seen], noise[seen]
    # Of the mean square of the pixels, which is 1.
    shares = 2 * np.maximum(powers - noise, 0) / window.area**2
    if not len(nodes) or not span_a_plane(nodes, shares):
        return None
    order = np.argsort(-shares, kind="stable")
    return Reflections(nodes[order], shares[order], (powers / noise)[order])
