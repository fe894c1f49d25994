# SPDX-License-Identifier: GPL-3.0-or-later
"""What columns are, from a focal series of HRTEM: sites of MoS2, atoms of a metal."""

import itertools
import math
import warnings
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from scipy.spatial import cKDTree

from hyperspy_symseg.frames.analysis import PointAnalysis
from hyperspy_symseg.frames.threads import one_thread
from hyperspy_symseg.networks.column_gaps import without_spoilt_lines
from hyperspy_symseg.networks.hrtem_network import SIGNED
from hyperspy_symseg.networks.hrtem_sites import (
    CLASSES,
    patches_at,
    site_network,
    warn_of_series,
)

from .camera_offset import warn_of_offset
from .focal_alignment import (
    FARTHEST,
    drifts_farther,
    shift_of,
    shift_of_outlines,
)
from .hrtem_columns import columns_of

POSITION = "y", "x", "y_error", "x_error", "probability"
# Names of the columns of the tables, by material: what the number of the class is
# called, and probabilities of all classes.
KINDS = {"MoS2": "class", "metal": "atoms"}
TABLES = {
    material: (*POSITION, kind, *(f"p_{name}" for name in CLASSES[material]))
    for material, kind in KINDS.items()
}
# Pixels are binned up to this, in angstroms: the network of columns has seen them, and
# the finest that it has seen have too few electrons in a series.
COARSEST = 0.26
# Columns of an image that are as likely as this are looked at.
LEAST = 0.15
# Places that agree differ by no more than this, in pixels after binning.
AGREE = 0.8
# Share of the columns that agree on a shift from which on another is one, too.
NEARLY = 0.7
# Columns of two images that are nearer than this are one, in angstroms.
SAME = 0.8
# Lattice constant of MoS2 in angstroms, how far it may be off, and how many neighbours
# must tell of a site.
LATTICE, STRAINED, TOLD = 3.16, 0.12, 3
# Probability of a column, over all images, for it to be looked at. In thick columns of
# a metal contrast inverts with the defocus, so that not all images have them.
LIKELY = {"MoS2": 0.3, "metal": 0.15}


