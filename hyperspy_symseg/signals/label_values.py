# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of labels when their values change."""

import functools
import logging

from hyperspy.signals import BaseSignal, LazySignal2D, Signal2D

from hyperspy_symseg.frames.checks import shown

from . import rebinning
from .metadata import forget_model, same_tree, stored_model

_logger = logging.getLogger(__name__)

# Of labels without a model, that may be more than there are pixels, as of a part of
# an image.
MOST_LABELS = 2**16

# Methods of HyperSpy's that make other values of labels: as a new signal, or with an
# operator such as += in the labels themselves.
CHANGING = (
    "_binary_operator_ruler",
    "_unary_operator_ruler",
    "__array_wrap__",
    "_apply_function_on_data_and_remove_axis",
    "diff",
    "derivative",
    "integrate_simpson",
    "integrate1D",
    "fft",
    "ifft",
)
# And those that can do so in the labels themselves, and then return nothing.
CHANGING_IN_PLACE = (
    "add_gaussian_noise",
    "add_poissonian_noise",
    "add_ramp",
    "apply_apodization",
    "interpolate_on_axis",
    "remove_spikes",
)


class LabelValues:
    """What keeps `SymmetryLabels` labels: integers that number patterns.

    Slices, copies, transposed and stacked labels are labels. What HyperSpy calculates
    from their values is a plain signal.
    """

    # Lazy data by name, and the number of patterns in them.
    _n_of_data = (None, None)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        kind = self.data.dtype.kind
        # HyperSpy copies signals without their data, which is None then.
        if kind in "iuO":
            return
        self.set_signal_type("")
        message = f"labels must be ints, got {self.data.dtype}."
        if not kwargs.get("full_initialisation", True):
            raise TypeError(message)
        # Such a file can be read nevertheless.
        _logger.warning("The signal is not made SymmetryLabels: %s", message)

    def _assign_subclass(self, *args, **kwargs):
        """Class of what the data are now: a plain one if these are no labels."""
        if self.data.dtype.kind not in "iu" or self._is_of_several_models:
            _forget_labels(self.metadata)
        super()._assign_subclass(*args, **kwargs)

    @property
    def _n_of_values(self):
        """One more than the largest label, found once."""
        data = self.data
        if not self._lazy:
            return number_of(data.max(initial=0), data.size)
        if self._n_of_data[0] != data.name:
            self._n_of_data = data.name, number_of(data.max().compute(), data.size)
        return self._n_of_data[1]

    @property
    def _is_of_several_models(self):
        return _are_of_several_models(self.original_metadata)

    def map(self, *args, **kwargs):
        """As `BaseSignal.map`; values of another dtype are no labels."""
        dtype = self.data.dtype
        result = super().map(*args, **kwargs)
        mapped = self if result is None else result
        if mapped.data.dtype != dtype or not isinstance(mapped, LabelValues):
            make_plain(mapped)
        return result

    def rebin(self, new_shape=None, scale=None, crop=True, dtype=None, out=None):
        """Labels of larger pixels: the most frequent one in each.

        Of labels that are equally frequent it is the smallest; it is -1, no label,
        where this is more frequent than any other.

        Parameters
        ----------
        new_shape : sequence of int, optional
            Number of pixels along the axes, in HyperSpy's order. It must divide the
            present one.
        scale : sequence of int, optional
            Or, how many pixels along each axis become one.
        crop : bool
            Whether to leave out pixels at the end of an axis that are too few for one.
        dtype : None or "same"
            It is always the same.
        out : SymmetryLabels, optional
            Where to put the labels; by default, they are new.

        Returns
        -------
        SymmetryLabels or LazySymmetryLabels
            None if `out` is given.

        Raises
        ------
        ValueError
            If an argument is not allowed.

        Examples
        --------
        >>> from hyperspy_symseg import simulate
        >>> s, truth = simulate.grain_boundary()
        >>> s.segment_symmetry(show_progressbar=False).rebin(scale=(4, 4))
        <SymmetryLabels, title: Simulated micrograph, dimensions: (|128, 128)>
        """
        factors = self._validate_rebin_args_and_get_factors(new_shape, scale)
        factors = rebinning.whole_factors(factors, self.data.shape, crop)
        if dtype not in (None, "same"):
            raise ValueError(
                'dtype must be None or "same" when labels are rebinned, got '
                f"{shown(dtype)}."
            )
        data = rebinning.rebin(self.data, factors)
        if out is None:
            result = self._deepcopy_with_new_data(data)
            rebinning.set_axes(result, self, factors)
            return result
        if out._lazy:
            out.data = data
        else:
            out.data[...] = data
        rebinning.set_axes(out, self, factors)
        out.events.data_changed.trigger(obj=out)
        return None


def number_of(largest, size):
    """Number of patterns, if their labels are not so large that they are none."""
    most = max(size, MOST_LABELS)
    if largest >= most:
        raise ValueError(f"labels must be less than {most}, got {largest}.")
    return max(int(largest), 0) + 1


def make_plain(signal):
    """Make a signal that has other values than labels a plain one."""
    if (
        isinstance(signal, BaseSignal)
        and signal.metadata.get_item("Signal.signal_type") == "symmetry_labels"
    ):
        _forget_labels(signal.metadata)
        signal._assign_subclass()


def _forget_labels(metadata):
    """Make metadata those of a plain signal, which say how the labels were made."""
    metadata.Signal.signal_type = ""
    if metadata.get_item("Signal.quantity") == "Pattern":
        del metadata.Signal.quantity
    # Should it be made labels again, they are not those of the model.
    forget_model(metadata)


def _changing(name):
    """A method of HyperSpy's, whose results are made plain signals."""

    @functools.wraps(getattr(LazySignal2D, name))
    def method(self, *args, **kwargs):
        result = getattr(super(LabelValues, self), name)(*args, **kwargs)
        # Without any axis to add up along, they are the labels as they were.
        if result is not self or name == "_binary_operator_ruler":
            make_plain(result)
        if result is None and name in CHANGING_IN_PLACE:
            make_plain(self)
        return result

    return method


for _name in (*CHANGING, *CHANGING_IN_PLACE):
    if hasattr(Signal2D, _name):
        setattr(LabelValues, _name, _changing(_name))


def _are_of_several_models(original_metadata):
    """Whether a stack is of labels and others, or of labels of several models."""
    elements = original_metadata.get_item("stack_elements")
    if elements is None:
        return False
    elements = [element for _, element in elements]
    types = [each.metadata.get_item("Signal.signal_type") for each in elements]
    if "symmetry_labels" not in types:
        return False
    first, *others = (stored_model(each.metadata) for each in elements)
    return len(set(types)) > 1 or not all(same_tree(first, each) for each in others)
