# SPDX-License-Identifier: GPL-3.0-or-later
"""The methods of HyperSpy's own Signal2D.

HyperSpy imports this module whenever it picks a class for two-dimensional data; the
classes it finds here are its own, with the methods added.
"""

from hyperspy.signals import LazySignal2D, Signal2D

__all__ = ["LazySignal2D", "Signal2D"]


def segment_symmetry(
    self,
    n_patterns="auto",
    descriptor="translation",
    *,
    stride="auto",
    n_components=5,
    model=None,
    mask=None,
    patterns=None,
    fit_on=None,
    n_operations=None,
    period="auto",
    refine="auto",
    upsample=True,
    certainty=False,
    random_state=0,
    show_progressbar=None,
    num_workers=None,
    lazy_output=None,
    **descriptor_parameters,
):
    """Label every pixel with the crystal pattern that it belongs to.

    Candidate symmetry operations are scored on the patch around each pixel by
    Pearson's coefficient, the scores are reduced to their principal components, and
    these are clustered by k-means [1]_. Beginning with these labels, templates of the
    patterns are learnt, which give refined ones. Of a series, a few frames are fitted
    on, and all are labelled: a label means the same pattern in every frame.

    All lengths come from the lattice period that is found in the image, or given.

    Parameters
    ----------
    n_patterns : int or "auto"
        Number of patterns. "auto" takes that with the lowest cost, and 1 is possible:
        see ``seg.plot_n_patterns()``, which also says why others were refused. It is 1
        without a lattice period in the image. Scores alone, as with ``refine=False``,
        do not tell the number: there "auto" is 2, which is logged. With `patterns` or
        `model` it is theirs.
    descriptor : str, Descriptor or list of these
        What is measured at a pixel: ``"translation"``, ``"rotation"``,
        ``"reflection"``, ``"glide_reflection"``, ``"power_spectrum"``, or an instance
        of one of the classes in `hyperspy_symseg.descriptors` (in pixels). The
        descriptors of a list are joined, each with the same weight (see
        `SymmetryModel`).
    stride : "auto", int, float or pair of these
        Distance between the pixels whose descriptors are computed. "auto": from the
        lattice period; with a model, that of the model.
    n_components : int or float
        Number of principal components, or the fraction of the variance that they
        explain (0.8 to 0.9 in the paper).
    model : SymmetryModel, optional
        A fitted model to apply, such as ``seg.model`` of another image of the same
        pixel size. `n_patterns`, `descriptor`, its parameters, `n_components`,
        `period`, `refine` and `random_state` are then those of the model: what is given
        beside it and is neither the default nor the model's own is an error. `stride`
        is not part of the model.
    mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
        True where a pixel is left out. Pixels that are not finite always are. One mask
        for all frames of a series, or one for every frame.
    patterns : dict, numpy.ndarray of int or Signal2D, optional
        Examples of the patterns, from which they are learnt: names and regions, such as
        ``{"matrix": roi, "precipitate": other_roi}`` with a `RectangularROI`,
        `CircleROI` or `PolygonROI` of HyperSpy, or arrays or signals of bool, of the
        shape of a frame. Or labels, 0, 1 and so on, and -1 where the pattern is not
        known; of `SymmetryLabels`, patterns without pixels are left out. There are as
        many patterns as examples, in their order, and their names are
        ``seg.pattern_names``. Each has at least 16 squares of the lattice period;
        examples do not overlap. Of a series, they are those of the frames of `fit_on`,
        which is the first frame by default.
    fit_on : int, slice, sequence or SymmetryModel, optional
        Frames of a series that the model is fitted on: their number, spread over the
        series; a slice; or a list of indices as `inav` takes them, int for places and
        float for values on the axis (with several navigation axes, pairs and so on).
        By default up to 8 frames. A model is applied, as by `model`.
    n_operations : int, optional
        Keep so many operations, those that separate the patterns best. Labels of the
        scores alone are then computed faster; templates need no scores.
    period : int, float or "auto"
        Lattice period, an int of pixels or a float of axis units, which is not rounded.
        It overrules what is found, such as a moire, or the period of another grain:
        lengths that are not given, and the templates, follow it. "auto": that of the
        lattice that the atoms form, in all frames fitted on.
    refine : bool or "auto"
        Whether to refine the labels by templates: what each pattern looks like, with
        phases that follow the crystal. Boundaries are then sharper, thin and small
        patterns are found, and less dose is needed. False is the pipeline of the paper
        alone; "auto" is True but for rotations alone, as templates see orientation
        and these do not. Without a lattice period in the image, there are no templates.
    upsample : bool
        Whether every pixel gets a label; of the scores alone, that of the nearest one
        computed. Otherwise the labels are those of the pixels computed, with axes to
        match.
    certainty : bool
        Whether to return the probability of the labels, too; of a series, neither is
        computed twice, if both are computed at once.
    random_state : int or None
        Seed of the clustering. None draws one; it is recorded in the metadata.
    show_progressbar : bool or None
        Whether to show a progress bar. None: as in HyperSpy's preferences.
    num_workers : int or None
        Number of threads, which score, learn the patterns, and label a frame, the
        parts of a large one or the frames of a series. None: one a processor. What is
        computed later is computed by dask, and takes its options then. With a client
        of dask.distributed open, the frames of a series are labelled by its workers.
    lazy_output : bool or None
        Whether the labels are computed later. None: if the signal is lazy. The model
        is fitted at once in any case, and nothing else is read.
    **descriptor_parameters
        Parameters of the descriptor, such as `patch`, half the size of the patch, and
        `window`, the largest shift, for ``"translation"``; those of the others are
        listed in their classes. Of a list, each goes to all that have it. Lengths that
        are not given, or "auto", come from the lattice period and the noise.

    Returns
    -------
    SymmetryLabels or LazySymmetryLabels
        int8 (int16 above 127 patterns), 0 for the pattern with the fewest pixels
        among those that the model was fitted on, or for the first example; -1 where a
        pixel is left out or, of the scores alone, has none. Axes, metadata and original
        metadata are those of the signal; all parameters and the model are in
        ``metadata.Symmetry_segmentation``.
    certainty : Signal2D or LazySignal2D
        float32: the probability that the label is right, NaN where there is none, and
        everywhere if no lattice period was found. Only if asked for; see also
        ``seg.get_certainty``.

    Raises
    ------
    TypeError, ValueError
        If an argument or the signal is not allowed: before any frame is read.
    RuntimeError
        If a frame of a series cannot be read, has no finite pixel, or one value in all
        pixels, as with a closed shutter; it is named. The latter have no part in a fit.

    Notes
    -----
    Large frames are labelled part by part. The labels do not depend on the parts, nor
    on chunks, threads or processes.

    Lengths are pixels if int and axis units if float (rounded to pixels, which are
    logged), along both axes or a pair (y, x); the period is one number, not rounded.

    Rotations, reflections and glide reflections take circular patches, and so pixels
    of equal size along y and x.

    Areas of one value (saturated, cropped, not recorded) are not data: their label is
    -1, and a warning says so. They are made of squares of two periods, and empty pixels
    of a frame with few counts are none. Pixels hit by cosmic rays and spoilt lines are
    left out, and the offsets of lines taken off. With ``refine=False`` all these are
    scored as they are: patches without contrast score 0 for every shift but 0.

    Where fewer patterns than asked for have any pixels, the model has only these, and
    a warning says so. Patterns of examples stay, with a warning.

    References
    ----------
    .. [1] N. Wang, C. Freysoldt, S. Zhang, C. H. Liebscher, J. Neugebauer, Microsc.
       Microanal. 27, 1454 (2021), https://doi.org/10.1017/S1431927621012770

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> s, truth = simulate.grain_boundary()
    >>> seg = s.segment_symmetry(show_progressbar=False)
    >>> seg
    <SymmetryLabels, title: Simulated micrograph, dimensions: (|512, 512)>
    >>> round(seg.metadata.Symmetry_segmentation.period), seg.model.descriptor.patch
    (13, (22, 22))
    >>> seg.n_patterns
    2

    Examples instead of a number of patterns:

    >>> import hyperspy.api as hs
    >>> left, right = (
    ...     hs.roi.RectangularROI(left=x, top=1.0, right=x + 1, bottom=4.0)
    ...     for x in (0.2, 3.8)
    ... )
    >>> seg = s.segment_symmetry(
    ...     patterns={"one": left, "two": right}, show_progressbar=False
    ... )
    >>> seg.pattern_names, seg.isig[0.7, 2.0].data, seg.isig[4.3, 2.0].data
    (('one', 'two'), array([0], dtype=int8), array([1], dtype=int8))

    A lazy movie:

    >>> movie, truth = simulate.moving_boundary(4, (120, 140))
    >>> movie.segment_symmetry(fit_on=[0, -1], show_progressbar=False)
    <LazySymmetryLabels, title: Simulated movie, dimensions: (4|140, 120)>
    """
    from hyperspy_symseg.signals import arguments, segment

    arguments.check_signal(self)
    with arguments.working("Segmenting", show_progressbar, num_workers):
        return segment.segment_symmetry(
            self,
            descriptor,
            descriptor_parameters,
            n_patterns=n_patterns,
            stride=stride,
            n_components=n_components,
            model=model,
            mask=mask,
            patterns=patterns,
            fit_on=fit_on,
            n_operations=n_operations,
            period=period,
            refine=refine,
            upsample=upsample,
            certainty=certainty,
            random_state=random_state,
            lazy_output=lazy_output,
        )


