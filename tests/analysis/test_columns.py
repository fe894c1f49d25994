# SPDX-License-Identifier: GPL-3.0-or-later
from dataclasses import replace

import hyperspy.api as hs
import numpy as np
import pytest
from scipy.spatial import cKDTree

from hyperspy_symseg import simulate
from hyperspy_symseg.analysis.column_candidates import _beside_others
from hyperspy_symseg.analysis.column_crystals import FittedCrystals
from hyperspy_symseg.analysis.columns import NAMES, AtomicColumns
from hyperspy_symseg.frames.run import run
from hyperspy_symseg.frames.tile import Tile
from hyperspy_symseg.simulate.imaging import Imaging
from hyperspy_symseg.templates import Templates

SHAPE = 180, 216
LATTICES = {
    "square": simulate.Lattice.square(12, orientation=20),
    "honeycomb": simulate.Lattice.hexagonal(
        17, orientation=5, motif=[(1 / 3, 2 / 3, 1), (2 / 3, 1 / 3, 0.5)]
    ),
    "faint": simulate.Lattice.square(
        15.6, orientation=20, motif=[(0.0, 0.0, 1), (0.5, 0.5, 0.03)]
    ),
    "faint, 4.6 widths from others": simulate.Lattice.square(
        13, orientation=20, motif=[(0.0, 0.0, 1), (0.5, 0.5, 0.03)]
    ),
    "faint, 4 widths from others": simulate.Lattice.square(
        11.3, orientation=20, motif=[(0.0, 0.0, 1), (0.5, 0.5, 0.03)]
    ),
    "dumbbells": simulate.Lattice.rectangular(
        20, 14, orientation=30, motif=[(0.0, 0.0, 1), (0.36, 0.0, 1)]
    ),
}


