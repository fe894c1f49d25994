# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames and focal series of a specimen, as signals of HyperSpy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import numpy as np
from hyperspy.signals import Signal2D
from scipy import fft

from .. import checks
from ..signals import pixel_axes
from .microscope import Microscope
from .multislice import exit_wave
from .specimen import Specimen

if TYPE_CHECKING:
    from hyperspy_symseg.simulate.hrtem import TrueColumns

# Around a frame there is more, in angstroms, besides how far atoms show, and at most.
MARGIN, MOST_MARGIN = 3.0, 25.0


def frame(
    specimen: Specimen,
    microscope: Microscope,
    shape: tuple[int, int] = (256, 256),
    pixel_size: float = 0.2,
    *,
    dose: float | None = None,
    slice_thickness: float = 2.0,
    seed: int = 0,
) -> tuple[Signal2D, TrueColumns]:
    """An image of a specimen.

    Parameters
    ----------
    specimen : Specimen
    microscope : Microscope
    shape : (int, int)
        Rows and columns.
    pixel_size : float
        In angstroms.
    dose : float, optional
        Electrons that a pixel has in vacuum: it counts with the noise of Poisson. By
        default the intensity, without noise, which is 1 in vacuum.
    slice_thickness : float
        In angstroms.
    seed : int
        Of the noise.

    Returns
    -------
    signal : Signal2D
        Of uint16 or, without noise, float32. Where the columns are, and the microscope,
        is in its metadata, too.
    columns : TrueColumns

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> from hyperspy_symseg.simulate import hrtem
    >>> sheet = hrtem.mos2((20.0, 24.0), vacancies=0.1)
    >>> s, columns = hrtem.frame(sheet, hrtem.Microscope(), (100, 120), dose=100)
    >>> s.data.dtype, s.axes_manager["x"].units
    (dtype('uint16'), 'Å')
    """
    _check(specimen, microscope)
    given = specimen, microscope, shape, pixel_size, [microscope.defocus]
    series, columns = focal_series(
        *given, dose=dose, slice_thickness=slice_thickness, seed=seed
    )
    signal = series.inav[0]
    signal.metadata.General.title = "Simulated HRTEM"
    return signal, columns


def focal_series(
    specimen: Specimen,
    microscope: Microscope,
    shape: tuple[int, int],
    pixel_size: float,
    defoci: Sequence[float],
    *,
    dose: float | None = None,
    drift: float = 0.0,
    slice_thickness: float = 2.0,
    seed: int = 0,
) -> tuple[Signal2D, TrueColumns]:
    """Images of a specimen at several defoci.

    Parameters
    ----------
    specimen, shape, pixel_size, dose, slice_thickness, seed
        As in `frame`. The dose is that of each image.
    microscope : Microscope
        Its own defocus is not used.
    defoci : sequence of float
        In angstroms.
    drift : float
        Images but the first are moved by up to this along each axis, at random, in
        pixels.

    Returns
    -------
    signal : Signal2D
        With the navigation axis ``defocus``. ``metadata.Simulation.shifts`` has (y, x)
        by which each image is moved.
    columns : TrueColumns
        Of the first image.

    Raises
    ------
    ValueError
        If an argument is not allowed.

    Examples
    --------
    >>> from hyperspy_symseg.simulate import hrtem
    >>> gold = hrtem.particle((16.0, 16.0), radius=4.0)
    >>> s, columns = hrtem.focal_series(
    ...     gold, hrtem.Microscope(300), (64, 80), 0.2, [40, 80, 120], dose=40
    ... )
    >>> s.data.shape, s.axes_manager["defocus"].units
    ((3, 64, 80), 'Å')
    """
    shape = checks.frame_shape(shape)
    pixel_size = checks.positive("pixel_size", pixel_size)
    _check(specimen, microscope)
    rule = "a sequence of one or more numbers of angstroms"
    valid = np.ndim(defoci) == 1 and len(defoci) > 0
    checks.require(valid, "defoci", defoci, rule)
    defoci = [checks.number("defoci", f, lambda x: True, rule) for f in defoci]
    drift = checks.not_negative("drift", drift)
    dose = dose if dose is None else checks.positive("dose", dose)
    rng = np.random.default_rng(checks.seed(seed))
    shifts = rng.uniform(-drift, drift, (len(defoci), 2))
    shifts[0] = 0
    # Two images of one exit wave need the frame and what shows from around it.
    farthest = max(defoci, key=abs)
    spread = replace(microscope, defocus=farthest).spread
    margin = min(MARGIN + spread, MOST_MARGIN) / pixel_size + drift
    margin = int(np.ceil(margin))
    whole = [fft.next_fast_len(n + 2 * margin) for n in shape]
    wave = exit_wave(
        _moved(specimen, margin * pixel_size),
        microscope.voltage,
        whole,
        pixel_size,
        slice_thickness=slice_thickness,
    )
    own = tuple(slice(margin, margin + n) for n in shape)
    images = [
        replace(microscope, defocus=f).image(wave, pixel_size, shift)[own]
        for f, shift in zip(defoci, shifts, strict=True)
    ]
    frames = np.stack(images).clip(0)
    if dose is not None:
        rule = "low enough for counts below 65536"
        checks.require(frames.max() * dose < 6e4, "dose", dose, rule)
        frames = rng.poisson(frames * dose).astype(np.uint16)
    columns = specimen.true_columns(shape, pixel_size)
    return (
        Signal2D(
            frames,
            axes=[_defocus_axis(defoci), *pixel_axes(shape, pixel_size, "Å")],
            metadata={
                "General": {"title": "Simulated focal series"},
                "Acquisition_instrument": {
                    "TEM": {
                        "beam_energy": microscope.voltage,
                        "acquisition_mode": "TEM",
                    }
                },
                "Simulation": {
                    **asdict(microscope),
                    "defocus": defoci[0] if len(defoci) == 1 else defoci,
                    "dose": dose,
                    "shifts": shifts,
                    "columns": columns._asdict(),
                },
            },
        ),
        columns,
    )


def _check(specimen, microscope):
    """Raise an error if what is to be imaged, or with what, is neither."""
    is_one = isinstance(specimen, Specimen)
    checks.require(is_one, "specimen", specimen, "a Specimen")
    is_one = isinstance(microscope, Microscope)
    checks.require(is_one, "microscope", microscope, "a Microscope")


def _moved(specimen, by):
    """A specimen moved along y and x, in angstroms: Specimen."""
    step = np.array([by, by, 0])
    return replace(
        specimen, positions=specimen.positions + step, vacant=specimen.vacant + step
    )


def _defocus_axis(defoci):
    """Navigation axis of the defocus, even if it is: dict."""
    axis = {"name": "defocus", "units": "Å", "navigate": True}
    steps = np.diff(defoci)
    if len(steps) and (not steps.all() or not np.allclose(steps, steps[0])):
        if (steps > 0).all() or (steps < 0).all():
            return axis | {"axis": np.array(defoci)}
        rule = "numbers of angstroms that go up, or down, all along"
        checks.require(False, "defoci", defoci, rule)
    step = float(steps[0]) if len(steps) else 1.0
    return axis | {"size": len(defoci), "offset": defoci[0], "scale": step}
