# SPDX-License-Identifier: GPL-3.0-or-later
"""What labels know of the crystals that their patterns are."""


class NamedPatterns:
    """Methods of `SymmetryLabels` that name the patterns."""

    def get_symmetry(
        self,
        signal,
        *,
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
        strain, tolerance, show_progressbar, num_workers
            As in ``Signal2D.get_symmetry``.

        Returns
        -------
        SymmetryTable
            With one row a pattern, a `CrystalSymmetry`. Of a series, up to eight
            frames count, spread over it.

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
        from .arguments import working
        from .symmetry import BRANCH, get_symmetry

        self._check_has_their_shape(signal)
        with working("Naming symmetry", show_progressbar, num_workers):
            found = get_symmetry(signal, mask, strain, tolerance, self)
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
        from .symmetry import stored_symmetry

        return stored_symmetry(self)