def get_symmetry_descriptors(
    self,
    descriptor="translation",
    *,
    stride=5,
    mask=None,
    show_progressbar=None,
    num_workers=None,
    lazy_output=None,
    **descriptor_parameters,
):
    """Scores of candidate symmetry operations at a grid of pixels.

    Plotted, the signal shows the scores of the pixel under the pointer: for
    translations its local correlation map.

    Parameters
    ----------
    descriptor, stride, mask, show_progressbar, num_workers, **descriptor_parameters
        As in `segment_symmetry`, but lengths that are not given are those of the
        descriptors' classes: no lattice period is looked for. Those that an image was
        segmented with are in the metadata of its labels.
    lazy_output : bool or None
        Whether the scores are computed later. None: if the signal is lazy or the
        result would be larger than 1 GB.

    Returns
    -------
    Signal2D, Signal1D, or BaseSignal for three axes
        float32 scores, NaN where missing; Pearson's coefficient is from -1 to 1. The
        navigation axes are the pixels sampled. The signal axes are the shifts dy and
        dx; the fold or angle of a rotation, the angle of an axis and the glide along
        it, each with the number of the local maximum if there are several; or the
        spatial frequencies ky and kx. Of a list of operations, or several
        descriptors, the place in the list ``metadata.Symmetry_descriptors.operations``.

    Raises
    ------
    TypeError, ValueError
        If an argument or the signal is not allowed.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> s, truth = simulate.grain_boundary()
    >>> s.get_symmetry_descriptors(stride=10, show_progressbar=False)
    <Signal2D, title: Simulated micrograph, dimensions: (52, 52|9, 9)>
    """
    from hyperspy_symseg.signals import arguments, scores

    arguments.check_signal(self)
    with arguments.working("Scoring", show_progressbar, num_workers):
        return scores.get_symmetry_descriptors(
            self, descriptor, descriptor_parameters, stride, mask, lazy_output
        )


