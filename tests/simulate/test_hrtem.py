# SPDX-License-Identifier: GPL-3.0-or-later
"""Tests of simulated HRTEM."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy import fft
from scipy.spatial import cKDTree

from hyperspy_symseg.simulate import hrtem
from hyperspy_symseg.simulate.hrtem.scattering import (
    phase_of_potential,
    scattering_factor,
    wavelength,
)

FOLDER = Path(__file__).parent
SIZE = 30.0, 24.0
# Without details that are finer than the columns.
BLURRED = {"focal_spread": 20, "vibration": 0.3, "mtf": 0.5}
# Voltage in kV and pixels in angstroms of the images that waves are compared in.
MEASURED = 200, 0.1


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("abtem", FOLDER / "hrtem_abtem.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def own_wave(reference, name):
    """The package's wave where abTEM has it: half a slice on, and half a slice more."""
    places, elements, voltage, thickness = reference.specimens()[name]
    wave = hrtem.exit_wave(
        hrtem.Specimen(places, elements),
        voltage,
        reference.SHAPE,
        reference.PIXEL,
        slice_thickness=thickness,
        displacement=reference.MOTION,
    )
    ky, kx = (fft.fftfreq(n, reference.PIXEL) for n in reference.SHAPE)
    phase = np.pi * wavelength(voltage) * thickness * (ky[:, None] ** 2 + kx**2)
    return fft.ifft2(fft.fft2(wave) * np.exp(-1j * phase))


def off(wave, expected, voltage, pixel):
    """How far amplitudes are off, as a root mean square; and contrasts of images."""
    away = np.abs(wave) - np.abs(expected)
    microscope = hrtem.Microscope(voltage)
    own, other = (microscope.image(w, pixel).std() for w in (wave, expected))
    return np.sqrt(np.mean(away**2)), abs(own / other - 1)


@pytest.mark.parametrize("name", ["sheet", "gold"])
def test_waves_are_those_of_abtem(reference, name):
    with np.load(FOLDER / "hrtem_abtem.npz") as file:
        real, imaginary = file[name].astype(float)
    expected = real + 1j * imaginary
    rms, contrast = off(own_wave(reference, name), expected, *MEASURED)
    assert rms < 0.005
    assert contrast < 0.02


@pytest.mark.parametrize("name", ["sheet", "gold"])
def test_waves_are_those_of_abtem_where_it_is_installed(reference, name):
    pytest.importorskip("abtem")
    expected = reference.waves()[name]
    rms, contrast = off(own_wave(reference, name), expected, *MEASURED)
    assert rms < 0.005
    assert contrast < 0.02


def test_constants_of_electrons():
    # Kirkland, table 5.1 and appendix: 0.0251 A and 0.000729 rad / (V A) at 200 kV.
    assert wavelength(200) == pytest.approx(0.02508, abs=1e-5)
    assert phase_of_potential(200) == pytest.approx(7.288e-4, abs=1e-7)


def test_heavier_atoms_scatter_more():
    factors = [scattering_factor(e, 0.25) for e in ("C", "S", "Mo", "Au")]
    assert (np.diff(factors) > 0).all()


def test_a_weak_atom_is_as_in_the_linear_theory():
    """Contrast 2 s V(k) sin(pi L f k^2) of one C, 60 A under focus."""
    pixel, shape = 0.2, (120, 150)
    one = hrtem.Specimen([[12, 15, 0]], ["C"])
    microscope = hrtem.Microscope(80, 60, focal_spread=0, vibration=0, mtf=1)
    wave = hrtem.exit_wave(one, 80, shape, pixel)
    found = fft.fft2(microscope.image(wave, pixel) - 1)
    ky, kx = (fft.fftfreq(n, pixel) for n in shape)
    k2 = ky[:, None] ** 2 + kx**2
    factor = 47.878 * scattering_factor("C", k2) * np.exp(-2 * (np.pi * 0.08) ** 2 * k2)
    expected = -2 * phase_of_potential(80) * factor / pixel**2
    expected *= np.sin(np.pi * wavelength(80) * 60 * k2)
    at = np.exp(-2j * np.pi * (ky[:, None] * 12 + kx * 15))
    low = k2 < 0.5
    np.testing.assert_allclose(
        (found / at).real[low], expected[low], atol=0.06 * np.abs(expected).max()
    )


def test_electrons_are_neither_lost_nor_made():
    gold = hrtem.particle(SIZE, radius=6.0, seed=1)
    wave = hrtem.exit_wave(gold, 300, (150, 120), 0.2)
    assert np.mean(np.abs(wave) ** 2) == pytest.approx(1, abs=0.02)


def test_atoms_are_dark_under_focus_and_bright_over_focus():
    sheet = hrtem.graphene(SIZE, seed=2)
    for defocus, sign in ((60, -1), (-60, 1)):
        microscope = hrtem.Microscope(80, defocus, **BLURRED)
        s, columns = hrtem.frame(sheet, microscope, (150, 120), 0.2)
        at = np.rint(columns.positions).astype(int)
        at = at[(at < (150, 120)).all(axis=1)]
        assert sign * (s.data[tuple(at.T)].mean() - s.data.mean()) > 0.005


