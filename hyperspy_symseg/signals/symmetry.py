# SPDX-License-Identifier: GPL-3.0-or-later
"""What the patterns of images and labels are: their symmetry."""

import numpy as np

from hyperspy_symseg.frames.checks import shown

from .axes import axis_name, frame_axes, unit

EVIDENCE, NETWORK = METHODS = "evidence", "network"
# Of what only the first method uses.
DEFAULTS = {"strain": 0.02, "tolerance": 0.25}


class NamedPatterns:
    """Methods of `SymmetryLabels` that name the patterns."""

    def get_symmetry(
        self,
        signal,
        *,
        method="evidence",
        mask=None,
        strain=0.02,
        tolerance=0.25,
        show_progressbar=None,
        num_workers=None,
    ):
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

        Returns
        -------
        SymmetryTable
            With one row a pattern, a `CrystalSymmetry` or, with ``method="network"``,
            a `PredictedSymmetry`. Of a series, up to eight frames count, spread over
            it.

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
        with working("Naming symmetry", show_progressbar, num_workers):
            found = get_symmetry(signal, mask, strain, tolerance, self, method)
        self.metadata.add_dictionary({BRANCH: found.to_metadata()})
        return found

    @property
    def symmetry(self):
        """What `get_symmetry` has found, also in a file.

        Returns
        -------
        SymmetryTable or None
            None if it was not called.
        """
        return stored_symmetry(self)


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
    y, x = frame_axes(signal)
    if unit(y) != unit(x):
        raise ValueError(
            f"axes {axis_name(y, 'y')} and {axis_name(x, 'x')} must have one unit for "
            f"a lattice, got {unit(y)!r} and {unit(x)!r}."
        )
    if signal.data.dtype.kind not in "buif":
        raise TypeError(
            f"signal must be of real numbers, got the dtype {signal.data.dtype}."
        )
    mask = mask_array(mask, signal.data.shape)
    size = abs(float(y.scale)), abs(float(x.scale))
    is_pixels = not unit(y) and size == (1.0, 1.0)
    n_patterns = None if labels is None else labels.n_patterns
    frames = _some(signal.data, signal.data.shape[:-2])
    given = None if labels is None else _some(labels.data, labels.data.shape[:-2])
    if mask is not None and mask.ndim > 2:
        mask = _some(mask, mask.shape[:-2])
    analysis = Symmetry(n_patterns, size, strain)
    if method == NETWORK:
        analysis = NetworkSymmetry(n_patterns, size)
    records = run(
        analysis,
        frames,
        given,
        mask,
        description="Naming symmetry",
    )
    if labels is None:
        names = ["crystal"]
    else:
        names = labels.pattern_names or [str(k) for k in range(n_patterns)]
    own_unit = "px" if is_pixels else unit(y)
    if method == NETWORK:
        return SymmetryTable(
            PredictedSymmetry(record, own_unit, str(name))
            for record, name in zip(records, names, strict=True)
        )
    known = size, own_unit, strain, tolerance
    return SymmetryTable(
        CrystalSymmetry(record, *known, str(name))
        for record, name in zip(records, names, strict=True)
    )


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


def _some(array, navigation):
    """A few frames of a series, evenly spread; an image stays as it is."""
    if not navigation:
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
