# SPDX-License-Identifier: GPL-3.0-or-later
"""The symmetry of one crystal as a value: a record of numbers, and what they say."""

import math
from dataclasses import dataclass

import numpy as np

from .naming import REASONS, bravais_weights
from .plane_groups import BRAVAIS_TYPES, PLANE_GROUPS, bravais_type, order

# Structure factors that are kept: the strongest, one of h and -h.
MOST_FACTORS = 160
# A group is named from this weight on; a set of groups has this weight together.
SURE, SET = 0.9, 0.95
# Evidence of two groups that differs by less, in nats, does not tell them apart.
TIED = 2.0
_N = len(PLANE_GROUPS)
# One crystal. Vectors are (y, x) in pixels, of the reduced primitive cell, and the
# covariance is that of ``vectors.ravel()``. `conventional` are the rows of the
# conventional cell of each group in these vectors.
RECORD = np.dtype(
    [
        ("reason", np.int8),
        ("evidence", np.float64),
        ("vectors", np.float64, (2, 2)),
        ("covariance", np.float64, (4, 4)),
        ("n_periods", np.float64),
        ("metric_weights", np.float64, (len(BRAVAIS_TYPES),)),
        ("strains", np.float64, (len(BRAVAIS_TYPES),)),
        ("log_evidence", np.float64, (_N,)),
        ("weights", np.float64, (_N,)),
        ("misfits", np.float64, (_N,)),
        ("conventional", np.int8, (_N, 2, 2)),
        ("origins", np.float64, (_N, 2)),
        ("indices", np.int16, (MOST_FACTORS, 2)),
        ("structure_factors", np.float64, (MOST_FACTORS, 2)),
        ("noise", np.float64, (MOST_FACTORS,)),
        ("middle", np.float64, (2,)),
    ]
)


def record_of(naming):
    """Record of what `name_crystal` has found: () numpy.ndarray of `RECORD`.

    Parameters
    ----------
    naming : Naming
    """
    record = np.zeros((), RECORD)
    for name in RECORD.names:
        if RECORD[name].base.kind == "f":
            record[name] = np.nan
    record["reason"] = REASONS.index(naming.reason)
    record["evidence"] = naming.evidence
    if naming.cell is not None:
        record["vectors"] = naming.cell.vectors
        record["covariance"] = naming.cell.covariance
        record["n_periods"] = naming.n_periods
        record["metric_weights"] = [naming.metric[kind] for kind in BRAVAIS_TYPES]
        record["strains"] = [naming.strains[kind] for kind in BRAVAIS_TYPES]
        record["middle"] = naming.middle
    if naming.groups is not None:
        groups, factors = naming.groups, naming.factors
        record["log_evidence"] = groups.log_evidence
        record["weights"] = groups.weights
        record["misfits"] = groups.misfits
        record["origins"] = groups.origins
        for i, setting in enumerate(groups.settings):
            if setting is not None:
                record["conventional"][i] = setting.conventional
        half = len(factors.indices) // 2
        strongest = np.argsort(-np.abs(factors.amplitudes[:half]), kind="stable")
        strongest = strongest[:MOST_FACTORS]
        n = len(strongest)
        amplitudes = factors.amplitudes[strongest]
        record["indices"][:n] = factors.indices[strongest]
        record["structure_factors"][:n] = np.stack(
            [amplitudes.real, amplitudes.imag], axis=-1
        )
        record["noise"][:n] = factors.noise[strongest]
    return record