class Crystal:
    """A frame of a lattice, what is true of it, and its labels and templates."""

    def __init__(self, name, dose, shape=SHAPE, seed=0, vacancies=0, sign=1):
        rng = np.random.default_rng(seed)
        imaging = Imaging(2.0, None, 0.25, 0.0, 0.02)
        origin = np.array([3.0, 4.0])
        sites, steps, weights = imaging.columns(LATTICES[name], shape, origin, rng)
        places = sites + steps
        inner = ((places > 12) & (places < np.subtract(shape, 13))).all(axis=1)
        missing = np.flatnonzero(inner)[:: max(inner.sum() // max(vacancies, 1), 1)]
        missing = missing[:vacancies]
        self.vacancies = places[missing]
        self.places, self.weights = (
            np.delete(each, missing, axis=0) for each in (places, weights)
        )
        self.sharp = imaging.draw([(self.places, self.weights)], shape, 0.0)
        self.frame = 60 * (sign < 0) + sign * rng.poisson(dose * self.sharp)
        inside = ((self.places > 0) & (self.places < np.subtract(shape, 1))).all(axis=1)
        self.places, self.weights = self.places[inside], self.weights[inside]
        seg = hs.signals.Signal2D(self.frame).segment_symmetry(
            1, show_progressbar=False
        )
        self.labels, self.templates = seg.data, seg.model.templates

    def columns(self, frame=None, labels=None, contrast="auto"):
        frame = self.frame if frame is None else frame
        labels = self.labels if labels is None else labels
        tile = replace(Tile.at((0, 0), frame, frame.shape), labels=labels)
        analysis = AtomicColumns(self.templates, "crystal", contrast, 0.0)
        return table(analysis.process(tile))


def table(rows):
    return dict(zip(NAMES, rows.T, strict=True))


def matched(found, places):
    """Rows of probable columns by the true places, and distances of these."""
    sure = np.flatnonzero(found["probability"] >= 0.5)
    tree = cKDTree(np.column_stack([found["y"], found["x"]])[sure])
    distance, index = tree.query(places)
    return sure[index], distance


@pytest.fixture(scope="module")
def square():
    return Crystal("square", 10)


@pytest.fixture(scope="module")
def honeycomb():
    return Crystal("honeycomb", 30, vacancies=8)


@pytest.fixture(scope="module")
def dumbbells():
    return Crystal("dumbbells", 100)


def test_sites_of_a_kind_of_few_columns_are_less_certain():
    crystal = Crystal("square", 0.5, (120, 144))
    tile = Tile.at((0, 0), crystal.frame, crystal.frame.shape)
    fit = FittedCrystals.of(crystal.templates, tile, crystal.labels, "bright").fit
    sites, few = fit.sites, np.arange(len(fit.positions)) % 16 == 0
    of_kinds = {
        name: np.repeat(getattr(sites, name), 2)
        for name in ("heights", "spacings", "crystals", "windows", "own")
    }
    sites = sites._replace(kinds=few.astype(int), **of_kinds)
    errors = replace(fit, sites=sites).run().table()["y_error"]
    seen = fit.seen > 0.9
    assert np.median(errors[few & seen]) > 1.15 * np.median(errors[~few & seen])


def test_a_site_does_not_follow_its_own_column():
    """In a bent crystal, whose displacement is that of a narrow window."""
    rng, shape = np.random.default_rng(0), (180, 216)
    imaging = Imaging(2.0, None, 0.25, 0.0, 0.0)
    places, _, weights = imaging.columns(LATTICES["square"], shape, (3.0, 4.0), rng)
    places = places + 1.5 * np.sin(2 * np.pi * places[:, ::-1] / 140)
    middle = np.hypot(*(places - (90, 108)).T).argmin()
    noise, found = rng.normal(0, 3, shape), []
    for step in (0.0, 2.0):
        moved = places.copy()
        moved[middle, 0] += step
        frame = 10 * imaging.draw([(moved, weights)], shape, 0.0) + noise
        if not step:
            seg = hs.signals.Signal2D(frame).segment_symmetry(1, show_progressbar=False)
        tile = Tile.at((0, 0), frame, shape)
        fit = FittedCrystals.of(seg.model.templates, tile, seg.data, "bright").fit
        own = np.hypot(*(fit.places - places[middle]).T).argmin()
        found.append((fit.sites.places[own, 0], fit.places[own, 0]))
    assert fit.sites.windows[0] < 4
    of_field, of_fit = np.diff(found, axis=0)[0]
    assert of_field > 0.04
    assert abs(of_fit) < 0.4 * of_field


@pytest.mark.parametrize("name", ["square", "honeycomb", "dumbbells"])
def test_every_column_is_found_once(name, request):
    crystal = request.getfixturevalue(name)
    rows, distance = matched(crystal.columns(), crystal.places)
    inner = ((crystal.places > 3) & (crystal.places < np.subtract(SHAPE, 4))).all(1)
    assert distance[inner].max() < 2
    assert len(set(rows[inner])) == np.count_nonzero(inner)


def test_positions_are_better_than_those_of_single_columns(square):
    found = square.columns()
    _, distance = matched(found, square.places)
    inner = ((square.places > 3) & (square.places < np.subtract(SHAPE, 4))).all(1)
    # The Cramer-Rao limit of a column by itself is 0.198 px an axis.
    assert np.sqrt((distance[inner] ** 2).mean() / 2) < 0.175


def test_standard_errors(dumbbells):
    found = dumbbells.columns()
    rows, _ = matched(found, dumbbells.places)
    for i, axis in enumerate("yx"):
        off = found[axis][rows] - dumbbells.places[:, i]
        z = off / found[f"{axis}_error"][rows]
        assert 0.85 < np.sqrt(np.mean(z**2)) < 1.2


def test_sites_that_fewer_columns_tell_of_are_less_certain():
    crystal = Crystal("square", 0.5, (120, 144))
    tile = Tile.at((0, 0), crystal.frame, crystal.frame.shape)
    how = crystal.templates, tile, crystal.labels, "bright"
    fit = FittedCrystals.of(*how).fit
    assert fit.sites.windows == pytest.approx([np.hypot(5, 1.5)])
    narrow = replace(fit, sites=fit.sites._replace(windows=np.array([1.0])))
    errors, larger = (each.run().table()["y_error"] for each in (fit, narrow))
    inside = fit.seen > 0.9
    assert np.median(larger[inside]) > 1.2 * np.median(errors[inside])


def test_vacancies_stay_empty(honeycomb):
    found = honeycomb.columns()
    _, distance = matched(found, honeycomb.vacancies)
    assert distance.min() > 4
    # They are known to be sites.
    tree = cKDTree(np.column_stack([found["y"], found["x"]]))
    distance, index = tree.query(honeycomb.vacancies)
    assert distance.max() < 2
    assert found["probability"][index].max() < 0.01


def test_intensities_are_sums_above_the_background(honeycomb):
    found = honeycomb.columns()
    rows, _ = matched(found, honeycomb.places)
    inner = (honeycomb.places > 8) & (honeycomb.places < np.subtract(SHAPE, 9))
    inner = inner.all(axis=1)
    true = 30 * honeycomb.weights * 2 * np.pi * 2.0**2
    z = (found["intensity"][rows] - true) / found["intensity_error"][rows]
    assert 0.8 < np.sqrt(np.mean(z[inner] ** 2)) < 1.3
    assert abs(np.mean(z[inner])) < 0.4
    np.testing.assert_allclose(found["width"], 2, atol=0.1)


def test_heavy_and_light_columns_are_sites_of_their_own(honeycomb):
    found = honeycomb.columns()
    rows, _ = matched(found, honeycomb.places)
    sites = found["site"][rows]
    assert set(sites[honeycomb.weights == 1]) == {0}
    assert set(sites[honeycomb.weights < 1]) == {1}


def test_columns_beside_the_sites(square):
    # In the middle of a cell, where no column is displaced to.
    inner = np.argwhere(np.hypot(*(square.places - (90, 100)).T) < 10)[0, 0]
    place = square.places[inner] + np.sum(LATTICES["square"].vectors, axis=0) / 2
    y, x = np.ogrid[: SHAPE[0], : SHAPE[1]]
    column = np.exp(-((y - place[0]) ** 2 + (x - place[1]) ** 2) / 8)
    more = np.random.default_rng(3).poisson(8 * column)
    found = square.columns(square.frame + more)
    [extra] = np.flatnonzero((found["site"] == -1) & (found["probability"] >= 0.5))
    assert np.hypot(found["y"][extra] - place[0], found["x"][extra] - place[1]) < 1
    z = (found["intensity"][extra] - more.sum()) / found["intensity_error"][extra]
    assert abs(z) < 3
    assert found["pattern"][extra] == 0


def test_no_columns_beside_the_sites_of_a_perfect_crystal(dumbbells):
    found = dumbbells.columns()
    assert not ((found["site"] == -1) & (found["probability"] >= 0.5)).any()


@pytest.mark.parametrize("name", [name for name in LATTICES if "faint" in name])
def test_columns_of_three_percent_between_bright_ones(name):
    crystal = Crystal(name, 1000 if name == "faint" else 30000)
    _, distance = matched(crystal.columns(), crystal.places)
    faint = (crystal.weights < 0.1) & (crystal.places > 3).all(axis=1)
    faint &= (crystal.places < np.subtract(SHAPE, 4)).all(axis=1)
    assert np.mean(distance[faint] < 3) > 0.97


@pytest.fixture(scope="module")
def particle():
    """Counts of a particle that is thin at its rim; its columns, weights, labels."""
    rng = np.random.default_rng(4)
    imaging = Imaging(2.0, None, 0.25, 0.0, 0.02)
    lattice = simulate.Lattice.hexagonal(12, orientation=10)
    sites, steps, _ = imaging.columns(lattice, SHAPE, np.zeros(2), rng)
    away = np.hypot(*(sites - (88, 110)).T) / 75
    places, away = (sites + steps)[away < 1], away[away < 1]
    weights = 0.03 + 0.97 * (1 - away)
    frame = rng.poisson(1000 * imaging.draw([(places, weights)], SHAPE, 0.0))
    signal = hs.signals.Signal2D(frame)
    return signal, places, weights, signal.segment_symmetry(2, show_progressbar=False)


def test_columns_of_three_percent_at_a_rim(particle):
    signal, places, weights, seg = particle
    columns = signal.find_atomic_columns(seg, method="crystal", show_progressbar=False)
    distance, _ = cKDTree(columns.data[0][:, :2]).query(places)
    assert (distance[weights < 0.05] < 3).all()
    # One of noise, with a probability of one half, may be among them.
    assert len(places) <= len(columns.data[0]) <= len(places) + 1


def test_a_bright_particle_is_fitted_down_to_its_noise(particle):
    signal, _, _, seg = particle
    tile = Tile.at((0, 0), signal.data, SHAPE)
    fit = FittedCrystals.of(seg.model.templates, tile, seg.data, "auto").fit
    assert fit.overdispersion < 1.1
    unit = fit.canvas.unit
    np.testing.assert_allclose(fit.noise.slope * unit, 1.0, atol=0.1)


def test_a_column_far_from_its_site_is_where_its_pixels_have_it_beside_a_crystal():
    crystal = Crystal("square", 3)
    places = crystal.places.copy()
    middle = np.hypot(*(places - (90, 108)).T).argmin()
    places[middle] += (3.6, -1.6)
    imaging = Imaging(2.0, None, 0.25, 0.0, 0.02)
    sharp = imaging.draw([(places, crystal.weights)], SHAPE, 0.0)
    frame = np.random.default_rng(2).poisson(3 * sharp)
    tile = Tile.at((0, 0), frame, SHAPE)
    fit = FittedCrystals.of(crystal.templates, tile, crystal.labels, "bright").fit
    assert not fit.sites.beside_others.any()
    beside = fit.sites._replace(beside_others=np.ones(len(fit.positions), bool))
    own = np.hypot(*(fit.sites.places - crystal.places[middle]).T).argmin()
    distance = np.hypot(*(fit.positions[own] - places[middle]))
    fit = replace(fit, sites=beside).run()
    assert np.hypot(*(fit.positions[own] - places[middle])) < 1.1 < distance
    # An error of a single column, and not that of one at a site.
    errors = fit.table()["y_error"]
    assert errors[own] > 1.3 * np.median(errors)


def test_columns_that_may_be_of_another_crystal_are_less_certain():
    crystal = Crystal("square", 0.5, (120, 144))
    tile = Tile.at((0, 0), crystal.frame, crystal.frame.shape)
    fit = FittedCrystals.of(crystal.templates, tile, crystal.labels, "bright").fit
    beside = fit.sites._replace(beside_others=np.ones(len(fit.positions), bool))
    alone, less = (
        each.table()["y_error"] for each in (fit, replace(fit, sites=beside).run())
    )
    # One of twenty, which scatters by ten times as much.
    assert 1.15 < np.sqrt(np.mean(less**2) / np.mean(alone**2)) < 2.5


def test_sites_of_two_crystals_are_beside_each_other_where_they_meet():
    places = np.array([[5.0, 5], [5, 15], [5, 25], [5, 37]])
    found = _beside_others(places, np.array([0, 0, 1, 1]), np.full(4, 11.0))
    np.testing.assert_array_equal(found, [False, True, True, False])
    assert not _beside_others(places, np.zeros(4, int), np.full(4, 99.0)).any()


@pytest.mark.parametrize("seed", range(3))
def test_dark_columns(seed):
    bright, dark = (
        Crystal("square", 10, seed=seed, sign=sign).columns() for sign in (1, -1)
    )
    for name in ("y", "x"):
        off = np.abs(dark[name] - bright[name])
        # A pixel at the end of a column's reach may count in one of the two alone.
        assert np.median(off) < 1e-3
        assert off.max() < 0.01
    np.testing.assert_allclose(dark["intensity"], -bright["intensity"], rtol=0.02)


def test_contrast_that_is_told(square):
    # Between the columns of a square lattice there is one place a cell, too.
    found = square.columns(contrast="dark")
    _, distance = matched(found, square.places)
    assert np.median(distance) > 4


def test_nothing_in_pixels_without_a_label(square):
    labels = square.labels.copy()
    labels[:, 100:] = -1
    found = square.columns(labels=labels)
    assert found["x"].max() < 101
    assert len(found["x"]) > 100


@pytest.mark.parametrize("axis", [0, 1])
def test_dead_lines_of_pixels_take_no_column_and_no_precision(square, axis):
    labels = square.labels.copy()
    np.moveaxis(labels, axis, 0)[5::20] = -1
    found = square.columns(labels=labels)
    rows, distance = matched(found, square.places)
    inner = ((square.places > 3) & (square.places < np.subtract(SHAPE, 4))).all(1)
    assert np.mean(distance[inner] < 2) > 0.99
    near = distance < 2
    for i, name in enumerate("yx"):
        off = (found[name][rows] - square.places[:, i])[near]
        z = off / found[f"{name}_error"][rows][near]
        assert 0.85 < np.sqrt((z**2).mean()) < 1.15


def test_vacuum_stays_empty():
    crystal = Crystal("square", 10)
    frame = crystal.frame.copy()
    rng = np.random.default_rng(1)
    frame[:, 120:] = rng.poisson(2.5, frame[:, 120:].shape)
    found = crystal.columns(frame)
    assert found["x"][found["probability"] >= 0.5].max() < 124


def test_gain_and_offset_change_nothing_but_intensities(square):
    found = square.columns()
    for gain, offset in ((3.0, 100.0), (1e-20, 0.0)):
        other = square.columns(gain * square.frame + offset)
        np.testing.assert_allclose(other["y"], found["y"], atol=1e-3)
        np.testing.assert_allclose(other["y_error"], found["y_error"], rtol=1e-3)
        intensity = gain * found["intensity"]
        np.testing.assert_allclose(other["intensity"], intensity, rtol=1e-3)


def test_rows_are_in_the_order_of_y_and_as_probable_as_asked(square):
    [rows] = run(AtomicColumns(square.templates), square.frame, square.labels)
    found = table(rows)
    assert (np.diff(found["y"]) >= 0).all()
    assert found["probability"].min() >= 0.5
    assert found["y"].min() >= -0.5
    assert found["x"].max() < SHAPE[1] - 0.5


def test_templates_without_a_lattice_are_an_error():
    stripes = Templates(12.0, 1, [0], [[0, 1 / 12]], [1.0], 1.0)
    with pytest.raises(ValueError, match="templates must have a pattern with a latt"):
        AtomicColumns(stripes, "crystal")
