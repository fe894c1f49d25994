# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames and labels as HyperSpy signals."""

from dataclasses import asdict

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from .amorphous import Amorphous


def pixel_axes(shape, pixel_size, units):
    """Signal axes (y, x) of a frame: list of dict.

    Parameters
    ----------
    shape : (int, int)
        Rows and columns.
    pixel_size : float
        Side of a pixel, in `units`.
    units : str
    """
    return [
        {"name": name, "size": size, "scale": pixel_size, "units": units}
        for name, size in zip("yx", shape, strict=True)
    ]


def as_signals(frames, labels, title, axes, *, lattices, imaging, **simulation):
    """Signal and truth, with the same axes and ``metadata.Simulation``.

    Parameters
    ----------
    frames, labels : numpy.ndarray or dask.array.Array, shape ([time,] rows, columns)
    title : str
        Of the signal.
    axes : list of dict
    lattices : list of Lattice or Amorphous
    imaging : Imaging
    **simulation
        Other parameters.

    Returns
    -------
    signal, truth : Signal2D or, of dask arrays, LazySignal2D
    """
    simulation |= asdict(imaging) | _structures(lattices)
    signal_class = Signal2D if isinstance(frames, np.ndarray) else LazySignal2D
    return tuple(
        signal_class(
            array,
            axes=axes,
            metadata={"General": {"title": name}, "Simulation": simulation},
        )
        for array, name in ((frames, title), (labels, "True labels"))
    )


def _structures(lattices):
    """What ``metadata.Simulation`` has of each lattice, by its label."""
    none = np.full((2, 2), np.nan)
    vectors = [getattr(lattice, "vectors", none) for lattice in lattices]
    structures = {"vectors": np.array(vectors)}
    for i, lattice in enumerate(lattices):
        if isinstance(lattice, Amorphous):
            kind, parameters = "amorphous", asdict(lattice)
        else:
            kind, parameters = "motifs", np.array(lattice.motif)
        structures.setdefault(kind, {})[f"lattice_{i}"] = parameters
    return structures
