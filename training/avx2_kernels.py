# SPDX-License-Identifier: GPL-3.0-or-later
"""Have the libraries of a training use one set of instructions on all processors.

NumPy, OpenBLAS, MKL, oneDNN and torch choose kernels by the processor, which sum in
different orders. What differs by one bit at first is another network at the end.
Kernels for AVX2 run on all x86-64 processors of the last ten years, and are no slower.

It must be imported before all of these. Where a library looks at the maker of a
processor, it does not suffice (doc/column_network.md).
"""

import os

# Of several versions of NumPy: they pass over those that they do not know.
NEWER = "X86_V4 AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR"

os.environ.update(
    ATEN_CPU_CAPABILITY="avx2",
    MKL_CBWR="AVX2",
    NPY_DISABLE_CPU_FEATURES=NEWER,
    ONEDNN_MAX_CPU_ISA="AVX2",
    OPENBLAS_CORETYPE="Haswell",
)
