# SPDX-License-Identifier: GPL-3.0-or-later
"""How two crystals of one lattice lie to each other: rotation, coincidence, twins."""

import math
from dataclasses import dataclass

import numpy as np

from .bravais import reduced_cell
from .matching import SAME, Deformation, bases, deformation, strain_of
from .plane_groups import CELLS, CENTRED, HEXAGONAL, SQUARE

# Largest Sigma that is looked for; beyond, nearly any rotation is near some.
MOST_SIGMA = 29
# Deviation in degrees at which a coincidence ends, times the root of Sigma (D. G.
# Brandon, Acta Metall. 14, 1479 (1966)).
BRANDON = 15.0
# Indices of mirror lines, at most.
LARGEST_INDEX = 9
# Shear at which sites still coincide in a lattice whose shape is measured; and how
# often that happens by chance, at most.
SHEAR, BY_CHANCE = 5e-3, 0.1
# Of mirror lines without a Sigma, the square of the distance of sites over the area of
# a cell, at most: denser ones are near any.
MOST_DENSITY = 5.0
# Deviation over its limit by which a line has to be nearer than one with more sites.
CLEAR = 0.05
# Square and hexagonal lattices have their ideal shape.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Misorientation:
    """How a crystal lies to another one of the same lattice.

    Attributes
    ----------
    angle : float
        Rotation that takes the first to the second, in degrees from x towards y; the
        smallest of those that are the same by the symmetry of the lattice. NaN if only
        a mirror does, as of twins of an oblique lattice.
    angle_error : float
        Its standard error.
    strain : float
        By how much the lattices differ, apart from that.
    sigma : int or None
        One of how many sites of the coincidence site lattice both have, up to 29; 1 up
        to a low angle. None if there is no such lattice within Brandon's criterion.
    mirror : (int, int) or None
        Lattice line (h k) that mirrors the first into the second, in indices of the
        conventional cell, if they are twins: the line with most sites.
    deviation : float
        Angle from the exact coincidence or twin, in degrees; NaN if there is none.
    limit : float
        Largest deviation by Brandon's criterion, 15 degrees over the root of Sigma.
    """

    angle: float
    angle_error: float
    strain: float
    sigma: int | None
    mirror: tuple[int, int] | None
    deviation: float
    limit: float

    def __repr__(self):
        """One line, with what there is of angle, Sigma and mirror."""
        if math.isnan(self.angle):
            words = ["no rotation"]
        else:
            error = f" +- {self.angle_error:.2g}" * (self.angle_error > 0)
            words = [f"{self.angle:z.2f}{error} degrees"]
        if self.sigma is not None:
            words.append(f"Sigma {self.sigma}")
        if self.mirror is not None:
            words.append("mirror ({} {})".format(*self.mirror))
        if not math.isnan(self.deviation):
            words.append(f"off by {self.deviation:.2f} degrees")
        return f"<Misorientation: {', '.join(words)}>"


def misorientation(first, second, bravais, *, strain=0.05, angle_error=0.0):
    """How one crystal lies to another of the same lattice.

    Parameters
    ----------
    first, second : (2, 2) array of float
        Lattice vectors (y, x), a row each, in one unit.
    bravais : str
        Type of the lattice.
    strain : float
        By how much the lattices may differ.
    angle_error : float
        Standard error of the angle, in degrees.

    Returns
    -------
    Misorientation

    Raises
    ------
    ValueError
        If the lattices differ by more.

    Examples
    --------
    >>> turned = np.array([[-4, 3.0], [3, 4]])
    >>> misorientation(5 * np.eye(2), turned, "square")
    <Misorientation: 36.87 degrees, Sigma 5, mirror (2 1), off by 0.00 degrees>
    """
    first, second = (_shaped(each, bravais) for each in (first, second))
    proper = _angles(second, first)
    improper = _angles(second, first * (-1, 1))
    least = min(proper[1], improper[1])
    if least > strain:
        raise ValueError(
            f"patterns must have one lattice, to a strain of {strain:.2g}, got two "
            f"that differ by {least:.2g}."
        )
    angle = math.nan
    if proper[1] <= least + SAME:
        angle = min(proper[0].tolist(), key=lambda each: (round(abs(each), 9), -each))
    known = angle, float(angle_error), float(least)
    best, found = 1.0, (None, None, math.nan, math.nan)
    if not math.isnan(angle) and abs(angle) <= BRANDON:
        best, found = abs(angle) / BRANDON, (1, None, abs(angle), BRANDON)
    if improper[1] > least + SAME:
        return Misorientation(*known, *found)
    for line in _lines(first, bravais):
        # A mirror line at an angle turns what the x axis mirrors by twice that.
        off = (improper[0] - 2 * line.angle + 180) % 360 - 180
        deviation = float(np.abs(off).min())
        limit = BRANDON / math.sqrt(line.sigma or line.density)
        # Of lines that are as near, the first has the most sites.
        if line.sigma != 1 and deviation / limit < best - CLEAR:
            best, found = deviation / limit, (line.sigma, line.mirror, deviation, limit)
    return Misorientation(*known, *found)


