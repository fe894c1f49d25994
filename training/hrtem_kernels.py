# SPDX-License-Identifier: GPL-3.0-or-later
"""Have oneDNN use what a processor has for half of the digits.

AVX2, which `avx2_kernels` has all libraries use, has no bfloat16: with it a step of a
training with half of the digits takes twenty times as long. So what is trained like
that is not the same on every processor. It must be imported before torch.
"""

import os

import avx2_kernels  # noqa: F401

del os.environ["ONEDNN_MAX_CPU_ISA"]