def test_graphene_has_its_spacing_and_density():
    sheet = hrtem.graphene(SIZE, seed=3)
    away, _ = cKDTree(sheet.positions).query(sheet.positions, k=2)
    np.testing.assert_allclose(away[:, 1].min(), 2.46 / np.sqrt(3), atol=1e-6)
    inside = sheet.true_columns((300, 240), 0.1).positions
    expected = 2 / (2.46**2 * np.sqrt(3) / 2) * SIZE[0] * SIZE[1]
    assert len(inside) == pytest.approx(expected, rel=0.03)


def test_mos2_has_columns_of_one_and_two_atoms_and_places_without():
    columns = hrtem.mos2(SIZE, vacancies=0.4, seed=3).true_columns((300, 240), 0.1)
    assert set(columns.counts[columns.elements == "Mo"]) == {1}
    sulphur = columns.counts[columns.elements == "S"]
    shares = np.bincount(sulphur, minlength=3) / len(sulphur)
    np.testing.assert_allclose(shares, [0.2, 0.2, 0.6], atol=0.09)
    assert len(columns.occupied) == np.count_nonzero(columns.counts)


def test_vacuum_is_a_share_of_the_sheet():
    whole, half = (
        len(hrtem.graphene(SIZE, vacuum=v, seed=4).true_columns((300, 240), 0.1).counts)
        for v in (0, 0.5)
    )
    assert half == pytest.approx(0.5 * whole, rel=0.05)


def test_holes_take_atoms_away():
    whole, holed = (len(hrtem.graphene(SIZE, holes=n, seed=4).elements) for n in (0, 2))
    assert holed < whole - 20


def test_columns_of_a_particle_are_straight():
    gold = hrtem.particle((40.0, 40.0), zone="110", radius=9.0, seed=5)
    for number in range(0, gold.n_columns, 7):
        own = gold.positions[gold.columns == number]
        assert np.ptp(own[:, :2], axis=0).max() < 1e-6
        np.testing.assert_allclose(np.diff(np.sort(own[:, 2])), 4.08 / np.sqrt(2))


@pytest.mark.parametrize(
    ("zone", "spacing"), [("100", 2.04), ("110", 2.4986), ("111", 1.6657)]
)
def test_zones_have_their_spacing(zone, spacing):
    gold = hrtem.particle((40.0, 40.0), zone=zone, radius=9.0, seed=5)
    places = gold.true_columns((400, 400), 0.1).positions
    away, _ = cKDTree(places).query(places, k=2)
    assert np.median(away[:, 1]) / 10 == pytest.approx(spacing, abs=0.01)


def test_a_tilt_shears_a_column():
    column = hrtem.Specimen([[5, 6, 0], [5, 6, 10]], ["Au", "Au"], [0, 0])
    places = column.tilted(20, direction=90).positions
    np.testing.assert_allclose(np.diff(places, axis=0), [[0.2, 0, 10]], atol=3e-3)


def test_carbon_is_behind_and_no_column():
    gold = hrtem.particle(SIZE, radius=5.0)
    both = gold.on_carbon(12, SIZE, seed=1)
    film = both.positions[both.columns < 0]
    assert film[:, 2].min() > gold.positions[:, 2].max()
    assert both.n_columns == gold.n_columns
    assert len(film) == pytest.approx(0.1 * 12 * 70 * 64, rel=0.06)


def test_images_of_a_series_drift():
    gold = hrtem.particle(SIZE, radius=6.0, seed=1).on_carbon(10, SIZE)
    microscope = hrtem.Microscope(300, **BLURRED)
    series, _ = hrtem.focal_series(
        gold, microscope, (150, 120), 0.2, [60, 60.1, 60.2], drift=3, seed=2
    )
    shifts = series.metadata.Simulation.shifts
    assert np.abs(shifts).max() > 1
    np.testing.assert_array_equal(shifts[0], 0)
    spectra = fft.fft2(series.data[:, 10:-10, 10:-10])
    ky, kx = (fft.fftfreq(n) for n in spectra.shape[1:])
    low = np.hypot(ky[:, None], kx) < 0.02
    for spectrum, shift in zip(spectra[1:], shifts[1:], strict=True):
        expected = -2 * np.pi * (ky[:, None] * shift[0] + kx * shift[1])
        phase = np.angle(spectrum / spectra[0])
        assert np.abs(phase - expected)[low].max() < 0.25


def test_defoci_are_an_axis():
    sheet = hrtem.graphene((12.0, 10.0))
    for defoci, even in (([-20, 20, 60], True), ([-20, 0, 70], False)):
        s, _ = hrtem.focal_series(sheet, hrtem.Microscope(80), (60, 50), 0.2, defoci)
        axis = s.axes_manager["defocus"]
        np.testing.assert_allclose(axis.axis, defoci)
        assert axis.is_uniform is even
    assert s.metadata.Acquisition_instrument.TEM.beam_energy == 80