def _shaped(vectors, bravais):
    """Reduced vectors of a lattice, of their ideal shape if the type has only one."""
    vectors = reduced_cell(np.asarray(vectors, float)).vectors
    if bravais not in (SQUARE, HEXAGONAL):
        return vectors
    turn = math.radians(90 if bravais == SQUARE else 60)
    ideal = np.array([[0, 1], [math.sin(turn), math.cos(turn)]])
    ideal[1, 0] *= -np.sign(np.linalg.det(vectors))
    area = abs(np.linalg.det(vectors) / np.linalg.det(ideal))
    angle = np.radians(Deformation.of(deformation(vectors, ideal)).angle)
    cos, sin = np.cos(angle), np.sin(angle)
    return math.sqrt(area) * ideal @ np.array([[cos, -sin], [sin, cos]])


def _angles(vectors, others):
    """Rotations, in degrees, that take others to vectors at the least strain; that."""
    _, found = bases(vectors, others)
    strains = strain_of(found.stretch)
    return found.angle[strains <= strains.min() + SAME], float(strains.min())


@dataclass(frozen=True)
class _Line:
    """A lattice line that may be a mirror.

    Attributes
    ----------
    mirror : (int, int)
        h and k, of the conventional cell.
    angle : float
        In degrees from x towards y.
    density : float
        Square of the distance of sites on it, over the area of a cell.
    sigma : int or None
        As in `Misorientation`.
    """

    mirror: tuple[int, int]
    angle: float
    density: float
    sigma: int | None


def _lines(vectors, bravais):
    """Lattice lines, those with most sites first: list of _Line.

    With t the step along a line, and s one to the next, a site m s + n t has its mirror
    image at a site if 2 m s.t / t.t is whole: Sigma is the least such m.

    Parameters
    ----------
    vectors : (2, 2) numpy.ndarray of float64
        Reduced.
    bravais : str
    """
    conventional = _conventional(vectors, bravais)
    area = abs(np.linalg.det(vectors))
    found = []
    for h in range(LARGEST_INDEX + 1):
        for k in range(-LARGEST_INDEX, LARGEST_INDEX + 1):
            if math.gcd(h, k) != 1 or (h == 0 and k < 0):
                continue
            whole = np.array([k, -h]) @ conventional
            i, j = (whole // math.gcd(*whole.tolist())).tolist()
            along = np.array([i, j]) @ vectors
            density = along @ along / area
            other = np.array(_next(i, j)) @ vectors
            share = float(other @ along / (along @ along))
            sigma = _sigma(share, density, bravais)
            has_ideal_shape = bravais in (SQUARE, HEXAGONAL)
            if sigma is None and (has_ideal_shape or density > MOST_DENSITY):
                continue
            angle = math.degrees(math.atan2(*along))
            mirror = _canonical(h, k, bravais)
            found.append(_Line(mirror, angle, float(density), sigma))
    return sorted(found, key=lambda line: round(line.density, 6))


def _conventional(vectors, bravais):
    """Rows of the conventional cell in reduced vectors: (2, 2) array of int."""
    settings = [rows for kind, rows in CELLS.values() if kind == bravais]
    if bravais == CENTRED:
        # That whose vectors are most nearly at right angles.
        def cosine(rows):
            one, other = np.array(rows) @ vectors
            return abs(one @ other) / np.hypot(*one) / np.hypot(*other)

        settings = [min(settings, key=cosine)]
    return np.array(settings[0])


def _next(i, j):
    """A vector that is a basis with (i, j), coprime: (int, int)."""
    if j == 0:
        return 0, i
    # Of i n - j m = 1, by the inverse of i modulo j.
    n = pow(i, -1, abs(j)) if abs(j) > 1 else 0
    return (i * n - 1) // j, n


def _sigma(share, density, bravais):
    """Sigma of a line, s.t / t.t and t.t over the area of a cell: int or None."""
    shear = ROUNDING if bravais in (SQUARE, HEXAGONAL) else SHEAR
    most = min(MOST_SIGMA, math.sqrt(BY_CHANCE * density / shear))
    for m in range(1, int(most) + 1):
        off = abs(2 * m * share - round(2 * m * share))
        if off * density / m <= shear:
            return m
    return None


def _canonical(h, k, bravais):
    """Indices of the line that stands for all that the symmetry makes of it."""
    if bravais == HEXAGONAL:
        # Of h, k and -h - k the one that is largest is the sum of the others.
        return tuple(sorted(sorted(map(abs, (h, k, h + k)))[:2], reverse=True))
    if bravais == SQUARE:
        return tuple(sorted((abs(h), abs(k)), reverse=True))
    return (h, k) if bravais == "oblique" else (abs(h), abs(k))
