# SPDX-License-Identifier: GPL-3.0-or-later
"""Every atomic column of a frame, from the crystals that it is made of."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from hyperspy_symseg.frames.analysis import PointAnalysis
from hyperspy_symseg.templates.normalized_frame import NormalizedFrame, cell_size

from .checks import check_labels
from .column_candidates import candidates
from .column_extras import extra_columns
from .column_fit import ColumnFit
from .column_model import Canvas
from .column_sites import has_lattice
from .residual_scores import column_width

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
CONTRASTS = "bright", "dark", "auto"


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
    templates : Templates
        Of patterns of which one has a lattice, at least.
    contrast : {"bright", "dark", "auto"}
        Whether columns are bright; "auto": by the skewness of the mean unit cells.
    probability : float
        Of the rows, at least.

    Raises
    ------
    ValueError
        If no pattern has a lattice.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> from hyperspy_symseg.frames.run import run
    >>> s, truth = simulate.micrograph(simulate.Lattice.square(12), (120, 144), seed=0)
    >>> seg = s.segment_symmetry(1, show_progressbar=False)
    >>> found = run(AtomicColumns(seg.model.templates), s.data, seg.data)
    >>> found[0].shape
    (120, 11)
    """

    templates: Any
    contrast: str = "auto"
    probability: float = 0.5
    whole_frames: ClassVar[bool] = True

    def __post_init__(self):
        """Check the templates."""
        if not any(
            has_lattice(self.templates, k) for k in range(self.templates.n_patterns)
        ):
            raise ValueError(
                "templates must have a pattern with a lattice for columns to be found "
                "at its sites, got none."
            )

    def process(self, tile):
        """Those of a frame: (n, 11) numpy.ndarray."""
        found = columns_of_frame(self.templates, tile, self.contrast)
        found = found[found[:, NAMES.index("probability")] >= self.probability]
        inside = (found[:, :2] >= -0.5) & (found[:, :2] < np.subtract(tile.shape, 0.5))
        found = found[inside.all(axis=1)]
        return found[np.lexsort(found.T[1::-1])]


def columns_of_frame(templates, tile, contrast):
    """Columns of a frame, those that are improbable too: (n, 11) numpy.ndarray.

    Parameters
    ----------
    templates : Templates
    tile : Tile
        Of a whole frame, with labels.
    contrast : {"bright", "dark", "auto"}
    """
    labels = check_labels(tile.labels, templates.n_patterns)
    labels = np.where(tile.valid, labels, -1)
    none = np.empty((0, len(NAMES)))
    if not (labels >= 0).any():
        return none
    frame = NormalizedFrame(tile.values, labels < 0, templates.period)
    width = column_width(templates)
    found = candidates(templates, frame, labels, width, contrast)
    if found is None:
        return none
    valid = labels >= 0 if frame.valid is None else frame.valid & (labels >= 0)
    values = found.sign * np.asarray(tile.values, float)
    if frame.levelled is not None:
        values = found.sign * frame.levelled.astype(float)
    canvas = Canvas(values, valid, templates.period)
    fit = ColumnFit(canvas, found.sites, width, cell_size(templates.period)).run()
    table, extra = fit.table(), extra_columns(fit, labels, templates.period)
    table |= {"pattern": found.patterns, "site": found.numbers}
    extra["site"] = np.full(len(extra["y"]), -1)
    rows = np.concatenate([_rows(table), _rows(extra)])
    rows[:, NAMES.index("intensity")] *= found.sign
    return rows


def _rows(table):
    """Rows of a table of columns of crystals: (n, 11) numpy.ndarray of float64."""
    table = table | {"source": np.full(len(table["y"]), CRYSTAL)}
    return np.column_stack([table[name] for name in NAMES]).astype(float)
