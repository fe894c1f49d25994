# SPDX-License-Identifier: GPL-3.0-or-later
"""The work of finding atomic columns, and what is missing or extra among them."""

import numpy as np
from hyperspy.signals import BaseSignal

from hyperspy_symseg.frames.checks import check_flag, check_number, is_number, shown
from hyperspy_symseg.version import package_version

from .axes import angstroms, check_pixel_size, frame_axes, in_angstroms, unit
from .points import as_points, check_one_of

# Of the circles about outliers, in periods.
DIAMETER = 1.5
# What a table of outliers has.
OUTLIER_COLUMNS = "y", "x", "score"


def find_outliers(labels, signal, threshold, mask, lazy_output):
    """Work of `SymmetryLabels.find_outliers`, which says what it takes and returns."""
    from hyperspy_symseg.analysis.defects import Defects
    from hyperspy_symseg.analysis.matched_filter import default_threshold
    from hyperspy_symseg.analysis.residual_scores import column_width
    from hyperspy_symseg.frames.run import run_or_lazy

    from .source import Source

    model = labels._refined_model()
    check_pixel_size(model, frame_axes(signal))
    if threshold is None:
        threshold = default_threshold(model.templates)
    elif not is_number(threshold) or not 0 < threshold < np.inf:
        raise ValueError(
            "threshold must be a positive number of standard deviations, or None, got "
            f"{shown(threshold)}."
        )
    if check_flag("lazy_output", lazy_output, None) is None:
        lazy_output = signal._lazy or labels._lazy
    source = Source.of(signal, mask, True)
    found = run_or_lazy(
        Defects(model, float(threshold)),
        source.frames,
        labels.data,
        source.mask,
        is_lazy=lazy_output,
        description="Finding outliers",
    )
    period = model.templates.period
    return as_points(
        found[..., 0] if source.navigation else found,
        labels,
        OUTLIER_COLUMNS,
        "Outliers",
        Symmetry_points={"diameter": DIAMETER * period},
        Symmetry_outliers={
            "version": package_version(),
            "threshold": float(threshold),
            "period": period,
            "column_width": column_width(model.templates),
            "masked": mask is not None,
        },
    )


def outlier_markers(labels, found, **options):
    """Work of `SymmetryLabels.get_outlier_markers`."""
    from hyperspy_symseg.point_markers import EXTRA, MISSING, Places, circles
    from hyperspy_symseg.templates.model import PERIODS

    is_points = isinstance(found, BaseSignal) and found.ragged
    if not is_points or not found.metadata.has_item("Symmetry_outliers"):
        raise ValueError(
            f"outliers must be the result of find_outliers, got {shown(found)}."
        )
    period = found.metadata.get_item("Symmetry_outliers.period")
    period = check_number("metadata.Symmetry_outliers.period", period, *PERIODS)
    axes = [axis.get_axis_dictionary() for axis in labels.axes_manager.signal_axes]
    diameter = DIAMETER * period * abs(axes[0]["scale"])
    return [
        circles(
            found.data,
            labels.axes_manager.navigation_dimension > 0,
            Places(axes, OUTLIER_COLUMNS.index("score"), sign, signs=True),
            {"sizes": (diameter,), "edgecolors": (color,)} | options,
        )
        for sign, color in ((-1, MISSING), (1, EXTRA))
    ]


