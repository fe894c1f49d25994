# SPDX-License-Identifier: GPL-3.0-or-later
"""Every atomic column of a frame: from its crystals, and by a network elsewhere."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy import ndimage, special
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.analysis import PointAnalysis
from hyperspy_symseg.frames.threads import one_thread

from .checks import check_labels
from .column_crystals import CrystalColumns
from .column_measurement import Measured
from .column_sites import has_lattice
from .column_statistics import PROBABLE
from .interior import near
from .matched_filter import false_alarm_rate

NAMES = (
    "y",
    "x",
    "y_error",
    "x_error",
    "probability",
    "intensity",
    "intensity_error",
    "width",
    "pattern",
    "site",
    "source",
)
# Values of the column "source".
CRYSTAL, NETWORK = 0, 1
METHODS = "auto", "crystal", "network"
CONTRASTS = "bright", "dark", "auto"
# A column of a crystal that is nearer than this, in spacings, is the same.
SAME = 0.5
# Share of a frame that is beyond crystals for its noise to be looked at, at least, and
# range of probabilities, which their logits need.
LEAST_BEYOND, SURE = 0.01, 1e-6


@dataclass(frozen=True)
class AtomicColumns(PointAnalysis):
    """Atomic columns of a frame, one row each: (n, 11) of float64, in the order of y.

    The columns of the table are `NAMES`: position (y, x), its standard errors, the
    probability that there is a column, its intensity above the background, summed over
    its pixels, and the standard error of that, its width (the standard deviation of a
    Gaussian), pattern and site of its motif, -1 where it has none, and where it comes
    from (0 crystal, 1 network). Lengths are in pixels.

    Parameters
    ----------
    templates : Templates or None
        What the labels are of. None: there are no labels.
    method : {"auto", "crystal", "network"}
        "crystal": columns at the sites of crystals, and what is left beside them.
        "network": those that a network finds in the whole frame. "auto": those of
        crystals, and of the network where no crystal is certain, which is beyond half a
        period of the pixels with the label of one.
    contrast : {"bright", "dark", "auto"}
        Whether columns are bright. "auto": by the skewness of the mean unit cells;
        without crystals it is left to the network.
    probability : float
        Of the rows, at least.

    Raises
    ------
    ValueError
        If columns are to be those of crystals, and no pattern has a lattice.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.frames.run import run
    >>> s, truth = simulate.micrograph(simulate.Lattice.square(12), (120, 144), seed=0)
    >>> seg = s.segment_symmetry(1, show_progressbar=False)
    >>> found = run(AtomicColumns(seg.model.templates), s.data, seg.data)
    >>> 115 < len(found[0]) < 125
    True
    """

    templates: Any = None
    method: str = "auto"
    contrast: str = "auto"
    probability: float = 0.5
    whole_frames: ClassVar[bool] = True

    def __post_init__(self):
        """Check the templates."""
        if self.method == "crystal" and not self._has_lattice:
            raise ValueError(
                "templates must have a pattern with a lattice for columns to be found "
                "at its sites, got none."
            )

    @property
    def _has_lattice(self):
        """Whether any pattern has a lattice: bool."""
        n = 0 if self.templates is None else self.templates.n_patterns
        return any(has_lattice(self.templates, k) for k in range(n))

    def process(self, tile):
        """Those of a frame: (n, 11) numpy.ndarray."""
        # Sums by threads are rounded in another way.
        with one_thread:
            return self._found(tile)

    def _found(self, tile):
        """Those of a frame, with `one_thread`: (n, 11) numpy.ndarray."""
        crystals, valid = None, tile.valid
        if self.templates is not None:
            labels = check_labels(tile.labels, self.templates.n_patterns)
            labels = np.where(valid, labels, -1)
            if self.method != "network" and self._has_lattice:
                how = self.templates, tile, labels, self.contrast
                crystals = CrystalColumns.of(*how)
        rows = np.empty((0, len(NAMES)))
        if crystals is not None:
            rows = _rows(crystals.table, CRYSTAL)
        if self.method != "crystal":
            rows = self._with_network(tile, crystals, rows)
        rows = rows[rows[:, NAMES.index("probability")] >= self.probability]
        return rows[np.lexsort(rows.T[1::-1])]

    def _with_network(self, tile, crystals, rows):
        """Rows of crystals, and those of the network where these are not certain."""
        from hyperspy_symseg.networks.column_gaps import (
            seen_enough,
            without_spoilt_lines,
        )
        from hyperspy_symseg.networks.column_network import find_columns, prepare

        from .column_bootstrap import WIDTH, corrected

        tile = without_spoilt_lines(tile)
        wanted, contrast = tile.valid, self.contrast
        if crystals is not None:
            wanted = tile.valid & ~crystals.told
            contrast = {1: "bright", -1: "dark"}[crystals.sign]
        if not wanted.any():
            return rows
        scale = prepare(tile.values, tile.valid)
        least, of_errors = min(self.probability, PROBABLE), 1.0
        if crystals is None:
            found, of_errors = corrected(tile.values, tile.valid, contrast, scale)
            found = found[found[:, 4] >= least]
        else:
            box = _box(wanted, scale.context)
            start = tuple(axis.start for axis in box)
            seen = tile.values[box], tile.valid[box]
            found = find_columns(*seen, contrast, least, scale, start)
            found[:, :2] += start
            found = _in_vacuum(found, tile, crystals)
        last = np.subtract(tile.shape, 1)
        pixels = np.clip(np.rint(found[:, :2]), 0, last).astype(int)
        # In a gap such as a dead row, it is seen beside it.
        around = seen_enough(tile.valid, scale.width or WIDTH) & ~tile.valid
        if crystals is not None:
            around &= ~near(crystals.told, scale.width or WIDTH)
        found = found[(wanted | around)[tuple(pixels.T)]]
        if crystals is not None and len(found) and len(rows):
            found, rows = _without_twins(found, rows, SAME * crystals.spacing)
        if not len(found):
            return rows
        measured = self._measured(tile, crystals, rows, found, scale)
        measured["y_error"] *= of_errors
        measured["x_error"] *= of_errors
        return np.concatenate([rows, _rows(measured, NETWORK)])

    @staticmethod
    def _measured(tile, crystals, rows, found, scale):
        """The columns of the network, measured in the frame, by name: dict."""
        from .column_bootstrap import measured_alone

        free, sign = np.ones(len(found), bool), 1
        if crystals is None:
            canvas, measured = measured_alone(tile.values, tile.valid, found, scale)
        else:
            canvas, sign = crystals.canvas, crystals.sign
            beside = rows[rows[:, NAMES.index("probability")] >= PROBABLE]
            positions, errors = (
                np.concatenate([beside[:, own], found[:, own]])
                for own in (slice(2), slice(2, 4))
            )
            free = np.arange(len(positions)) >= len(beside)
            widths = np.full(len(positions), crystals.width)
            widths[~free] = beside[:, NAMES.index("width")]
            measured = Measured.of(canvas, positions, errors, widths, free)
        none = np.full(len(found), -1)
        y, x = measured.positions[free].T
        y_error, x_error = measured.position_errors[free].T
        return {
            "y": y,
            "x": x,
            "y_error": y_error,
            "x_error": x_error,
            "probability": found[:, 4],
            "intensity": sign * canvas.unit * measured.intensities[free],
            "intensity_error": canvas.unit * measured.errors[free],
            "width": measured.widths[free],
            "pattern": none,
            "site": none,
        }


def _rows(table, source):
    """Rows of a table by name: (n, 11) numpy.ndarray of float64."""
    table = table | {"source": np.full(len(table["y"]), source)}
    return np.column_stack([table[name] for name in NAMES]).astype(float)


def _box(wanted, context):
    """Rectangle with all pixels that are wanted, and what is about them: two slices."""
    [box] = ndimage.find_objects(wanted.astype(np.int8))
    return tuple(
        slice(max(axis.start - context, 0), axis.stop + context) for axis in box
    )


def _in_vacuum(found, tile, crystals):
    """Columns of the network where there may be nothing beyond crystals: (n, 5) array.

    If the power there is that of noise alone, columns are rare there. If not, it may be
    that of a few, as at the rim of a particle: none is likelier than the share of those
    with as high a score, at least, that noise alone does not have (Y. Benjamini and Y.
    Hochberg, J. R. Stat. Soc. B 57, 289 (1995)).
    """
    from hyperspy_symseg.networks.column_network import RARE, USUAL
    from hyperspy_symseg.networks.column_scale import column_width

    beyond = crystals.beyond
    area = np.count_nonzero(beyond)
    if area < LEAST_BEYOND * beyond.size or not len(found):
        return found
    if column_width(tile.values, beyond) is not None:
        pixels = np.clip(np.rint(found[:, :2]), 0, np.subtract(beyond.shape, 1))
        pixels = tuple(pixels.astype(int).T)
        scores = ndimage.maximum_filter(crystals.scores, 3)[pixels]
        own = beyond[pixels]
        found = found.copy()
        found[own, 4] = np.minimum(
            found[own, 4], _beyond_noise(scores[own], area, crystals.width)
        )
        return found
    odds = special.logit(np.clip(found[:, 4], SURE, 1 - SURE)) + np.log(RARE / USUAL)
    return np.column_stack([found[:, :4], special.expit(odds)])


def _beyond_noise(scores, area, width):
    """Share of the places with a score as high that are not of noise alone: (n,) array.

    Examples
    --------
    >>> _beyond_noise(np.array([3.0, 3.2, 3.1, 9.0]), 40000, 2).round(2)
    array([0., 0., 0., 1.])
    """
    # Maxima are a half of the extrema; below 1, the formula is none of maxima.
    of_noise = false_alarm_rate(np.maximum(scores, 1.0), np.sqrt(area), width) / 2
    n_above = len(scores) - np.searchsorted(np.sort(scores), scores)
    return np.maximum(1 - of_noise / n_above, 0)


def _without_twins(found, rows, distance):
    """Columns of the network and rows of crystals, of two near ones the likelier."""
    probability = NAMES.index("probability")
    close = cKDTree(rows[:, :2]).query_ball_point(found[:, :2], distance)
    kept, lost = np.ones(len(found), bool), np.zeros(len(rows), bool)
    for i, own in enumerate(close):
        if own:
            likely = rows[own, probability].max()
            if likely >= PROBABLE or likely >= found[i, 4]:
                kept[i] = False
            else:
                lost[own] = True
    return found[kept], rows[~lost]
