# SPDX-License-Identifier: GPL-3.0-or-later
"""The symmetry of patterns as a table: printed, as a dictionary, in files, plotted."""

import html
from collections.abc import Sequence

import numpy as np

from .frames.checks import check_array, check_flag, check_number, check_whole
from .lattice.crystal_symmetry import RECORD, CrystalSymmetry
from .lattice.misorientation import misorientation
from .lattice.plane_groups import BRAVAIS_TYPES
from .networks import predicted_symmetry
from .networks.predicted_symmetry import PredictedSymmetry
from .optional import optional
from .version import package_version

BRANCH = "Symmetry"
# Limits of the arguments.
STRAINS, TOLERANCES = (1e-4, 0.3), (0.0, 1.0)
COLUMNS = (
    "pattern",
    "a",
    "b",
    "angle",
    "Bravais type",
    "plane group",
    "nominal",
    "remark",
)


class SymmetryTable(Sequence):
    """Lattice, Bravais type and plane group of several patterns.

    A sequence of `CrystalSymmetry` or, of the network, of `PredictedSymmetry`, one a
    pattern, which prints as a table.

    Parameters
    ----------
    rows : sequence of CrystalSymmetry or of PredictedSymmetry
    """

    def __init__(self, rows):
        self._rows, self._lattice_parameters = tuple(rows), None

    @property
    def lattice_parameters(self):
        """Lattice parameters of the patterns in every frame.

        Returns
        -------
        BaseSignal or None
            None unless ``seg.get_symmetry(s, per_frame=True)`` has made the table;
            files of labels do not hold them, but they can be saved themselves. The
            navigation axes are the parameter (the lengths of a and b, the angle between
            them, the area of the cell and the orientation of a, named in
            ``metadata.Symmetry_lattices``) and the pattern; the signal axes are the
            navigation axes of the labels, such as time. Of a single image, the patterns
            are the signal axis. Variances are `get_noise_variance()`. NaN where a frame
            has too little of a pattern.
        """
        return self._lattice_parameters

    def with_lattice_parameters(self, signal):
        """The same with the lattice parameters of every frame: SymmetryTable."""
        other = type(self)(self._rows)
        other._lattice_parameters = signal
        return other

    def __len__(self):
        """Number of patterns."""
        return len(self._rows)

    def __getitem__(self, index):
        """Row of a pattern, or the table of several."""
        found = self._rows[index]
        return SymmetryTable(found) if isinstance(index, slice) else found

    def __repr__(self):
        """A table of text."""
        cells = [COLUMNS, *map(_cells, self._rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return "\n".join(
            "  ".join(
                cell.ljust(width) for cell, width in zip(row, widths, strict=True)
            ).rstrip()
            for row in cells
        )

    def _repr_html_(self):
        """A table for notebooks."""
        head = "".join(f"<th>{html.escape(name)}</th>" for name in COLUMNS)
        body = "".join(
            "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            for row in map(_cells, self._rows)
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"

    def to_dict(self):
        """All that is known of each pattern.

        Returns
        -------
        dict of str and dict
            By the name of the pattern; see the ``to_dict`` of the rows.
        """
        return {row.name: row.to_dict() for row in self._rows}

    def to_dataframe(self):
        """A table with one row a pattern, without the covariance.

        Returns
        -------
        pandas.DataFrame
            The index is the name of the pattern. Vectors have a column each along y
            and x, and weights, misfits and strains one each, such as
            ``weight p4mm``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        pd = optional("pandas", "to_dataframe", "dataframe")
        rows = [_flat(row.to_dict()) for row in self._rows]
        names = [row.name for row in self._rows]
        return pd.DataFrame(rows, index=pd.Index(names, name="pattern"))

    def plot(self, axes=None, *, nominal=False):
        """Plot the average cell, the reflections and the weights of each pattern.

        Parameters
        ----------
        axes : (patterns, 3) numpy.ndarray of matplotlib.axes.Axes, optional
            By default those of a new figure.
        nominal : bool
            Whether to draw the elements of the nominal group instead of those of the
            named one.

        Returns
        -------
        (patterns, 3) numpy.ndarray of matplotlib.axes.Axes
            On the left the average cell, with the symmetry elements of the named group
            (or else of the most likely one) in the symbols of the International Tables;
            then the reflections with their indices, and the weights of the groups. Of
            the network there are the weights of the Bravais types alone.
        """
        from .symmetry_plots import plot_symmetry

        nominal = check_flag("nominal", nominal)
        return plot_symmetry(self._rows, axes, nominal)

    def misorientation(self, i, j, *, strain=0.05):
        """How pattern j lies to pattern i, if both have one lattice.

        Parameters
        ----------
        i, j : int or str
            Numbers or names of the patterns.
        strain : float
            By how much the lattices may differ.

        Returns
        -------
        Misorientation
            Rotation, Sigma of the coincidence site lattice with the deviation from it,
            and the mirror line of twins. A lattice is of the most symmetric type that
            it is within the strain of the table of (2 % if that was not changed).

        Raises
        ------
        TypeError, ValueError
            If there is no such pattern, one has no lattice, or the lattices differ.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> sym = seg.get_symmetry(s, show_progressbar=False)
        >>> found = sym.misorientation(0, 1)
        >>> round(found.angle), found.sigma
        (-36, 5)
        """
        strain = check_number("strain", strain, *STRAINS)
        first, second = self._row("i", i), self._row("j", j)
        if first.unit != second.unit:
            raise ValueError(
                f"patterns must have lattices in one unit, got {first.unit!r} and "
                f"{second.unit!r}."
            )
        error = np.hypot(first.orientation_error, second.orientation_error)
        # The most symmetric type that both lattices are near to.
        near = [
            kind
            for kind in BRAVAIS_TYPES
            if all(row.strains[kind] <= row.strain for row in (first, second))
        ]
        bravais = near[-1]
        return misorientation(
            *(first.vectors, second.vectors, bravais),
            strain=strain,
            angle_error=float(np.nan_to_num(error)),
        )

    def _row(self, argument, which):
        """Row of a number or a name, which has a lattice: CrystalSymmetry."""
        names = [row.name for row in self._rows]
        if isinstance(which, str):
            if which not in names:
                raise ValueError(
                    f"{argument} must be one of {', '.join(names)}, got {which!r}."
                )
            which = names.index(which)
        which = check_whole(argument, which, -len(names), len(names) - 1)
        row = self._rows[which]
        if not isinstance(row, CrystalSymmetry):
            raise TypeError(
                f"{argument} must be a pattern with lattice vectors, got {row.name!r} "
                "of the network, which finds none."
            )
        if not row.has_lattice:
            raise ValueError(
                f"{argument} must be a pattern with a lattice, got {row.name!r}: "
                f"{row.reason}."
            )
        return row

    def to_metadata(self):
        """What files keep: dict of arrays, numbers and text."""
        first = self._rows[0]
        records = np.stack([row.record for row in self._rows])
        found = {
            "version": package_version(),
            "names": [row.name for row in self._rows],
            "unit": first.unit,
            "records": {
                name: np.ascontiguousarray(records[name])
                for name in records.dtype.names
            },
        }
        if isinstance(first, PredictedSymmetry):
            return found | {"method": "network"}
        return found | {
            "method": "evidence",
            "pixel_size": list(map(float, first.pixel_size)),
            "strain": float(first.strain),
            "tolerance": float(first.tolerance),
        }

    @classmethod
    def from_metadata(cls, stored):
        """Table from what `to_metadata` has given, perhaps read from a file.

        Parameters
        ----------
        stored : dict

        Raises
        ------
        TypeError, ValueError
            If it is something else.
        """
        where = f"metadata.{BRANCH}"
        # Tables of earlier versions do not say.
        is_network = stored.get("method") == "network"
        try:
            names = [str(name) for name in np.asarray(stored["names"]).tolist()]
            fields, label = stored["records"], str(stored["unit"])
            dtype = predicted_symmetry.RECORD if is_network else RECORD
            records = np.zeros(len(names), dtype)
            for name in dtype.names:
                records[name] = np.asarray(fields[name])
            if is_network:
                return cls(
                    PredictedSymmetry(record, label, name)
                    for record, name in zip(records, names, strict=True)
                )
            strain, tolerance = stored["strain"], stored["tolerance"]
            size = stored["pixel_size"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{where} must be what get_symmetry has written, got something else: "
                f"{error}."
            ) from error
        size = check_array(f"{where}.pixel_size", size, (2,), 1e-300, 1e300)
        strain = check_number(f"{where}.strain", float(strain), *STRAINS)
        tolerance = check_number(f"{where}.tolerance", float(tolerance), *TOLERANCES)
        known = tuple(size.tolist()), label, strain, tolerance
        return cls(
            CrystalSymmetry(record, *known, name)
            for record, name in zip(records, names, strict=True)
        )


def _cells(row):
    """Cells of a row of the table: tuple of str."""
    remark = row.reason
    if isinstance(row, PredictedSymmetry):
        if row.n_windows:
            weight = row.bravais_weights[row.bravais]
            said = f"network: weight {weight:.2f}, windows {row.n_windows}"
            remark = f"{said}, {remark}" if remark else said
        return (row.name, "", "", "", row.bravais, "", "", remark)
    if row.is_named and row.plane_group is None:
        weights = row.plane_group_weights
        likely = " ".join(f"{g} {weights[g]:.2f}" for g in row.likely_plane_groups)
        remark = f"{likely} ({remark})"
    if not row.has_lattice:
        return (row.name, "", "", "", row.bravais, "", "", remark)
    lengths = [
        with_error(*each) for each in zip(row.lengths, row.length_errors, strict=True)
    ]
    return (
        row.name,
        *(f"{length} {row.unit}".strip() for length in lengths),
        f"{with_error(row.angle, row.angle_error)}°",
        row.bravais,
        row.plane_group or "?",
        row.nominal_plane_group or "?",
        remark,
    )


def with_error(value, error):
    """Number with its standard error in brackets, in units of the last digit.

    Examples
    --------
    >>> with_error(0.39051, 0.00023), with_error(13.0, 1.9)
    ('0.3905(2)', '13(2)')
    """
    if not np.isfinite(error) or error <= 0:
        return f"{value:.6g}"
    digits = int(np.floor(np.log10(error)))
    if round(error * 10.0**-digits) == 10:
        digits += 1
    if digits >= 0:
        return f"{value:.0f}({error:.0f})"
    return f"{value:.{-digits}f}({round(error * 10.0**-digits)})"


def _flat(row):
    """Row for a frame of pandas: dict of numbers and text."""
    found = {}
    prefixes = {
        "plane_group_weights": "weight",
        "misfits": "misfit",
        "log_evidence": "log evidence",
        "strains": "strain to",
        "metric_weights": "metric weight",
        "bravais_weights": "weight",
        "bravais_spreads": "spread",
    }
    for key, value in row.items():
        if key in prefixes:
            found |= {f"{prefixes[key]} {name}": each for name, each in value.items()}
        elif key in ("a", "b", "a_pixels", "b_pixels"):
            found |= {f"{key}_y": value[0], f"{key}_x": value[1]}
        elif key in ("lengths", "length_errors"):
            name = key.removesuffix("s")
            found |= {f"{name} a": value[0], f"{name} b": value[1]}
        elif key == "standard_errors":
            for vector, errors in zip("ab", value, strict=True):
                found |= {
                    f"error {vector}_{axis}": error
                    for axis, error in zip("yx", errors, strict=True)
                }
        elif key == "likely_plane_groups":
            found[key] = " ".join(value)
        elif key not in ("name", "covariance"):
            found[key] = value
    return found