def find_atomic_columns(signal, labels, method, contrast, **asked):
    """Work of `Signal2D.find_atomic_columns`, which says what it takes and returns.

    In `asked` are the other arguments.
    """
    from hyperspy_symseg.analysis.columns import (
        CONTRASTS,
        METHODS,
        NAMES,
        AtomicColumns,
    )
    from hyperspy_symseg.frames.run import run_or_lazy

    from .arguments import defoci_of, working
    from .source import Source

    axes = frame_axes(signal)
    check_one_of("method", method, METHODS)
    check_one_of("contrast", contrast, CONTRASTS)
    material, names = asked["material"], NAMES
    with_crystals = method != "network"
    if material is not None:
        _check_material(material, method, contrast)
        with_crystals = with_crystals and labels is not None
        method = "auto" if with_crystals else "network"
    defoci = defoci_of(signal, material, asked["focal_series"])
    if defoci is not None:
        check_one_of("contrast", contrast, ("auto",))
        if labels is not None:
            raise ValueError(
                f"seg must be None, of a focal series, got {shown(labels)}."
            )
    probability = check_number("probability", asked["probability"], 0, 1)
    calibrated = check_flag("calibrated", asked["calibrated"])
    mask, lazy_output = asked["mask"], asked["lazy_output"]
    check_flag("lazy_output", lazy_output, None)
    source = Source.of(signal, mask, True)
    frames, mask_of_frames = source.frames, source.mask
    is_series = bool(source.navigation) and defoci is None
    how = {key: asked[key] for key in ("show_progressbar", "num_workers")}
    if labels is not None:
        _check_labels_of(labels, signal)
    elif with_crystals:
        labels = signal.segment_symmetry(mask=mask, lazy_output=lazy_output, **how)
    if lazy_output is None:
        lazy_output = signal._lazy or (labels is not None and labels._lazy)
    templates, branch = None, {}
    if with_crystals:
        takes_any = method == "auto" and material is None
        model = labels._own_model() if takes_any else labels._refined_model()
        check_pixel_size(model, axes)
        templates, branch = model.templates, {"n_patterns": labels.n_patterns}
    if material is None:
        analysis = AtomicColumns(templates, method, contrast, probability)
    else:
        from hyperspy_symseg.analysis import hrtem_columns
        from hyperspy_symseg.networks import hrtem_network

        known = _known_of_microscope(signal)
        if defoci is None:
            hrtem_network.warn_of_sign(material, contrast)
            hrtem_network.warn_of_microscope(material, known)
        names, pixel_size = hrtem_columns.NAMES, _pixel_size(axes, material)
        analysis = hrtem_columns.HrtemColumns(
            material, contrast, probability, pixel_size, templates
        )
    if defoci is not None:
        from hyperspy_symseg.analysis.focal_series import FocalColumns

        analysis = FocalColumns.of(analysis, defoci, known.get("voltage"))
        names, frames = analysis.names, tuple(frames)
        if mask is not None and mask_of_frames.ndim > 2:
            mask_of_frames = mask_of_frames.any(axis=0)
    given = None if templates is None else labels.data
    given = analysis, frames, given, mask_of_frames
    what = "Finding columns"
    with working(what, **how):
        found = run_or_lazy(*given, is_lazy=lazy_output, description=what)
    record = {"method": method, "contrast": contrast, "probability": probability}
    record["masked"] = mask is not None
    if material is not None:
        record["material"] = material
    if defoci is not None:
        record["defoci"] = list(defoci)
    return as_points(
        found[..., 0] if is_series else found,
        signal if defoci is None else signal.inav[0],
        names,
        "Atomic columns",
        calibrated=calibrated,
        Symmetry_points=branch,
        Atomic_columns=record,
    )


def _check_material(material, method, contrast):
    """Check a class of materials, and that nothing is asked that it does not have."""
    from hyperspy_symseg.networks.hrtem_network import MATERIALS, SIGNED

    check_one_of("material", material, MATERIALS)
    check_one_of("method", method, ("auto", "network"))
    if material not in SIGNED:
        check_one_of("contrast", contrast, ("auto",))


def _known_of_microscope(signal):
    """What a signal tells of the microscope, by the names of the networks: dict.

    The defocus is that of an axis of navigation with this name or, as the aberration,
    of a simulated frame.
    """
    items = {
        "voltage": "Acquisition_instrument.TEM.beam_energy",
        "defocus": "Simulation.defocus",
        "spherical_aberration": "Simulation.spherical_aberration",
    }
    known = {name: signal.metadata.get_item(item) for name, item in items.items()}
    for axis in signal.axes_manager.navigation_axes:
        if axis.name == "defocus" and (values := in_angstroms(axis)) is not None:
            known["defocus"] = values
    return {name: value for name, value in known.items() if value is not None}


def _pixel_size(axes, material):
    """Size of pixels in angstroms, None if it is not known: float or None.

    An error is raised where all of a frame is less than one pixel of the network.
    A warning says so if the network of a material has not seen the like.
    """
    from hyperspy_symseg.networks.hrtem_network import RANGES, warn_of_pixel_size

    known = [
        angstroms({"scale": axis.scale, "offset": axis.offset, "units": unit(axis)})
        for axis in axes
    ]
    sizes = None if None in known else [abs(scale) for scale, _ in known]
    least, _ = RANGES[material]["pixel_size"]
    for axis, size in zip(axes, sizes or (), strict=False):
        if size * axis.size < least:
            raise ValueError(
                f"{axis.name} must have the scale of an image of columns, got pixels "
                f"of {size:.3g} angstroms: all {axis.size} are less than one that the "
                f"network of {material} was trained for ({least:g})."
            )
    warn_of_pixel_size(material, sizes)
    return None if sizes is None else float(np.sqrt(np.prod(sizes)))


def _check_labels_of(labels, signal):
    """Check that labels are those of a signal."""
    from .symmetry_labels import SymmetryLabels

    if not isinstance(labels, SymmetryLabels):
        raise TypeError(
            "seg must be the labels of the signal, from segment_symmetry, or None, got "
            f"{shown(labels)}."
        )
    labels._check_has_their_shape(signal)
