# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames and labels as HyperSpy signals."""

from dataclasses import asdict

import numpy as np
from hyperspy.signals import LazySignal2D, Signal2D

from .amorphous import Amorphous


def as_signals(
    data, labels, title, *, lattices, imaging, pixel_size, units, time=(), **simulation
):
    """Signal and truth, with the same axes and ``metadata.Simulation``.

    Parameters
    ----------
    data, labels : numpy.ndarray or dask.array.Array, shape ([time,] rows, columns)
    title : str
        Of the signal.
    lattices : list of Lattice or Amorphous
    imaging : Imaging
    pixel_size, units
        Of the signal axes.
    time : iterable of dict
        The navigation axis, if there is one.
    **simulation
        Other parameters.

    Returns
    -------
    signal, truth : Signal2D or, of dask arrays, LazySignal2D
    """
    simulation |= asdict(imaging)
    simulation |= _structures(lattices)
    axes = [
        *time,
        *(
            {"name": name, "size": size, "scale": pixel_size, "units": units}
            for name, size in zip("yx", labels.shape[-2:], strict=True)
        ),
    ]
    signal_class = Signal2D if isinstance(data, np.ndarray) else LazySignal2D
    return tuple(
        signal_class(
            array,
            axes=axes,
            metadata={"General": {"title": name}, "Simulation": simulation},
        )
        for array, name in ((data, title), (labels, "True labels"))
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