@dataclass(frozen=True, eq=False)
class CrystalSymmetry:
    """Lattice, Bravais type and plane group of one crystal, with weights.

    Parameters
    ----------
    record : () numpy.ndarray of RECORD
    pixel_size : (float, float)
        Along (y, x), in the unit.
    unit : str
    strain : float
        Standard deviation of the distortion that the lattice may have.
    tolerance : float
        Misfit up to which a group is a nominal one.
    name : str
        Of the pattern.
    """

    record: np.ndarray
    pixel_size: tuple = (1.0, 1.0)
    unit: str = "px"
    strain: float = 0.02
    tolerance: float = 0.25
    name: str = ""

    def __repr__(self):
        """One line: the name, and no arrays."""
        words = [self.bravais]
        if self.has_lattice:
            lengths = " by ".join(f"{length:.4g}" for length in self.lengths)
            words += [
                self.plane_group or "plane group not certain",
                f"{lengths} {self.unit}".rstrip(),
                f"{self.angle:.2f}°",
            ]
        words += [self.reason] * bool(self.reason)
        return f"<CrystalSymmetry {self.name}".rstrip() + f": {', '.join(words)}>"

    def _of(self, field):
        return np.array(self.record[field])

    @property
    def has_lattice(self):
        """Whether a lattice was found: bool."""
        return bool(np.isfinite(self.record["vectors"]).all())

    @property
    def is_named(self):
        """Whether the plane groups have weights: bool."""
        return bool(np.isfinite(self.record["weights"]).all())

    @property
    def a_pixels(self):
        """Shorter vector (y, x) of the reduced primitive cell, in pixels."""
        return self._of("vectors")[0]

    @property
    def b_pixels(self):
        """Longer vector (y, x) of the reduced primitive cell, in pixels."""
        return self._of("vectors")[1]

    @property
    def vectors(self):
        """Vectors a and b (y, x) in axis units, a row each: (2, 2) array."""
        return self._of("vectors") * np.abs(self.pixel_size)

    @property
    def a(self):
        """Shorter vector (y, x) of the reduced primitive cell, in axis units."""
        return self.vectors[0]

    @property
    def b(self):
        """Longer vector (y, x) of the reduced primitive cell, in axis units."""
        return self.vectors[1]

    @property
    def covariance(self):
        """Covariance of (a_y, a_x, b_y, b_x), in squared axis units: (4, 4) array."""
        scales = np.tile(np.abs(self.pixel_size), 2)
        return self._of("covariance") * np.outer(scales, scales)

    @property
    def standard_errors(self):
        """Standard errors of a and b (y, x), in axis units: (2, 2) array."""
        return np.sqrt(np.diag(self.covariance)).reshape(2, 2)

    @property
    def lengths(self):
        """Lengths of a and b, in axis units: (2,) array."""
        return np.linalg.norm(self.vectors, axis=1)

    @property
    def length_errors(self):
        """Standard errors of the lengths: (2,) array."""
        a, b = self.vectors / self.lengths[:, np.newaxis]
        return self._errors([[*a, 0, 0], [0, 0, *b]])

    def _errors(self, gradients):
        """Standard errors (n,) of numbers with gradients (n, 4) by the vectors."""
        gradients = np.array(gradients)
        variances = np.einsum("ni,ij,nj->n", gradients, self.covariance, gradients)
        return np.sqrt(variances)

    @property
    def angle(self):
        """Angle from a to b, in degrees, from 60 to 90: float."""
        a, b = self.vectors
        return math.degrees(math.atan2(abs(self._cross), a @ b))

    @property
    def angle_error(self):
        """Standard error of the angle, in degrees: float."""
        turns = [np.array([v[1], -v[0]]) / (v @ v) for v in self.vectors]
        (error,) = self._errors([[*turns[0], *-turns[1]]])
        return math.degrees(error)

    @property
    def _cross(self):
        a, b = self.vectors
        return float(a[0] * b[1] - a[1] * b[0])

    @property
    def area(self):
        """Area of the primitive cell, in squared axis units: float."""
        return abs(self._cross)

    @property
    def area_error(self):
        """Standard error of the area: float."""
        a, b = self.vectors
        (error,) = self._errors([[b[1], -b[0], -a[1], a[0]]])
        return float(error)

    @property
    def orientation(self):
        """Angle of a, in degrees, from x towards y, from -90 to 90: float."""
        y, x = self.a
        return math.degrees(math.atan2(y, x))

    @property
    def orientation_error(self):
        """Standard error of the orientation, in degrees: float."""
        a = self.a
        (error,) = self._errors([[a[1] / (a @ a), -a[0] / (a @ a), 0, 0]])
        return math.degrees(error)

    @property
    def n_periods(self):
        """Periods in the window, the geometric mean along both vectors: float."""
        return float(self.record["n_periods"])

    @property
    def evidence(self):
        """Log evidence of the lattice against noise alone, in nats: float."""
        return float(self.record["evidence"])

    def _by_type(self, field):
        values = self._of(field).tolist()
        return dict(zip(BRAVAIS_TYPES, values, strict=True))

    def _by_group(self, field):
        return dict(zip(PLANE_GROUPS, self._of(field).tolist(), strict=True))

    @property
    def strains(self):
        """Strain to the nearest lattice of each Bravais type: dict of float."""
        return self._by_type("strains")

    @property
    def metric_weights(self):
        """Weights of the Bravais types by the shape of the cell alone: dict."""
        return self._by_type("metric_weights")

    @property
    def bravais_weights(self):
        """Weights of the Bravais types, those of their plane groups together: dict.

        Without plane groups, those of the metric.
        """
        if not self.is_named:
            return self.metric_weights
        return bravais_weights(self._of("weights"))

    @property
    def bravais(self):
        """Bravais type of the plane group, or else of the largest weight.

        "none" if no lattice was found.
        """
        if not self.has_lattice:
            return "none"
        if self.plane_group is not None:
            return bravais_type(self.plane_group)
        weights = self.bravais_weights
        return max(weights, key=weights.get)

    @property
    def plane_group_weights(self):
        """Weights of the 17 plane groups: dict of float, NaN where none is named."""
        return self._by_group("weights")

    @property
    def misfits(self):
        """Share of the amplitude that has not the symmetry: dict of float.

        1 where the lattice rules a group out.
        """
        return self._by_group("misfits")

    @property
    def log_evidence(self):
        """Log evidence of the plane groups: dict of float, without any prior."""
        return self._by_group("log_evidence")

    @property
    def likely_plane_groups(self):
        """The most likely plane groups, which have a weight of 0.95 together: tuple."""
        if not self.is_named:
            return ()
        weights = self._of("weights")
        found, total = [], 0.0
        for i in np.argsort(-weights, kind="stable"):
            found.append(PLANE_GROUPS[i])
            total += weights[i]
            if total >= SET:
                break
        return tuple(found)

    @property
    def plane_group(self):
        """The plane group of a weight of 0.9 or more: str, or None."""
        if not self.is_named or self._of("weights").max() < SURE:
            return None
        return self.likely_plane_groups[0]

    @property
    def nominal_plane_group(self):
        """The highest plane group whose misfit is within the tolerance: str or None."""
        return self.get_nominal_plane_group(self.tolerance)

    def get_nominal_plane_group(self, tolerance):
        """The highest plane group whose misfit is within a tolerance.

        Parameters
        ----------
        tolerance : float
            Share of the amplitude.

        Returns
        -------
        str or None
            Of those of one order, the one of the smallest misfit. None if no plane
            group was weighed.
        """
        if not self.is_named:
            return None
        within = {
            group: misfit
            for group, misfit in self.misfits.items()
            if misfit <= tolerance
        }
        return min(within, key=lambda group: (-order(group), within[group]))

    @property
    def reason(self):
        """Why there is no name, or none for sure; empty if there is: str."""
        reason = REASONS[int(self.record["reason"])]
        if reason or self.plane_group is not None or not self.is_named:
            return reason
        likely = self.likely_plane_groups
        evidence = self.log_evidence
        if abs(evidence[likely[0]] - evidence[likely[1]]) < TIED:
            return f"the reflections do not tell {likely[0]} from {likely[1]}"
        return "several plane groups are likely"

    def get_conventional_vectors(self, group):
        """Vectors of the conventional cell of a plane group.

        Parameters
        ----------
        group : str

        Returns
        -------
        (2, 2) numpy.ndarray of float64
            A vector (y, x) a row, in axis units.

        Raises
        ------
        ValueError
            If the lattice rules it out.
        """
        if not self.is_named or not np.isfinite(self.log_evidence[group]):
            raise ValueError(
                f"group must be one that the lattice allows, got {group!r}."
            )
        rows = self._of("conventional")[PLANE_GROUPS.index(group)]
        return rows @ self.vectors

    def to_dict(self):
        """All that is known, in Python's own types and arrays: dict."""
        found = {"name": self.name, "unit": self.unit, "reason": self.reason}
        found |= {"evidence": self.evidence, "bravais": self.bravais}
        found |= {
            "plane_group": self.plane_group,
            "nominal_plane_group": self.nominal_plane_group,
            "likely_plane_groups": list(self.likely_plane_groups),
            "strain": self.strain,
            "tolerance": self.tolerance,
        }
        if not self.has_lattice:
            return found
        found |= {
            "a": self.a.tolist(),
            "b": self.b.tolist(),
            "a_pixels": self.a_pixels.tolist(),
            "b_pixels": self.b_pixels.tolist(),
            "standard_errors": self.standard_errors.tolist(),
            "covariance": self.covariance.tolist(),
            "lengths": self.lengths.tolist(),
            "length_errors": self.length_errors.tolist(),
            "angle": self.angle,
            "angle_error": self.angle_error,
            "area": self.area,
            "area_error": self.area_error,
            "orientation": self.orientation,
            "orientation_error": self.orientation_error,
            "n_periods": self.n_periods,
            "strains": self.strains,
            "metric_weights": self.metric_weights,
            "bravais_weights": self.bravais_weights,
        }
        if self.is_named:
            found |= {
                "plane_group_weights": self.plane_group_weights,
                "misfits": self.misfits,
                "log_evidence": self.log_evidence,
            }
        return found
