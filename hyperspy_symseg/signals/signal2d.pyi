# Types of the methods that are added to HyperSpy's Signal2D, whose module imports
# HyperSpy alone.
from collections.abc import Sequence
from typing import Any, Literal, overload

from hyperspy.signals import BaseSignal
from hyperspy.signals import LazySignal2D as LazySignal2D
from hyperspy.signals import Signal2D as Signal2D
from numpy.typing import ArrayLike

from hyperspy_symseg.descriptors import Descriptor
from hyperspy_symseg.segmentation import SymmetryModel
from hyperspy_symseg.symmetry_table import SymmetryTable

from .points import SymmetryPoints
from .symmetry_labels import SymmetryLabels

__all__ = ["LazySignal2D", "Signal2D"]

@overload
def segment_symmetry(
    self: Signal2D,
    n_patterns: int | Literal["auto"] = "auto",
    descriptor: str | Descriptor | Sequence[str | Descriptor] = "translation",
    *,
    stride: float | tuple[float, float] | Literal["auto"] = "auto",
    n_components: float = 5,
    model: SymmetryModel | None = None,
    mask: ArrayLike | BaseSignal | None = None,
    patterns: dict[str, Any] | ArrayLike | Signal2D | None = None,
    fit_on: int | slice | Sequence[Any] | SymmetryModel | None = None,
    n_operations: int | None = None,
    period: float | Literal["auto"] = "auto",
    refine: bool | Literal["auto"] = "auto",
    upsample: bool = True,
    certainty: Literal[False] = False,
    random_state: int | None = 0,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
    lazy_output: bool | None = None,
    **descriptor_parameters: Any,
) -> SymmetryLabels: ...
@overload
def segment_symmetry(
    self: Signal2D,
    n_patterns: int | Literal["auto"] = "auto",
    descriptor: str | Descriptor | Sequence[str | Descriptor] = "translation",
    *,
    stride: float | tuple[float, float] | Literal["auto"] = "auto",
    n_components: float = 5,
    model: SymmetryModel | None = None,
    mask: ArrayLike | BaseSignal | None = None,
    patterns: dict[str, Any] | ArrayLike | Signal2D | None = None,
    fit_on: int | slice | Sequence[Any] | SymmetryModel | None = None,
    n_operations: int | None = None,
    period: float | Literal["auto"] = "auto",
    refine: bool | Literal["auto"] = "auto",
    upsample: bool = True,
    certainty: Literal[True],
    random_state: int | None = 0,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
    lazy_output: bool | None = None,
    **descriptor_parameters: Any,
) -> tuple[SymmetryLabels, Signal2D]: ...
def get_symmetry_descriptors(
    self: Signal2D,
    descriptor: str | Descriptor | Sequence[str | Descriptor] = "translation",
    *,
    stride: float | tuple[float, float] = 5,
    mask: ArrayLike | BaseSignal | None = None,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
    lazy_output: bool | None = None,
    **descriptor_parameters: Any,
) -> BaseSignal: ...
def get_symmetry_map(
    self: Signal2D,
    descriptor: str,
    *,
    mask: ArrayLike | BaseSignal | None = None,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
    lazy_output: bool | None = None,
    **parameters: Any,
) -> Signal2D: ...
def get_symmetry(
    self: Signal2D,
    *,
    method: Literal["evidence", "network"] = "evidence",
    mask: ArrayLike | BaseSignal | None = None,
    strain: float = 0.02,
    tolerance: float = 0.25,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
) -> SymmetryTable: ...
def get_abundances(
    self: Signal2D,
    n_components: int,
    window: float | tuple[float, float] | Literal["auto"] = "auto",
    *,
    stride: float | tuple[float, float] | Literal["auto"] = "auto",
    mask: ArrayLike | BaseSignal | None = None,
    fit_on: int | slice | Sequence[Any] | None = None,
    random_state: int | None = 0,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
    lazy_output: bool | None = None,
) -> tuple[Signal2D, Signal2D]: ...
def find_atomic_columns(
    self: Signal2D,
    seg: SymmetryLabels | None = None,
    method: Literal["auto", "crystal", "network"] = "auto",
    contrast: Literal["auto", "bright", "dark"] = "auto",
    *,
    material: Literal["graphene", "MoS2", "metal"] | None = None,
    focal_series: bool | Sequence[float] = False,
    probability: float = 0.5,
    mask: ArrayLike | BaseSignal | None = None,
    calibrated: bool = False,
    show_progressbar: bool | None = None,
    num_workers: int | None = None,
    lazy_output: bool | None = None,
) -> SymmetryPoints: ...
