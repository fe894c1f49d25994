# SPDX-License-Identifier: GPL-3.0-or-later
"""The columns of a frame that its crystals tell of."""

from typing import NamedTuple

import numpy as np

from hyperspy_symseg.networks.column_gaps import LEAST_SEEN
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame, cell_size

from .column_candidates import Candidates, candidates
from .column_extras import Filtered, extra_columns
from .column_fit import ColumnFit
from .column_model import Canvas
from .column_sites import has_lattice
from .interior import near
from .residual_scores import column_width

# Of a crystal, what is so near to other pixels is not for it alone to tell, in periods.
BOUNDARY = 0.5


class FittedCrystals(NamedTuple):
    """The crystals of a frame, and the columns that were fitted at their sites.

    Attributes
    ----------
    found : Candidates
    fit : ColumnFit
    valid : (rows, columns) numpy.ndarray of bool
        Pixels that count.
    """

    found: Candidates
    fit: ColumnFit
    valid: np.ndarray

    @classmethod
    def of(cls, templates, tile, labels, contrast):
        """Crystals of a frame: FittedCrystals, or None if it has none.

        Parameters are those of `CrystalColumns.of`.
        """
        if not (labels >= 0).any():
            return None
        period = templates.period
        frame = NormalizedFrame(tile.values, labels < 0, period)
        width = column_width(templates)
        found = candidates(templates, frame, labels, width, contrast)
        if found is None:
            return None
        valid = labels >= 0 if frame.valid is None else frame.valid & (labels >= 0)
        values = tile.values if frame.levelled is None else frame.levelled
        canvas = Canvas.scaled(found.sign * np.asarray(values, float), valid, period)
        fit = ColumnFit(canvas, found.sites, width, cell_size(period)).run()
        return cls(found, fit, valid)


def of_crystals(templates, labels, margin):
    """Where the label is that of a crystal, and which of it is far from any other one.

    Parameters
    ----------
    templates : Templates
    labels : (rows, columns) numpy.ndarray of int
        -1 where a pixel does not count.
    margin : float
        From pixels with another label, in pixels.

    Returns
    -------
    crystals, told : (rows, columns) numpy.ndarray of bool
    """
    numbers = [k for k in range(templates.n_patterns) if has_lattice(templates, k)]
    crystals = np.isin(labels, numbers)
    told = crystals.copy()
    for k in numbers:
        others = (labels != k) & (labels >= 0)
        if others.any():
            told &= (labels != k) | ~near(others, margin)
    return crystals, told


class CrystalColumns(NamedTuple):
    """Columns of the crystals of a frame.

    Attributes
    ----------
    table : dict of (n,) numpy.ndarray of float64
        By name; those that are improbable, too.
    canvas : Canvas
    told : (rows, columns) numpy.ndarray of bool
        Where crystals are certain: where they have no column, there is none.
    beyond : (rows, columns) numpy.ndarray of bool
        Where no crystal is, nor near by.
    scores : (rows, columns) numpy.ndarray of float64
        What is left of the frame, from `Filtered`.
    sign : int
        1 if columns are bright, -1 if they are dark.
    width, spacing : float
        Of a column, and the shortest distance of two, in pixels.
    """

    table: dict
    canvas: Canvas
    told: np.ndarray
    beyond: np.ndarray
    scores: np.ndarray
    sign: int
    width: float
    spacing: float

    @classmethod
    def of(cls, templates, tile, labels, contrast):
        """Columns of a frame: CrystalColumns, or None if it has no crystal.

        Parameters
        ----------
        templates : Templates
        tile : Tile
            Of a whole frame.
        labels : (rows, columns) numpy.ndarray of int
            -1 where a pixel does not count.
        contrast : {"bright", "dark", "auto"}
        """
        crystals = FittedCrystals.of(templates, tile, labels, contrast)
        if crystals is None:
            return None
        (found, fit, valid), period = crystals, templates.period
        canvas = fit.canvas
        filtered = Filtered.of(fit)
        at_sites = fit.table()
        extra = extra_columns(fit, filtered, labels, period)
        at_sites |= {"pattern": found.patterns, "site": found.numbers}
        extra["site"] = np.full(len(extra["y"]), -1)
        table = {
            name: np.concatenate([values, extra[name]])
            for name, values in at_sites.items()
        }
        inside = [
            (table[axis] >= -0.5) & (table[axis] < n - 0.5)
            for axis, n in zip("yx", labels.shape, strict=True)
        ]
        inside = np.logical_and(*inside)
        table = {name: values[inside] for name, values in table.items()}
        pixels = np.rint([table[axis] for axis in "yx"]).astype(int)
        # In a gap such as a dead row, it is seen beside it.
        seen = valid[tuple(pixels)] | (table.pop("seen") > LEAST_SEEN)
        table = {name: values[seen] for name, values in table.items()}
        table["intensity"] = found.sign * canvas.unit * table["intensity"]
        table["intensity_error"] = canvas.unit * table["intensity_error"]
        has_crystal, told = of_crystals(templates, labels, BOUNDARY * period)
        spacing = float(found.sites.spacings.min())
        beyond = tile.valid & ~near(has_crystal, period)
        how = found.sign, fit.faintest_width, spacing
        return cls(table, canvas, told, beyond, filtered.scores, *how)