def get_symmetry_map(
    self,
    descriptor,
    *,
    mask=None,
    show_progressbar=None,
    num_workers=None,
    lazy_output=None,
    **parameters,
):
    """Score of one symmetry operation at every pixel, not pooled.

    Rotation centres are bright spots in it, mirror and glide lines bright lines.

    Parameters
    ----------
    descriptor : str
        ``"rotation"``, ``"reflection"``, ``"glide_reflection"`` or ``"translation"``.
    mask, show_progressbar, num_workers
        As in `segment_symmetry`.
    lazy_output : bool or None
        Whether the scores are computed later. None: if the signal is lazy or the
        result would be larger than 1 GB.
    **parameters
        The operation: `fold` (2, 3, 4 or 6) or `angle` (degrees) of a rotation;
        `angle` (degrees from x towards y) of a mirror or glide line, and the `glide`
        along it, a length; or `translation`, a pair (dy, dx). And `radius` and
        `n_angles`, for a translation `patch`, as in the classes of the descriptors.

    Returns
    -------
    Signal2D
        float32 scores from -1 to 1, NaN where missing, with the axes of the signal.

    Raises
    ------
    TypeError, ValueError
        If an argument or the signal is not allowed.

    Notes
    -----
    Lengths are pixels if int and axis units if float.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> s, truth = simulate.grain_boundary(shape=(120, 140))
    >>> s.get_symmetry_map("rotation", fold=4, show_progressbar=False)
    <Signal2D, title: Simulated micrograph, dimensions: (|140, 120)>
    """
    from hyperspy_symseg.signals import arguments, scores

    arguments.check_signal(self)
    with arguments.working("Scoring", show_progressbar, num_workers):
        return scores.get_symmetry_map(self, descriptor, parameters, mask, lazy_output)