@dataclass(frozen=True)
class FocalColumns(PointAnalysis):
    """Columns of three images at different defocus, and what they are.

    The columns of the table are ``TABLES[material]``: position (y, x) in the first
    image and its standard errors, the probability that there is a column, its class,
    and the probabilities of all classes. Lengths are in pixels. Of "MoS2" the class is
    0 none, 1 one S, 2 two S, 3 Mo; sites that are none, with three neighbours or more
    of their lattice, are rows, too. Of "metal" it is the number of atoms, the last one
    or more.

    Parameters
    ----------
    material : {"MoS2", "metal"}
    defoci : tuple of float
        Of the images, in angstroms, positive under focus.
    pixel_size : float
        In angstroms.
    probability : float
        Of columns, at least.
    """

    material: str
    defoci: tuple
    pixel_size: float
    probability: float = 0.5
    whole_frames: ClassVar[bool] = True

    @classmethod
    def of(cls, analysis, defoci, voltage):
        """What is asked of single images, of a focal series: FocalColumns.

        A warning says what of the series the network has not seen.

        Parameters
        ----------
        analysis : HrtemColumns
        defoci : tuple of float
            In angstroms.
        voltage : float or None
            In kV, if it is known.

        Raises
        ------
        ValueError
            If the size of pixels is not known.
        """
        if analysis.pixel_size is None:
            raise ValueError(
                "the axes of the images must have a unit of length for a focal series, "
                "got none."
            )
        first, second, third = sorted(defoci)
        told = {"pixel_size": analysis.pixel_size, "first_defocus": first}
        told |= {"step": second - first, "second step": third - second}
        if voltage is not None:
            told["voltage"] = float(voltage)
        warn_of_series(analysis.material, told)
        return cls(
            analysis.material,
            defoci,
            analysis.pixel_size,
            analysis.probability,
        )

    @property
    def names(self):
        """Names of the columns of the table: tuple of str."""
        return TABLES[self.material]

    def process(self, tile):
        """Those of a series: (n, k) numpy.ndarray."""
        names = self.names
        if not tile.valid.any():
            return np.empty((0, len(names)))
        _check_intensities(tile)
        for image in tile.values:
            # Pixels that one image does not have count in none.
            rest = without_spoilt_lines(replace(tile, values=image, mask=~tile.valid))
            tile = replace(tile, mask=~rest.valid)
        images = [np.where(tile.valid, v, np.nan) for v in tile.values]
        images = np.array(images, float)
        warn_of_offset(images)
        with one_thread:
            looks = [self._looks(image, tile.valid) for image in tile.values]
            shifts, found = self._aligned(looks, images)
            columns = merged(found, shifts, SAME / self.pixel_size)
            columns = columns[columns[:, 4] >= LIKELY[self.material]]
            features = self._features(columns, images, shifts)
            rows = self._told(columns, features)
            # A network that sees a lattice around a vacancy may fill it in.
            is_one = rows[:, 5] > 0
            columns, features = columns[is_one], features[is_one]
            if self.material == "MoS2":
                missed = missing_sites(columns, self.pixel_size)
                columns = np.concatenate([columns, missed])
                more = self._features(missed, images, shifts)
                features = np.concatenate([features, more])
            rows = self._told(columns, features)
            if self.material != "MoS2":
                rows = rows[rows[:, 5] > 0]
        rows = rows[(rows[:, 4] >= self.probability) | (rows[:, 5] == 0)]
        rows[:, :2] += shifts[0]
        end = np.subtract(tile.shape, 0.5)
        rows = rows[((rows[:, :2] >= -0.5) & (rows[:, :2] < end)).all(axis=1)]
        return rows[np.lexsort(rows.T[1::-1])]

    def _aligned(self, looks, images):
        """By how much images are moved, and columns of each.

        Against the image nearest to focus, where columns of a metal are dark. In others
        they may be dark or bright: those are taken of which more agree on a shift. If
        nearly as many agree on another shift, that is taken which makes the network the
        surest of the columns.

        Returns
        -------
        shifts : (images, 2) numpy.ndarray
        found : list of (n, 5) numpy.ndarray
        """
        nearest = int(np.argmin(self.defoci))
        first = looks[nearest][0]
        agree = AGREE * self._binning
        options = []
        for i, own in enumerate(looks):
            if i == nearest:
                options.append([(np.zeros(2), first)])
                continue
            near = shift_of_outlines(images[nearest], images[i], self.pixel_size)
            is_known = near is not None
            near = near if is_known else (np.zeros(2), FARTHEST)
            # Of a metal, what is between its columns looks like them farther away.
            if len(own) > 1:
                is_far, how = not is_known and len(first), "may"
            else:
                is_far, how = drifts_farther(first, own[0], agree, *near), "seems to"
            if is_far:
                warnings.warn(
                    f"Image {i} of the focal series {how} be moved by more than "
                    f"{FARTHEST:g} pixels, which is not seen, so that its columns are "
                    "not found in the others: align the images before.",
                    stacklevel=2,
                )
            found = [(*shift_of(first, look, agree, *near), look) for look in own]
            most = max(count for _, count, _ in found)
            options.append([(s, look) for s, n, look in found if n >= NEARLY * most])
        ways = list(itertools.product(*options))

        def sure(way):
            shifts = np.array([shift for shift, _ in way])
            told = self._told(first, self._features(first, images, shifts))
            return np.log(told[:, 7:].max(axis=1)).mean()

        best = max(ways, key=sure) if len(ways) > 1 and len(first) else ways[0]
        return np.array([shift for shift, _ in best]), [look for _, look in best]

    def _features(self, columns, images, shifts):
        """What the network makes of each of the columns (n, 5): (n, features) array."""
        # The network has seen defoci that go up.
        order = np.argsort(self.defoci, kind="stable")
        places = columns[:, np.newaxis, :2] + shifts[order]
        patches = patches_at(images[order], places, self.pixel_size)
        defoci = np.array(self.defoci)[order]
        return site_network(self.material).features(patches, defoci)

    def _told(self, columns, features):
        """What columns (n, 5) are, as rows of the table: (n, k) numpy.ndarray."""
        places = columns[:, :2] * self.pixel_size
        shares = site_network(self.material).probabilities(features, places)
        likely = 1 - shares[:, 0]
        return np.column_stack([columns[:, :4], likely, shares.argmax(axis=1), shares])

    @property
    def _binning(self):
        """Pixels along each side that become one: int."""
        return max(1, int(COARSEST / self.pixel_size + 1e-9))

    def _looks(self, values, valid):
        """Columns of an image, one array (n, 5) for each way to look: list.

        The first is what is taken: under focus, columns of a metal are dark at first.
        """
        ways = ("dark", "bright") if self.material in SIGNED else ("auto",)
        how = self._binning, self.pixel_size
        found = (columns_of(self.material, values, valid, way, *how) for way in ways)
        return [own[own[:, 4] >= LEAST] for own in found]


