# SPDX-License-Identifier: GPL-3.0-or-later
"""What is printed of labels: the symmetry of each pattern."""

import logging

from hyperspy_symseg.frames.run import FrameError
from hyperspy_symseg.lattice.naming import NO_LATTICE
from hyperspy_symseg.plotting import pattern_words
from hyperspy_symseg.signals.symmetry import check_can_be_named
from hyperspy_symseg.symmetry_table import with_error

_logger = logging.getLogger(__name__)


def check_symmetry(signal, request):
    """Check, before any work, that patterns can be named if that is asked for.

    Parameters
    ----------
    signal : Signal2D
    request : Request

    Raises
    ------
    TypeError, ValueError
        If they cannot.
    """
    if request.symmetry:
        check_can_be_named(signal)


def named_patterns(labels, signal, request):
    """Symmetry of each pattern, if that is asked for.

    Parameters
    ----------
    labels : SymmetryLabels
        What they have been named before is taken.
    signal : Signal2D
    request : Request

    Returns
    -------
    SymmetryTable or None
        None if it is not asked for, or a frame cannot be read and that is to stop
        nothing.
    """
    if not request.symmetry:
        return None
    if labels.symmetry is not None:
        return labels.symmetry
    num_workers = request.options.get("num_workers")
    try:
        return labels.get_symmetry(signal, num_workers=num_workers)
    except FrameError as error:
        if request.on_error == "raise":
            raise
        _logger.warning("%s No pattern is named.", error)
        return None


def symmetry_lines(table, names=None):
    """Plane group, Bravais type and lattice of each pattern, a line each.

    Parameters
    ----------
    table : SymmetryTable or None
    names : tuple of str or None
        Of the patterns, if they have any.

    Returns
    -------
    list of str
        Empty if there is no table.
    """
    if table is None:
        return []
    words = pattern_words(len(table), names)
    return [
        f"{f'pattern {word}':<25} {_in_words(row)}"
        for word, row in zip(words, table, strict=True)
    ]


def _in_words(row):
    """Symmetry of a pattern in a line."""
    if not row.has_lattice:
        return NO_LATTICE + f": {row.reason}" * (row.reason != NO_LATTICE)
    group = row.plane_group or "plane group not certain"
    if row.nominal_plane_group and row.nominal_plane_group != row.plane_group:
        group += f" (nominal {row.nominal_plane_group})"
    lengths = " by ".join(map(with_error, row.lengths, row.length_errors))
    angle = with_error(row.angle, row.angle_error)
    line = f"{row.bravais}, {group}, {lengths} {row.unit}".rstrip() + f", {angle}°"
    return f"{line}: {row.reason}" if row.reason else line
