# SPDX-License-Identifier: GPL-3.0-or-later
"""Where columns may be in a frame: the sites of the crystals that it is made of."""

from typing import NamedTuple

import numpy as np
from scipy import ndimage
from scipy.spatial import cKDTree

from hyperspy_symseg.templates.blocks import sum_blocks

from .column_fit import Sites
from .column_motif import MeanCell
from .column_sites import LatticeField
from .interior import near

# Pixels of a pattern in a frame that are looked at, at least: periods squared.
LEAST_AREA = 4.0
# How far beyond the pixels with its label a crystal may go on: in spacings where
# another crystal begins, and in periods where there is none.
BEYOND, INTO_NONE = 0.6, 1.5
# Probability of a column that is thought of beforehand, within the label and beyond.
WITHIN, OUTSIDE = 0.97, 0.3
# Sites of two crystals that are nearer to each other, in spacings, are of one column.
TOUCHING = 0.6
# Sites with one of another crystal so near, in spacings, may have a column of that.
BESIDE = 1.5
# How far beyond the pixels that count columns are looked at, in their widths: their
# light reaches these.
RIM = 3.0
# Skewness of the mean cells below which columns are dark.
DARK = -0.3


class Candidates(NamedTuple):
    """Sites of all crystals of a frame.

    Attributes
    ----------
    sites : Sites
    patterns, numbers : (n,) numpy.ndarray of int
        Pattern of each, and which site of its motif.
    sign : int
        1 if columns are bright, -1 if they are dark.
    """

    sites: Sites
    patterns: np.ndarray
    numbers: np.ndarray
    sign: int


def candidates(templates, frame, labels, width, contrast):
    """Sites of the crystals of a frame: Candidates, or None if there are none.

    Parameters
    ----------
    templates : Templates
    frame : NormalizedFrame
        Of the whole frame.
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel does not count.
    width : float
        Standard deviation of a column, in pixels.
    contrast : {"bright", "dark", "auto"}
    """
    found = []
    for k in range(templates.n_patterns):
        own = labels == k
        if np.count_nonzero(own) < LEAST_AREA * templates.period**2:
            continue
        field = LatticeField.of(templates, k, frame, own)
        if field is not None:
            found.append((k, field, MeanCell.of(frame, field, own, width)))
    sign = {"bright": 1, "dark": -1}.get(contrast)
    if sign is None:
        sign = _sign([cell for *_, cell in found])
    with_lattice = [k for k, *_ in found]
    has_crystal = np.isin(labels, with_lattice)
    seen = labels >= 0
    if not seen.all():
        seen = near(seen, RIM * width)
    rows, heights, spacings, crystals, windows, owns = [], [], [], [], [], []
    for k, field, cell in found:
        motif = cell.motif(sign)
        if not len(motif.heights):
            continue
        limits = np.where(
            has_crystal, BEYOND * motif.spacing, INTO_NONE * templates.period
        )
        how = limits, field, motif, RIM * width
        places, numbers, far = _places(labels == k, seen, *how)
        kinds = numbers + len(heights)
        patterns = np.full(len(places), k)
        rows.append((places, kinds, patterns, numbers, far))
        heights.extend(motif.heights)
        spacings.extend([motif.spacing] * len(motif.heights))
        crystals.extend([k] * len(motif.heights))
        windows.extend([field.width] * len(motif.heights))
        owns.extend([field.own] * len(motif.heights))
    if not sum(len(places) for places, *_ in rows):
        return None
    places, kinds, patterns, numbers, far = map(np.concatenate, zip(*rows, strict=True))
    spacings = np.array(spacings)
    kept = _one_of_each(places, patterns, far, TOUCHING * spacings[kinds])
    probabilities = np.where(far > 0, OUTSIDE, WITHIN)
    sites = Sites(
        places[kept],
        kinds[kept],
        _beside_others(places[kept], patterns[kept], BESIDE * spacings[kinds[kept]]),
        np.array(heights),
        spacings,
        np.array(crystals),
        np.array(windows),
        np.array(owns),
        probabilities[kept],
    )
    return Candidates(sites, patterns[kept], numbers[kept], sign)


def _sign(cells):
    """Sign of the contrast: bright unless the mean cells are clearly dark: 1 or -1."""
    power = np.array([cell.values.var() * cell.values.size for cell in cells])
    skewness = np.array([cell.skewness for cell in cells])
    return -1 if power @ skewness < DARK * power.sum() else 1


def _places(own, seen, limits, field, motif, rim):
    """Sites of a pattern: places (n, 2), numbers and distances from its label (n,)."""
    shape = np.array(own.shape)
    distance = np.zeros(own.shape, np.float32)
    if not own.all():
        distance = ndimage.distance_transform_edt(~own).astype(np.float32)
    looked_at = (distance <= limits) & seen
    wanted = sum_blocks(looked_at.astype(np.float32), field.side) > 0
    places, numbers = field.sites(motif.fractions, wanted, motif.spacing)
    # Those beyond the frame reach into it, too.
    pixels = np.clip(np.rint(places), 0, shape - 1).astype(int)
    inside = np.abs(places - pixels).max(axis=1) < rim
    places, numbers, pixels = places[inside], numbers[inside], tuple(pixels[inside].T)
    kept = looked_at[pixels]
    return places[kept], numbers[kept], distance[pixels][kept]


def _one_of_each(places, patterns, far, distances):
    """Which sites have none of another crystal near that is as good: (n,) bool.

    The one counts that is less far from the label of its own crystal.
    """
    kept = np.ones(len(places), bool)
    if len(np.unique(patterns)) < 2:
        return kept
    pairs = cKDTree(places).query_pairs(distances.max(), output_type="ndarray")
    pairs = pairs[patterns[pairs[:, 0]] != patterns[pairs[:, 1]]]
    apart = np.hypot(*(places[pairs[:, 0]] - places[pairs[:, 1]]).T)
    pairs = pairs[apart < distances[pairs].min(axis=1)]
    for i, j in pairs[np.argsort(far[pairs].min(axis=1), kind="stable")]:
        if kept[i] and kept[j]:
            kept[j if far[i] <= far[j] else i] = False
    return kept


def _beside_others(places, patterns, distances):
    """Which sites have one of another crystal within a distance: (n,) bool."""
    found = np.zeros(len(places), bool)
    for k in np.unique(patterns):
        own = patterns == k
        if not own.all():
            near, _ = cKDTree(places[~own]).query(places[own])
            found[own] = near < distances[own]
    return found
