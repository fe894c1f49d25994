# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis.column_crystals import FittedCrystals
from hyperspy_symseg.analysis.column_outliers import column_outliers
from hyperspy_symseg.frames.tile import Tile
from hyperspy_symseg.simulate.imaging import Imaging

SHAPE, THRESHOLD = (200, 236), 5.0
LATTICE = simulate.Lattice.square(12, orientation=20)


def outliers_of(frame, labels, templates):
    tile = replace(Tile.at((0, 0), frame, frame.shape), labels=labels)
    found = column_outliers(templates, tile, labels, THRESHOLD)
    return found[np.abs(found[:, 2]) > THRESHOLD]


class Crystal:
    """A square lattice in which columns have some weights, 0 if they are missing."""

    def __init__(self, dose, weights, seed=0, sign=1):
        rng = np.random.default_rng(seed)
        imaging = Imaging(2.0, None, 0.25, 0.0, 0.02)
        sites, steps, own = imaging.columns(LATTICE, SHAPE, np.array([3.0, 4.0]), rng)
        places = sites + steps
        inner = (places > 12).all(1) & (places < np.subtract(SHAPE, 13)).all(1)
        changed = np.flatnonzero(inner)[:: inner.sum() // len(weights)][: len(weights)]
        own[changed] = weights
        self.changed = places[changed]
        frame = imaging.draw([(places, own)], SHAPE, 0.0)
        self.frame = 900 * (sign < 0) + sign * rng.poisson(dose * frame)
        seg = hs.signals.Signal2D(self.frame).segment_symmetry(
            1, show_progressbar=False
        )
        self.labels, self.templates = seg.data, seg.model.templates

    def outliers(self):
        return outliers_of(self.frame, self.labels, self.templates)


@pytest.fixture(scope="module")
def vacancies():
    return Crystal(1, np.zeros(24))


def test_vacancies_at_one_count(vacancies):
    found = vacancies.outliers()
    distance, nearest = cKDTree(vacancies.changed).query(found[:, :2])
    assert len(set(nearest[distance < 3])) >= 21
    assert np.count_nonzero(distance < 3) >= 0.9 * len(found)
    assert (found[:, 2] < 0).all()


def test_a_vacancy_is_where_none_is_likelier_than_a_column():
    crystal = Crystal(0.5, np.zeros(24))
    tile = Tile.at((0, 0), crystal.frame, SHAPE)
    how = crystal.templates, tile, crystal.labels, "auto"
    fit = FittedCrystals.of(*how).fit
    none = (fit.probabilities < 0.5) & (fit.shares >= 0.6) & (fit.seen > 0.9)
    # Some are not sure.
    assert fit.probabilities[none].max() > 0.25
    distance, _ = cKDTree(crystal.outliers()[:, :2]).query(fit.places[none])
    assert (distance < 1e-6).all()


def test_heavy_and_light_columns():
    crystal = Crystal(30, [1.6, 0.5, 1.6, 0.5])
    found = crystal.outliers()
    assert len(found) == 4
    distance, nearest = cKDTree(crystal.changed).query(found[:, :2])
    assert distance.max() < 1
    assert np.sign(found[np.argsort(nearest), 2]).tolist() == [1, -1, 1, -1]


def test_of_dark_columns_intensity_is_extra_where_one_is_missing():
    crystal = Crystal(10, [0.0, 0.0], sign=-1)
    found = crystal.outliers()
    assert len(found) == 2
    assert (found[:, 2] > 5).all()


def test_an_adatom_is_extra():
    crystal = Crystal(30, [1.0])
    place = crystal.changed[0] + np.sum(LATTICE.vectors, axis=0) / 2
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    column = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / 8)
    frame = crystal.frame + np.random.default_rng(3).poisson(30 * column)
    (found,) = outliers_of(frame, crystal.labels, crystal.templates)
    assert np.hypot(*(found[:2] - place)) < 0.5
    assert found[2] > 10


def test_where_no_column_is_expected_none_is_missing():
    crystal = Crystal(10, [1.0])
    frame, rng = crystal.frame.copy(), np.random.default_rng(1)
    frame[:, 130:] = rng.poisson(2.5, frame[:, 130:].shape)
    found = outliers_of(frame, crystal.labels, crystal.templates)
    assert (found[:, 1] < 145).all()


def test_a_frame_without_a_crystal_has_none():
    templates = Crystal(10, [1.0]).templates
    labels = np.full(SHAPE, -1)
    assert outliers_of(np.ones(SHAPE), labels, templates).shape == (0, 3)
