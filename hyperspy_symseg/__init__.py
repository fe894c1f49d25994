# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation of atomic-resolution micrographs by local symmetry, for HyperSpy.

Importing this package adds the methods ``segment_symmetry``, ``get_symmetry``,
``get_symmetry_descriptors``, ``get_symmetry_map`` and ``get_abundances`` to HyperSpy's
``Signal2D``; signals read by ``hyperspy.api.load`` have them without any import.
"""

import lazy_loader

from hyperspy_symseg.frames.forks import register as _register_forks
from hyperspy_symseg.frames.kernels import warn_if_unbuilt as _warn_if_unbuilt
from hyperspy_symseg.log import follow_hyperspy as _follow_hyperspy
from hyperspy_symseg.signals import signal2d as _signal2d  # noqa: F401  adds methods

_follow_hyperspy()
_register_forks()
_warn_if_unbuilt()
_attach, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name):
    if name == "__version__":
        from hyperspy_symseg.version import package_version

        return package_version()
    return _attach(name)
