# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated micrographs of the kinds that the documentation explains."""

import numpy as np

from hyperspy_symseg import simulate


def ordered_precipitates(shape=(400, 480), *, dose=30.0, seed=0):
    """Ordered precipitates in a matrix of the same lattice.

    The cell has two columns of equal height in the matrix; in the precipitates one is
    higher by a fifth, and the other is lower by as much.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    dose, seed
        As in `simulate.micrograph`.

    Returns
    -------
    signal, truth : hyperspy.signals.Signal2D
        As from `simulate.micrograph`; 0 is the matrix.

    Examples
    --------
    >>> s, truth = ordered_precipitates()
    >>> s
    <Signal2D, title: Simulated ordered precipitates, dimensions: (|480, 400)>
    """
    lattices = [
        simulate.Lattice.square(17, 15, motif=[(0, 0, a), (0.5, 0.5, 2 - a)])
        for a in (1.0, 1.2)
    ]
    radius = min(shape) / 8, min(shape) / 5.5
    labels = simulate.inclusions(shape, 3, radius, seed=seed)
    return _titled("ordered precipitates", lattices, labels, dose, seed, True)


def polar_domains(shape=(400, 480), *, dose=30.0, seed=0):
    """Two polar domains: a column of the cell is off-centre to one side or the other.

    Parameters
    ----------
    shape, dose, seed
        As in `ordered_precipitates`.

    Returns
    -------
    signal, truth : hyperspy.signals.Signal2D
        As from `simulate.micrograph`.

    Examples
    --------
    >>> s, truth = polar_domains()
    >>> s
    <Signal2D, title: Simulated polar domains, dimensions: (|480, 400)>
    """
    lattices = [
        simulate.Lattice.square(20, 8, motif=[(0, 0, 1), (0.5, 0.5 + off, 0.6)])
        for off in (-0.06, 0.06)
    ]
    labels = simulate.regions(shape, 2, seed=seed)
    return _titled("polar domains", lattices, labels, dose, seed, True)


def particle_in_vacuum(shape=(400, 480), *, dose=30.0, seed=0):
    """A twinned particle in vacuum.

    Parameters
    ----------
    shape, dose, seed
        As in `ordered_precipitates`.

    Returns
    -------
    signal, truth : hyperspy.signals.Signal2D
        As from `simulate.micrograph`; -1 is vacuum.

    Examples
    --------
    >>> s, truth = particle_in_vacuum()
    >>> s
    <Signal2D, title: Simulated particle in vacuum, dimensions: (|480, 400)>
    """
    crystal = simulate.Lattice.centred(14, 14 * np.sqrt(2), 20)
    y, x = np.indices(shape)
    centre_y, centre_x = (side / 2 for side in shape)
    # The twin plane is a {111} plane of a face-centred cubic crystal along [110].
    plane = 20 + 54.74
    turn = np.deg2rad(plane)
    labels = (np.sin(turn) * (x - centre_x) > np.cos(turn) * (y - centre_y)).astype(int)
    labels[np.hypot(y - centre_y, x - centre_x) > 0.38 * min(shape)] = -1
    twins = [crystal, crystal.mirrored(plane)]
    return _titled("particle in vacuum", twins, labels, dose, seed)


def twin_lamella(shape=(400, 480), *, dose=10.0, seed=0):
    """A lamella of a twin in a face-centred cubic crystal along [110].

    Parameters
    ----------
    shape, dose, seed
        As in `ordered_precipitates`.

    Returns
    -------
    signal, truth : hyperspy.signals.Signal2D
        As from `simulate.micrograph`.

    Examples
    --------
    >>> s, truth = twin_lamella()
    >>> s
    <Signal2D, title: Simulated twin lamella, dimensions: (|480, 400)>
    """
    crystal = simulate.Lattice.centred(14, 14 * np.sqrt(2), 35)
    # Along the twin plane, {111}.
    plane = 35 + 54.74
    turn = np.deg2rad(plane)
    y, x = np.indices(shape)
    across = np.sin(turn) * (x - shape[1] / 2) - np.cos(turn) * (y - shape[0] / 2)
    labels = (np.abs(across) < 60).astype(int)
    twins = [crystal, crystal.mirrored(plane)]
    return _titled("twin lamella", twins, labels, dose, seed)


def _titled(title, lattices, labels, dose, seed, coherent=False):
    """A simulated micrograph with a title, and its true labels: two signals."""
    options = {"dose": dose, "seed": seed, "coherent": coherent}
    signal, truth = simulate.micrograph(lattices, boundary=labels, **options)
    signal.metadata.General.title = f"Simulated {title}"
    return signal, truth