def get_symmetry(
    self,
    *,
    method="evidence",
    mask=None,
    strain=0.02,
    tolerance=0.25,
    show_progressbar=None,
    num_workers=None,
):
    """Name the crystal in the image: lattice, Bravais type and plane group.

    Nothing was learnt beforehand: every lattice, Bravais type and plane group that is
    possible gets a weight, by what the pixels say. A trained neural network can be
    asked instead, for the Bravais type alone.

    Parameters
    ----------
    method : {"evidence", "network"}
        ``"evidence"`` weighs what is possible, and is the one to trust; ``"network"``
        is the neural network, there to compare with. `strain` and `tolerance` are
        then to be left out.
    mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
        True where a pixel is left out. What remains should be one crystal; it may be
        in several regions, the eight largest of which count.
    strain : float
        Standard deviation of the distortion that the lattice may have, of the scan or
        of the crystal: 0.02 is 2 %. A lattice is taken for one of higher symmetry
        within that.
    tolerance : float
        Misfit up to which a plane group is a nominal one: share of the amplitude of
        the structure factors that has not the symmetry.
    show_progressbar, num_workers
        As in `segment_symmetry`.

    Returns
    -------
    SymmetryTable
        With one row, a `CrystalSymmetry`: lattice vectors ``a`` and ``b`` of the
        reduced cell with their covariance, ``bravais``, ``plane_group`` (None where no
        weight is 0.9 or more) and ``nominal_plane_group``, all weights and misfits,
        and the ``reason`` if there is no name. Of a series, up to eight frames count,
        spread over it. With ``method="network"`` the row is a `PredictedSymmetry`,
        which has ``bravais``, ``bravais_weights``, ``bravais_spreads``, ``n_windows``
        and ``reason``.

    Raises
    ------
    TypeError, ValueError
        If an argument or the signal is not allowed, such as axes of different units.

    Notes
    -----
    The vectors are (y, x), in the unit of the signal axes, whose scales may differ.
    There is no name of amorphous areas and vacuum, of more than one lattice, and of
    fewer than four periods. The method is in the documentation, `doc/symmetry.md`.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> crystal = simulate.Lattice.hexagonal(14, orientation=5)
    >>> s, truth = simulate.micrograph(crystal, (256, 256), seed=0)
    >>> [row] = s.get_symmetry(show_progressbar=False)
    >>> row.bravais, row.nominal_plane_group, row.lengths.round(2)
    ('hexagonal', 'p6mm', array([0.14, 0.14]))
    """
    from hyperspy_symseg.signals import arguments, symmetry

    arguments.check_signal(self)
    with arguments.working("Naming symmetry", show_progressbar, num_workers):
        return symmetry.get_symmetry(self, mask, strain, tolerance, method=method)


