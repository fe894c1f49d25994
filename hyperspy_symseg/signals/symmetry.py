# SPDX-License-Identifier: GPL-3.0-or-later
"""What the patterns of images and labels are: their symmetry."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

import numpy as np

from hyperspy_symseg.frames.checks import check_flag, shown

from .axes import check_one_unit, frame_axes, unit

if TYPE_CHECKING:
    from hyperspy.signals import BaseSignal, Signal2D
    from numpy.typing import ArrayLike

    from hyperspy_symseg.lattice.crystal_symmetry import CrystalSymmetry
    from hyperspy_symseg.symmetry_table import SymmetryTable

_logger = logging.getLogger(__name__)

# Of the window of strains, in periods: a wide one spans more than half a period.
SMOOTHINGS = 1.0, 10.0
# Sine of the angle between two lattice vectors, at least.
LEAST_ANGLE = 0.05
EVIDENCE, NETWORK = METHODS = "evidence", "network"
# Of what only the first method uses.
DEFAULTS = {"strain": 0.02, "tolerance": 0.25, "per_frame": False}


class NamedPatterns:
    """Methods of `SymmetryLabels` that name the patterns."""

    def get_symmetry(
        self,
        signal: Signal2D,
        *,
        method: Literal["evidence", "network"] = "evidence",
        mask: ArrayLike | BaseSignal | None = None,
        strain: float = 0.02,
        tolerance: float = 0.25,
        per_frame: bool = False,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> SymmetryTable:
        """Name each pattern: lattice, Bravais type and plane group.

        Each pattern is named from the pixels that have its label, all regions
        together. The table is kept in the metadata of the labels, and is ``symmetry``.

        Parameters
        ----------
        signal : Signal2D
            The micrograph or series, of the same shape as the labels.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            True where a pixel is left out; so are those that have no label.
        method, strain, tolerance, show_progressbar, num_workers
            As in ``Signal2D.get_symmetry``.
        per_frame : bool
            Whether the lattices of every frame are measured, too: then the table has
            ``lattice_parameters``, a signal.

        Returns
        -------
        SymmetryTable
            With one row a pattern, a `CrystalSymmetry` or, with ``method="network"``,
            a `PredictedSymmetry`. Of a series, up to eight frames count, spread over
            it: a pattern has one name in all frames. ``lattice_parameters`` are lazy if
            the signal or the labels are.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(show_progressbar=False)
        >>> sym = seg.get_symmetry(s, show_progressbar=False)
        >>> [row.nominal_plane_group for row in sym]
        ['p4mm', 'p4mm']
        """
        from hyperspy_symseg.symmetry_table import BRANCH

        from .arguments import working

        self._check_has_their_shape(signal)
        per_frame = check_flag("per_frame", per_frame)
        _check_method(method, per_frame=per_frame)
        with working("Naming symmetry", show_progressbar, num_workers):
            found = get_symmetry(signal, mask, strain, tolerance, self, method)
            if per_frame:
                found = found.with_lattice_parameters(
                    get_lattice_parameters(self, signal, found, mask)
                )
        self.metadata.add_dictionary({BRANCH: found.to_metadata()})
        return found

    @property
    def symmetry(self) -> SymmetryTable | None:
        """What `get_symmetry` has found, also in a file.

        Returns
        -------
        SymmetryTable or None
            None if it was not called.
        """
        return stored_symmetry(self)

    def get_strain(
        self,
        signal: Signal2D,
        *,
        reference: SymmetryTable | CrystalSymmetry | ArrayLike | None = None,
        smoothing: float = 3.0,
        mask: ArrayLike | BaseSignal | None = None,
        show_progressbar: bool | None = None,
        num_workers: int | None = None,
    ) -> Signal2D:
        """Strain and rotation of the lattice of each pattern, with standard errors.

        Parameters
        ----------
        signal : Signal2D
            The micrograph or series, of the same shape as the labels.
        reference : SymmetryTable, CrystalSymmetry or array, optional
            The lattices that are not strained: a table with a row a pattern; or one
            row or the two lattice vectors (y, x) in axis units, (2, 2), for all
            patterns; or those of each, (n_patterns, 2, 2). By default, the mean lattice
            of each pattern: of a series that of all frames together, for which up to
            eight are read, spread over it.
        smoothing : float
            Standard deviation of the Gaussian window in which the strain is the mean,
            in lattice periods, from 1 to 10: a period is the length of the shortest
            lattice vector of the pattern, of a superlattice of another pattern's
            lattice that of the other one.
        mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
            True where a pixel is left out; so are those that have no label.
        show_progressbar, num_workers
            As in ``Signal2D.segment_symmetry``.

        Returns
        -------
        Signal2D, or LazySignal2D if the signal or the labels are
            float32, with the axes and metadata of the labels and, before them, the
            navigation axis ``Component``: exx, eyy, exy (plain numbers, 0.01 is 1 %)
            and the rotation in degrees; their names are in
            ``metadata.Symmetry_strain.components``. Variances, the squares of the
            standard errors, are `get_noise_variance()`. NaN where a pixel has no label,
            its pattern no lattice, or its region fewer than a few periods.

        Raises
        ------
        TypeError, ValueError
            If an argument is not allowed, the labels were not refined by templates, no
            pattern has the lattice of the reference, or without one, none has a region
            of some periods.

        Notes
        -----
        With F = V R the deformation that takes the reference to the lattice near a
        pixel, R is the rotation and V - 1 the strain, along the axes x (to the right)
        and y (down, as HyperSpy shows images). Rotations are from x towards y:
        clockwise on the screen. Pixels may have other sizes along y and x.

        The local lattice is that of a local linear regression of the displacement of
        all pixels of the pattern in the window, which ends at the edge of the region.
        Standard errors are those of the residuals of the unit cells, by noise and by
        displaced columns; what is alike over several cells, such as a distorted scan,
        is strain. See ``doc/strain.md``.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> seg = s.segment_symmetry(2, show_progressbar=False)
        >>> strain = seg.get_strain(s, show_progressbar=False)
        >>> strain
        <Signal2D, title: Simulated micrograph, dimensions: (4|512, 512)>
        >>> errors = strain.get_noise_variance() ** 0.5
        """
        from .arguments import working

        self._check_has_their_shape(signal)
        with working("Measuring strain", show_progressbar, num_workers):
            return get_strain(self, signal, reference, smoothing, mask)


def get_symmetry(signal, mask, strain, tolerance, labels=None, method=EVIDENCE):
    """Work of `Signal2D.get_symmetry` and `SymmetryLabels.get_symmetry`.

    Parameters
    ----------
    signal : Signal2D
    mask : array, BaseSignal or None
    strain, tolerance : float
    labels : SymmetryLabels, optional
    method : str

    Returns
    -------
    SymmetryTable
    """
    from hyperspy_symseg.analysis import NetworkSymmetry, Symmetry
    from hyperspy_symseg.frames.checks import check_number
    from hyperspy_symseg.frames.run import run
    from hyperspy_symseg.lattice.crystal_symmetry import CrystalSymmetry
    from hyperspy_symseg.networks.predicted_symmetry import PredictedSymmetry
    from hyperspy_symseg.symmetry_table import STRAINS, TOLERANCES, SymmetryTable

    from .arguments import mask_array

    _check_method(method, strain=strain, tolerance=tolerance)
    strain = check_number("strain", strain, *STRAINS)
    tolerance = check_number("tolerance", tolerance, *TOLERANCES)
    size, known_unit = check_can_be_named(signal)
    mask = mask_array(mask, signal.data.shape)
    n_patterns = None if labels is None else labels.n_patterns
    given = signal.data, None if labels is None else labels.data, mask
    analysis = Symmetry(n_patterns, size, strain)
    if method == NETWORK:
        analysis = NetworkSymmetry(n_patterns, size)
    records = run(analysis, *map(_some, given), description="Naming symmetry")
    if labels is None:
        names = ["crystal"]
    else:
        names = labels.pattern_names or [str(k) for k in range(n_patterns)]
    if method == NETWORK:
        return SymmetryTable(
            PredictedSymmetry(record, known_unit, str(name))
            for record, name in zip(records, names, strict=True)
        )
    known = size, known_unit, strain, tolerance
    return SymmetryTable(
        CrystalSymmetry(record, *known, str(name))
        for record, name in zip(records, names, strict=True)
    )


def check_can_be_named(signal):
    """Check that the crystals in a signal can be named; nothing is read.

    Parameters
    ----------
    signal : Signal2D

    Returns
    -------
    size : (float, float)
        Of the pixels along (y, x).
    unit : str

    Raises
    ------
    TypeError, ValueError
        If its axes are not of one unit, or it is not of real numbers.
    """
    y, x = frame_axes(signal)
    check_one_unit(y, x, "a lattice")
    if signal.data.dtype.kind not in "buif":
        raise TypeError(
            f"signal must be of real numbers, got the dtype {signal.data.dtype}."
        )
    size = abs(float(y.scale)), abs(float(x.scale))
    is_pixels = not unit(y) and size == (1.0, 1.0)
    return size, "px" if is_pixels else unit(y)


def _check_method(method, **options):
    """Check that there is a method, and that it uses what is not left as it is."""
    if not isinstance(method, str) or method not in METHODS:
        raise ValueError(f"method must be one of {METHODS}, got {shown(method)}.")
    for name, value in options.items():
        if method == NETWORK and value != DEFAULTS[name]:
            raise ValueError(
                f"{name} must be left as it is with method={NETWORK!r}, which does not "
                f"use it, got {shown(value)}."
            )


def _some(array):
    """A few frames of a series, evenly spread; an image or None stays as it is."""
    if array is None or array.ndim == 2:
        return array
    from .arguments import N_FIT_FRAMES

    flat = array.reshape(-1, *array.shape[-2:])
    n = min(len(flat), N_FIT_FRAMES)
    places = np.unique(np.linspace(0, len(flat) - 1, n).round().astype(int))
    return flat[places]


def stored_symmetry(labels):
    """Table in the metadata of labels, or None if there is none."""
    from hyperspy_symseg.symmetry_table import BRANCH, SymmetryTable

    stored = labels.metadata.get_item(BRANCH)
    if stored is None:
        return None
    if not hasattr(stored, "as_dictionary"):
        raise ValueError(
            f"metadata.{BRANCH} must be what get_symmetry has written, got "
            f"{shown(stored)}."
        )
    return SymmetryTable.from_metadata(stored.as_dictionary())


def get_lattice_parameters(labels, signal, table, mask):
    """Lattice parameters of the patterns against the navigation axes of labels.

    Parameters
    ----------
    labels : SymmetryLabels
    signal : Signal2D
    table : SymmetryTable
    mask : array, BaseSignal or None

    Returns
    -------
    Signal1D, Signal2D or BaseSignal
        As `SymmetryTable.lattice_parameters` says.
    """
    from hyperspy_symseg.analysis import LatticeParameters
    from hyperspy_symseg.analysis.lattice_parameters import PARAMETERS

    from .arguments import mask_array
    from .axes import navigation_axes, signal_class

    size, known_unit = check_can_be_named(signal)
    vectors = [
        row.vectors if row.has_lattice else np.full((2, 2), np.nan) for row in table
    ]
    given = signal.data, labels.data, mask_array(mask, signal.data.shape)
    found = _found(LatticeParameters(vectors, size), given, "Measuring lattices")
    if not isinstance(found, np.ndarray):
        # Small, and in one chunk a single file once saved.
        found = found.rechunk(-1)
    found = np.moveaxis(found, (-3, -2, -1), (0, 1, 2))
    along = [
        axis.get_axis_dictionary() | {"navigate": False}
        for axis in navigation_axes(labels)
    ]
    axes = [
        {"name": "Parameter", "size": len(PARAMETERS), "navigate": True},
        {"name": "Pattern", "size": len(vectors), "navigate": bool(along)},
        *along,
    ]
    area_unit = f"{known_unit}²" * bool(known_unit)
    units = [known_unit, known_unit, "degrees", area_unit, "degrees"]
    record = {"Symmetry_lattices": {"parameters": list(PARAMETERS), "units": units}}
    kind = signal_class(along or axes[1:])
    return _with_variance(kind, found, axes, labels, "Lattice parameters", record)


def _found(analysis, given, description):
    """What is found in frames, labels and a mask: lazy if the first or second are."""
    import dask.array as da

    from hyperspy_symseg.frames.run import run_or_lazy

    is_lazy = any(isinstance(each, da.Array) for each in given[:2])
    return run_or_lazy(analysis, *given, is_lazy=is_lazy, description=description)


def _with_variance(kind, found, axes, labels, quantity, record):
    """Signal of values that has their variances, (values, variances) being found."""
    from .metadata import result_metadata

    signals, names = [], (quantity, f"Variance of {quantity.lower()}")
    for array, name in zip(found, names, strict=True):
        known = result_metadata(labels, name, **record)
        signal = kind(array, axes=axes, **known)
        is_lazy = not isinstance(array, np.ndarray)
        signals.append(signal.as_lazy() if is_lazy else signal)
    result, variance = signals
    result.set_noise_variance(variance)
    return result


def get_strain(labels, signal, reference, smoothing, mask):
    """Work of `SymmetryLabels.get_strain`, which says what it takes and returns."""
    from hyperspy.signals import Signal2D

    from hyperspy_symseg.analysis import MeanLattices, Strain
    from hyperspy_symseg.analysis.strain import COMPONENTS, mean_vectors, periods
    from hyperspy_symseg.frames.checks import check_number
    from hyperspy_symseg.frames.run import run
    from hyperspy_symseg.version import package_version

    from .arguments import mask_array
    from .axes import check_pixel_size, navigation_axes

    smoothing = check_number("smoothing", smoothing, *SMOOTHINGS)
    model = labels._refined_model()
    check_pixel_size(model, frame_axes(signal))
    size, known_unit = check_can_be_named(signal)
    mask, templates = mask_array(mask, signal.data.shape), model.templates
    given = signal.data, labels.data, mask
    vectors = mean_vectors(templates) * size
    if not np.isfinite(vectors).any():
        raise ValueError(
            "labels must have a pattern with a lattice, got none with one."
        )
    if reference is not None:
        references = _reference_vectors(reference, len(vectors), known_unit)
    else:
        means = MeanLattices(templates, smoothing)
        some = map(_some, given)
        references = run(means, *some, description="Measuring lattices") * size
        if not np.isfinite(references).any():
            raise ValueError(
                "labels must have a region of some periods of a pattern with a "
                "lattice, got none to measure strain in."
            )
    strain = Strain(templates, references, size, smoothing, reference is None)
    references = np.array(strain.references)
    for k in np.flatnonzero(~np.isfinite(references).all(axis=(1, 2))):
        _logger.info("Pattern %d has no strain: %s.", k, _why_none(vectors[k]))
    found = np.moveaxis(_found(strain, given, "Measuring strain"), -1, -3)
    axes = [
        *(axis.get_axis_dictionary() for axis in navigation_axes(labels)),
        {"name": "Component", "size": len(COMPONENTS), "navigate": True},
        *(axis.get_axis_dictionary() for axis in frame_axes(labels)),
    ]
    record = {
        "version": package_version(),
        "components": list(COMPONENTS),
        "reference": references,
        "unit": known_unit,
        "smoothing": smoothing,
        "periods": periods(templates),
        "masked": mask is not None,
    }
    found = found[..., :4, :, :], found[..., 4:, :, :]
    record = {"Symmetry_strain": record}
    return _with_variance(Signal2D, found, axes, labels, "Strain", record)


def _why_none(vectors):
    """Why a pattern with such lattice vectors (2, 2) has no strain: str."""
    if not np.isfinite(vectors).all():
        return "it has no lattice"
    return "its lattice is not that of the reference, or it has too few pixels"


def _reference_vectors(reference, n_patterns, known_unit):
    """Lattice vectors that are given, in axis units: (n_patterns, 2, 2) array."""
    from hyperspy_symseg.frames.checks import as_array
    from hyperspy_symseg.lattice.crystal_symmetry import CrystalSymmetry
    from hyperspy_symseg.symmetry_table import SymmetryTable

    must = "reference must be a table or row of get_symmetry, or lattice vectors"
    rows = [reference] if isinstance(reference, CrystalSymmetry) else reference
    if isinstance(reference, CrystalSymmetry | SymmetryTable):
        for row in rows:
            if not isinstance(row, CrystalSymmetry):
                raise TypeError(f"{must}, got a table of the network, which has none.")
            if row.unit != known_unit:
                raise ValueError(
                    f"reference must be in the unit of the signal, {known_unit!r}, got "
                    f"{row.unit!r}."
                )
        vectors = np.array([row.vectors for row in rows])
    else:
        vectors = as_array("reference", reference)
        if vectors.dtype.kind not in "iuf":
            raise TypeError(f"{must}, got {shown(reference)}.")
        vectors = vectors.astype(float)
    if vectors.ndim == 2 or isinstance(reference, CrystalSymmetry):
        vectors = np.broadcast_to(vectors, (n_patterns, *vectors.shape[-2:]))
    if vectors.shape != (n_patterns, 2, 2):
        raise ValueError(
            f"{must}, of one lattice or of the {n_patterns} patterns, got the shape "
            f"{vectors.shape}."
        )
    # Rows of a table that have no lattice are NaN.
    given = vectors[np.isfinite(vectors).all(axis=(1, 2))]
    areas = np.abs(np.linalg.det(given))
    lengths = np.linalg.norm(given, axis=-1).prod(axis=-1)
    if not len(given) or (areas <= LEAST_ANGLE * lengths).any():
        raise ValueError(
            f"{must}, two that are finite and not parallel, got {shown(reference)}."
        )
    return vectors