def test_counts_have_the_dose_and_come_from_the_seed():
    sheet = hrtem.graphene((12.0, 10.0))
    one, again, other = (
        hrtem.frame(sheet, hrtem.Microscope(80), (60, 50), 0.2, dose=40, seed=n)[0].data
        for n in (1, 1, 2)
    )
    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert one.mean() == pytest.approx(40, rel=0.02)


def test_astigmatism_is_a_defocus_that_turns():
    with_it = hrtem.Microscope(80, 60, astigmatism=20, astigmatism_angle=30)
    for angle, defocus in ((30, 40), (120, 80)):
        k = 0.6
        way = k * np.sin(np.radians(angle)), k * np.cos(np.radians(angle))
        expected = hrtem.Microscope(80, defocus).transfer(*map(np.array, way))
        found = with_it.transfer(*map(np.array, way))
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_modulation_at_the_nyquist_frequency():
    rng = np.random.default_rng(0)
    wave = np.sqrt(1 + 0.1 * rng.normal(size=(60, 64))).astype(np.complex64)
    sharp, soft = (
        fft.fft2(
            hrtem.Microscope(80, 0, focal_spread=0, vibration=0, mtf=m).image(wave, 0.2)
        )
        for m in (1, 0.4)
    )
    np.testing.assert_allclose(soft[0, 32] / sharp[0, 32], 0.4, rtol=1e-3)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: hrtem.Specimen([[0, 0, 0]], ["Xx"]), "elements"),
        (lambda: hrtem.Specimen([[0, 0, 0]], ["C"], [-2]), "columns"),
        (lambda: hrtem.Microscope(5), "voltage"),
        (lambda: hrtem.Microscope(mtf=0), "mtf"),
        (lambda: hrtem.graphene(SIZE, vacancies=2), "vacancies"),
        (lambda: hrtem.graphene(SIZE, holes=-1), "holes"),
        (
            lambda: hrtem.crystal_sheet([[1, 0], [2, 0]], [(0, 0, 0, "C")], SIZE),
            "vectors",
        ),
        (lambda: hrtem.crystal_sheet([[3, 0], [0, 3]], [(0, 0, "C")], SIZE), "atoms"),
        (lambda: hrtem.particle(SIZE, zone="112"), "zone"),
        (lambda: hrtem.particle(SIZE, element="C"), "element"),
        (lambda: hrtem.graphene(SIZE).tilted(900), "tilt"),
        (
            lambda: hrtem.focal_series(
                hrtem.graphene(SIZE), hrtem.Microscope(), (20, 20), 0.2, [1, 1]
            ),
            "defoci",
        ),
    ],
)
def test_what_is_not_allowed_is_named(make, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        make()


SHEET = hrtem.graphene((8.0, 10.0))


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: hrtem.graphene(20), "size"),
        (lambda: hrtem.particle((40, 40, 40)), "size"),
        (lambda: SHEET.on_carbon(5, 20), "size"),
        (lambda: hrtem.mos2((8, 9), vacancies={"s": 0.1}), "vacancies"),
        (lambda: hrtem.mos2((8, 9), vacancies={"C": 0.1}), "vacancies"),
        (lambda: hrtem.particle((40, 40), zone=[1, 0, 0]), "zone"),
        (lambda: hrtem.particle((40, 40), element=["Au"]), "element"),
        (lambda: hrtem.Specimen([[1, 2], [3, 4], [5, 6]], ["C", "C"]), "positions"),
        (lambda: hrtem.Specimen([["a", 2, 3]], ["C"]), "positions"),
        (lambda: hrtem.Specimen([[1, 2, 3]], ["Moly"]), "elements"),
        (
            lambda: hrtem.Specimen([[1, 2, 3]], ["C"], None, [[np.nan] * 3], ["C"]),
            "vacant",
        ),
        (lambda: hrtem.crystal_sheet([[3, 0], [0, 3]], 5, (9, 9)), "atoms"),
        (
            lambda: hrtem.crystal_sheet([[3, 0], [0, 3]], [("u", 0, 0, "C")], (9, 9)),
            "atoms",
        ),
        (lambda: hrtem.frame(3, hrtem.Microscope()), "specimen"),
        (lambda: hrtem.frame(SHEET, 80), "microscope"),
        (
            lambda: hrtem.focal_series(SHEET, hrtem.Microscope(), (40, 50), 0.2, 5),
            "defoci",
        ),
        (lambda: hrtem.exit_wave(SHEET, 0, (40, 50), 0.2), "voltage"),
        (lambda: hrtem.exit_wave(3, 80, (40, 50), 0.2), "specimen"),
    ],
)
def test_what_is_wrong_is_named(call, name):
    with pytest.raises(ValueError, match=f"^{name} must be"):
        call()