def get_abundances(
    self,
    n_components,
    window="auto",
    *,
    stride="auto",
    mask=None,
    fit_on=None,
    random_state=0,
    show_progressbar=None,
    num_workers=None,
    lazy_output=None,
):
    """Unmix the power spectra of windows: how much of each component there is where.

    A sliding-window Fourier transform, and non-negative matrix factorisation of it.
    Nothing is learnt of what a crystal is: what has another power spectrum is another
    component, also if it has no lattice. One component more, for noise, is fitted and
    dropped.

    Parameters
    ----------
    n_components : int
        Number of components, from 1 to 50.
    window : int, float, a pair (y, x) of these, or "auto"
        Half the size of the window, as everywhere here: it has 2 `window` + 1 pixels.
        "auto": 2.2 lattice periods.
    stride : int, float, a pair (y, x) of these, or "auto"
        Distance of the windows; in between, abundances are interpolated. "auto":
        0.4 of `window`.
    mask, show_progressbar, num_workers
        As in `segment_symmetry`.
    fit_on : int, slice or sequence, optional
        Frames of a series that the spectra are fitted on, as in `segment_symmetry`: by
        default up to 8. All frames are unmixed by the same spectra.
    random_state : int or None
        Seed of the fit. None draws one; it is recorded in the metadata.
    lazy_output : bool or None
        Whether the abundances are computed later. None: if the signal is lazy. The
        spectra are fitted at once in any case.

    Returns
    -------
    abundances : Signal2D or LazySignal2D
        float32, from 0 to 1, with the component as the first navigation axis, the one
        that there is least of first. They add up to 1, but where there is noise alone,
        such as in vacuum, to less. NaN where a pixel is left out, and where less than
        an eighth of a window is left. Axes, metadata and original metadata are those
        of the signal.
    spectra : Signal2D
        float32: power spectra of the components above that of noise, which is 1, in
        reciprocal units; NaN at frequencies that were not looked at.

    Raises
    ------
    TypeError, ValueError
        If an argument or the signal is not allowed, or there are too few windows or
        frequencies for so many components.
    RuntimeError
        If a frame of a series cannot be read; it is named.

    Notes
    -----
    Lengths are pixels if int and axis units if float (rounded to pixels).

    Gain and offset do not matter, as every window has unit variance. What each
    component has of the others by chance (three standard deviations, in the metadata)
    is taken off, so there are no smaller abundances. Equation and limits are in the
    documentation, `doc/abundances.md`; the method is that of [1]_.

    References
    ----------
    .. [1] R. K. Vasudevan, O. Dyck, M. Ziatdinov, S. Jesse, N. Laanait, S. V. Kalinin,
       Microsc. Microanal. 24(S1), 112 (2018), https://doi.org/10.1017/S1431927618001058

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> s, truth = simulate.grain_boundary()
    >>> abundances, spectra = s.get_abundances(2, show_progressbar=False)
    >>> abundances
    <Signal2D, title: Simulated micrograph, dimensions: (2|512, 512)>
    >>> abundances.isig[0.5, 2.5].data.ravel()
    array([0., 1.], dtype=float32)
    >>> spectra.axes_manager.signal_axes[0].units
    '1/nm'
    """
    from hyperspy_symseg.signals import arguments, scores

    arguments.check_signal(self)
    with arguments.working("Unmixing", show_progressbar, num_workers):
        return scores.get_abundances(
            self,
            n_components,
            {"window": window, "stride": stride},
            mask,
            lazy_output,
            fit_on=fit_on,
            random_state=random_state,
        )


