# SPDX-License-Identifier: GPL-3.0-or-later
"""Strategies of hypothesis for frames, masks, labels and models.

For the tests of this package, and of those that depend on it.
"""

from __future__ import annotations

import functools
import warnings
from typing import TYPE_CHECKING, Any

import dask.array as da
import numpy as np

from hyperspy_symseg import descriptors, simulate
from hyperspy_symseg.optional import optional
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.signals import SymmetryLabels

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

st, _numpy = (
    optional(f"hypothesis.{name}", "hyperspy_symseg.testing", "test")
    for name in ("strategies", "extra.numpy")
)

__all__ = [
    "MODEL_NAMES",
    "chunked",
    "example_frame",
    "example_model",
    "frames",
    "label_maps",
    "label_signals",
    "masks",
    "models",
    "random_frame",
    "shapes",
]

DTYPES = ("u1", "i1", ">u2", "i4", "f2", "f4", ">f4", "f8", "?")
_TRANSLATION = descriptors.TranslationSymmetry(patch=5, window=4, max_operations=25)
# By the names of `example_model`.
_DESCRIPTORS = {
    "templates": _TRANSLATION,
    "rotation": descriptors.RotationSymmetry(radius=5, pooling=5, n_maxima=2, step=2),
    "glide": descriptors.GlideReflectionSymmetry(
        radius=4, n_axes=3, window=2, pooling=5, step=3
    ),
    "joined": descriptors.JoinedDescriptors(
        (_TRANSLATION, descriptors.PowerSpectrum(window=4))
    ),
}


MODEL_NAMES = tuple(_DESCRIPTORS)


def shapes(least: int = 1, most: int = 40) -> SearchStrategy[tuple[int, int]]:
    """Rows and columns.

    Parameters
    ----------
    least, most : int

    Returns
    -------
    hypothesis.strategies.SearchStrategy of (int, int)
    """
    return st.tuples(st.integers(least, most), st.integers(least, most))


def frames(
    shape: tuple[int, int] | None = None, *, damaged: bool = True
) -> SearchStrategy[np.ndarray]:
    """Frames as detectors, files and users give them.

    Parameters
    ----------
    shape : (int, int), optional
        None: any of `shapes`.
    damaged : bool
        As in `random_frame`.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of (rows, columns) numpy.ndarray
        From `random_frame`.

    Examples
    --------
    >>> frames((20, 30)).example().shape  # doctest: +SKIP
    (20, 30)
    """

    def drawn(shape, seed):
        return random_frame(np.random.default_rng(seed), shape, damaged=damaged)

    own = shapes() if shape is None else st.just(shape)
    return st.builds(drawn, own, st.integers(0, 2**32 - 1))


def random_frame(
    rng: np.random.Generator, shape: tuple[int, int], *, damaged: bool = True
) -> np.ndarray:
    """A frame: noise or a crystal, of any real dtype and any layout in memory.

    Parameters
    ----------
    rng : numpy.random.Generator
    shape : (int, int)
    damaged : bool
        Whether it may be of one value, of extreme ones, or have some that are not
        finite.

    Returns
    -------
    (rows, columns) numpy.ndarray

    Examples
    --------
    >>> random_frame(np.random.default_rng(0), (20, 30)).shape
    (20, 30)
    """
    y, x = np.indices(shape)
    ky, kx = rng.uniform(0.02, 0.5, 2)
    frame = 50 + 20 * np.cos(2 * np.pi * ky * y) * np.cos(2 * np.pi * kx * x)
    frame += rng.normal(0, rng.choice([0, 1, 20]), shape)
    if damaged and rng.random() < 0.2:
        frame[:] = rng.integers(3)
    if damaged and rng.random() < 0.2:
        frame *= 10.0 ** rng.integers(-30, 30)
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        frame = frame.astype(rng.choice(DTYPES))
    if damaged and frame.dtype.kind == "f" and rng.random() < 0.4:
        where = rng.random(shape) < rng.choice([0.001, 0.1, 0.9])
        frame[where] = rng.choice([np.nan, np.inf, -np.inf, np.finfo(frame.dtype).max])
    if rng.random() < 0.3:
        larger = np.zeros([2 * n for n in shape], frame.dtype)
        larger[::2, ::-2] = frame
        frame = larger[::2, ::-2]
    return frame