def _check_intensities(tile):
    """Raise an error if contrast, which is over the mean, has no meaning."""
    for i, image in enumerate(tile.values):
        used = image[tile.valid].astype(float)
        if not used.mean() > 0:
            raise ValueError(
                "images of a focal series must be intensities, which are 0 without "
                f"electrons and above 0 on average, got a mean of {used.mean():.3g} in "
                f"image {i}."
            )


def merged(found, shifts, distance):
    """Columns of several images as one, where these are in the first.

    Parameters
    ----------
    found : list of (n, 5) numpy.ndarray
        Positions, their errors and probabilities, of each image.
    shifts : (images, 2) numpy.ndarray
    distance : float
        Columns that are nearer are one, in pixels.

    Returns
    -------
    (n, 5) numpy.ndarray
        Means by the errors; the probability is the mean of all images, 0 where an image
        has none.
    """
    rows = np.concatenate(found)
    rows[:, :2] -= np.repeat(shifts, [len(each) for each in found], axis=0)
    rows = rows[np.argsort(-rows[:, 4], kind="stable")]
    tree, taken, merged = cKDTree(rows[:, :2]), np.zeros(len(rows), bool), []
    for i, row in enumerate(rows):
        if taken[i]:
            continue
        own = [j for j in tree.query_ball_point(row[:2], distance) if not taken[j]]
        taken[own] = True
        weights = 1 / rows[own, 2:4] ** 2
        place = (weights * rows[own, :2]).sum(axis=0) / weights.sum(axis=0)
        probability = min(rows[own, 4].sum() / len(found), 1.0)
        merged.append([*place, *weights.sum(axis=0) ** -0.5, probability])
    return np.array(merged).reshape(-1, 5)


def missing_sites(columns, pixel_size):
    """Sites of the lattice of MoS2 without a column: (n, 5) numpy.ndarray.

    Where a step of the lattice leads to from three columns or more. Their probability
    is 0, and their errors are those of the columns.
    """
    constant = LATTICE / pixel_size
    empty = np.empty((0, 5))
    if len(columns) < TOLD:
        return empty
    places = columns[:, :2]
    tree = cKDTree(places)
    pairs = tree.query_pairs(constant * (1 + STRAINED), output_type="ndarray")
    steps = places[pairs[:, 1]] - places[pairs[:, 0]]
    steps = steps[np.hypot(*steps.T) > constant * (1 - STRAINED)]
    if not len(steps):
        return empty
    # The lattice is hexagonal: its steps are alike six times a turn.
    angle = np.angle(np.exp(6j * np.arctan2(*steps.T)).mean()) / 6
    length = np.hypot(*steps.T).mean()
    ways = angle + np.arange(6) * math.pi / 3
    steps = length * np.column_stack([np.sin(ways), np.cos(ways)])
    told = (places[:, np.newaxis] + steps).reshape(-1, 2)
    distance = SAME / pixel_size
    told = told[tree.query(told)[0] > distance]
    if not len(told):
        return empty
    agreeing = cKDTree(told).query_ball_point(told, distance)
    found, taken = [], np.zeros(len(told), bool)
    for own in sorted(agreeing, key=len, reverse=True):
        own = [i for i in own if not taken[i]]
        if len(own) >= TOLD:
            taken[own] = True
            found.append(told[own].mean(axis=0))
    errors = np.median(columns[:, 2:4], axis=0)
    return np.array([[*place, *errors, 0.0] for place in found]).reshape(-1, 5)