def find_atomic_columns(
    self,
    seg=None,
    method="auto",
    contrast="auto",
    *,
    material=None,
    focal_series=False,
    probability=0.5,
    mask=None,
    calibrated=False,
    show_progressbar=None,
    num_workers=None,
    lazy_output=None,
):
    """Find every atomic column: positions with errors, probabilities, intensities.

    The crystals that the labels have learnt tell where columns may be: at the sites of
    their motif, where the displacement of the crystal takes these. All columns of a
    frame are fitted together, as Gaussians on a background that varies; what the pixels
    say of a position is weighed against what the other columns tell. A column that is
    not there, as at a vacancy or in vacuum, is not filled in. What the fit leaves is
    looked through for others, such as adatoms. Elsewhere, as in amorphous material and
    at boundaries, a network finds them.

    Parameters
    ----------
    seg : SymmetryLabels, optional
        Labels of the same shape, from `segment_symmetry`. None: the image is segmented
        first, with what `segment_symmetry` does by default, if the method needs it.
    method : {"auto", "crystal", "network"}
        Where columns come from. "crystal": crystals alone. "network": the network
        alone, in all of the image. "auto": crystals and, where none is certain, the
        network: everywhere but on pixels with the label of one that are half a period
        or more from others.
    contrast : {"auto", "bright", "dark"}
        Whether columns are brighter than what is between them. "auto": dark if the
        mean unit cells are skewed that way, and bright otherwise; without crystals, it
        is left to the network.
    material : {None, "graphene", "MoS2", "metal"}
        Of HRTEM: a network that was trained for this class of materials finds the
        columns in all of the image, whatever the defocus, bright or dark or both. The
        method is "auto" or "network". With labels and "auto", columns in the crystals
        are those that the network is surest of in all of their cells together, which
        takes far fewer electrons; without `seg` no labels are made. The contrast may be
        told of "graphene" and "metal". Pixels should be from 0.10 to 0.20 angstroms for
        graphene, 0.12 to 0.26 for MoS2 and 0.12 to 0.30 for metals; finer ones are
        binned. See `doc/hrtem.md`.
    focal_series : bool or sequence of float
        Experimental, of "MoS2" and "metal" (gold). Whether the signal is one series of
        three images at different defocus, along an axis of navigation with a unit of
        length; or their defoci in angstroms, positive under focus. The images are
        aligned by their columns, and the table tells what each column is, or how many
        atoms it has, by its contrast: intensities must be 0 without electrons. Labels
        and contrast cannot be told.
    probability : float
        Of the columns in the result, at least.
    mask : numpy.ndarray, dask.array.Array or BaseSignal of bool, optional
        True where a pixel is left out.
    calibrated : bool
        Whether positions, their errors and widths are in the unit of the axes, instead
        of pixels. A width is then the geometric mean of that along either axis.
    show_progressbar, num_workers
        As in `segment_symmetry`.
    lazy_output : bool or None
        Whether columns are found later. None: if the signal or the labels are lazy.

    Returns
    -------
    SymmetryPoints or LazySymmetryPoints
        Ragged: for every frame an array of float64 of shape (n, 11), one row a column,
        in the order of y. ``y, x``, their standard errors ``y_error, x_error``, the
        ``probability`` that there is a column, its ``intensity`` above the background,
        summed over its pixels (negative if it is dark), and ``intensity_error``, its
        ``width`` (standard deviation of a Gaussian), its ``pattern``, which ``site`` of
        the motif it is at (-1 where there is none), and ``source``, 0 for crystals, 1
        for the network. That of a single image is ``columns.data[0]``. With a material
        (n, 6): ``y, x, y_error, x_error, probability`` and ``contrast``, the intensity
        of the column above what is around it, over the latter, negative if it is dark.
        Of a focal series there is one table (n, 10): ``y, x`` in the first image,
        ``y_error, x_error, probability``, ``class``, 0 none, 1 one S, 2 two S, 3 Mo,
        and the probabilities ``p_none, p_1S, p_2S, p_Mo``; sites that are none are in
        the table if at least three neighbours of their lattice are there. Of a metal
        (n, 22): ``atoms``, the likeliest number of atoms in the column, and the
        probabilities of all numbers, ``p_0`` to ``p_15``, the last that of 15 or more.

    Raises
    ------
    TypeError, ValueError
        If an argument is not allowed; with ``method="crystal"``, if no pattern of the
        labels has a lattice.

    Notes
    -----
    A frame of 512 x 512 takes some 0.3 s, besides its labels. See `doc/columns.md`.

    Examples
    --------
    >>> from hyperspy_symseg import simulate
    >>> crystal = simulate.Lattice.square(13, orientation=5)
    >>> s, truth = simulate.micrograph(crystal, (256, 256), vacancies=2)
    >>> seg = s.segment_symmetry(n_patterns=1, show_progressbar=False)
    >>> columns = s.find_atomic_columns(seg, show_progressbar=False)
    >>> columns.data[0].shape[1]
    11
    """
    from hyperspy_symseg.signals import arguments, columns

    arguments.check_signal(self)
    return columns.find_atomic_columns(
        self,
        seg,
        method,
        contrast,
        material=material,
        focal_series=focal_series,
        probability=probability,
        mask=mask,
        calibrated=calibrated,
        show_progressbar=show_progressbar,
        num_workers=num_workers,
        lazy_output=lazy_output,
    )


Signal2D.segment_symmetry = segment_symmetry
Signal2D.get_symmetry_descriptors = get_symmetry_descriptors
Signal2D.get_symmetry_map = get_symmetry_map
Signal2D.get_symmetry = get_symmetry
Signal2D.get_abundances = get_abundances
Signal2D.find_atomic_columns = find_atomic_columns