def masks(shape: tuple[int, int]) -> SearchStrategy[np.ndarray | None]:
    """Masks of a frame, True where a pixel is left out.

    Parameters
    ----------
    shape : (int, int)

    Returns
    -------
    hypothesis.strategies.SearchStrategy of numpy.ndarray of bool, or None
        (rows, columns). Of single pixels, of most pixels, and of all rows from one on.
    """

    def drawn(seed, share, row):
        mask = np.random.default_rng(seed).random(shape) < share
        mask[row:] = True
        return mask

    return st.none() | st.builds(
        drawn,
        st.integers(0, 2**32 - 1),
        st.sampled_from([0, 0.001, 0.3, 0.95]),
        st.integers(1, shape[0]),
    )


def label_maps(
    shape: Any = None, n_patterns: int = 3, *, labelled: bool = False
) -> SearchStrategy[np.ndarray]:
    """Label maps, pixel by pixel.

    Parameters
    ----------
    shape : tuple of int, or strategy for these, optional
        With or without navigation axes. None: any of `shapes` up to 7.
    n_patterns : int
    labelled : bool
        Whether every pixel has a label; else some are -1.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of numpy.ndarray of int8
    """
    least = 0 if labelled else -1
    return _numpy.arrays(
        np.int8,
        shapes(most=7) if shape is None else shape,
        elements=st.integers(least, n_patterns - 1),
    )


def label_signals(
    shape: Any = None, n_patterns: int = 3
) -> SearchStrategy[SymmetryLabels]:
    """Labels as signals, with calibrated axes; of no model.

    Parameters
    ----------
    shape, n_patterns
        As of `label_maps`.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of SymmetryLabels
    """
    scales = st.sampled_from([1.0, 0.02, -0.5])

    def drawn(labels, scale):
        signal = SymmetryLabels(labels)
        for axis in signal.axes_manager.signal_axes:
            axis.scale, axis.units = scale, "nm"
        return signal

    return st.builds(drawn, label_maps(shape, n_patterns), scales)


def chunked(array: np.ndarray) -> SearchStrategy[da.Array]:
    """An array as one of dask, cut along all axes.

    Parameters
    ----------
    array : numpy.ndarray

    Returns
    -------
    hypothesis.strategies.SearchStrategy of dask.array.Array
    """

    def sizes(n):
        cuts = st.sets(st.integers(1, n - 1)) if n > 1 else st.just(set())
        return cuts.map(lambda cuts: tuple(np.diff([0, *sorted(cuts), n]).tolist()))

    return st.tuples(*map(sizes, array.shape)).map(
        lambda chunks: da.from_array(array, chunks=chunks)
    )


def models() -> SearchStrategy[SymmetryModel]:
    """Models of every kind: with templates, and of scores of several descriptors.

    Returns
    -------
    hypothesis.strategies.SearchStrategy of SymmetryModel
        From `example_model`. They fit `example_frame`.
    """
    return st.sampled_from(MODEL_NAMES).map(example_model)


@functools.cache
def example_frame() -> np.ndarray:
    """A noisy frame of two grains, for which `models` are: (45, 52) of uint16."""
    grain = simulate.Lattice.square(7, orientation=5)
    frame = simulate.micrograph(
        [grain, grain.rotated(36)], (45, 52), column_width=1.2, dose=30
    )[0].data
    frame.flags.writeable = False
    return frame


@functools.cache
def example_model(name: str) -> SymmetryModel:
    """A model of `example_frame`.

    Parameters
    ----------
    name : {"templates", "rotation", "glide", "joined"}
        What it is made of: templates, or the scores of a descriptor or two.

    Returns
    -------
    SymmetryModel
        The same one in every call.

    Raises
    ------
    ValueError
        If it has another name.

    Examples
    --------
    >>> example_model("rotation").templates is None
    True
    """
    if name not in _DESCRIPTORS:
        raise ValueError(f"name must be one of {MODEL_NAMES}, got {name!r}.")
    return SymmetryModel.fit(
        example_frame(),
        _DESCRIPTORS[name],
        stride=4,
        period=7.0 if name == "templates" else None,
    )
