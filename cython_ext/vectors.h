/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes that let a compiler keep sums in vector registers. */

#ifndef SYMSEG_VECTORS_H
#define SYMSEG_VECTORS_H

#include <stdint.h>

#if defined(_MSC_VER)
#define SYMSEG_RESTRICT __restrict
#define SYMSEG_INLINE static __forceinline
#else
#define SYMSEG_RESTRICT __restrict__
/* Or a function would not have the instructions of the clone that calls it. */
#define SYMSEG_INLINE static inline __attribute__((always_inline))
#endif

/* Vector instructions of 2017, or of 2013, where there are any, chosen when loaded. An
   earlier Clang takes them for those of a processor of this name, and there is none. */
#if defined(SYMSEG_NO_CLONES) || !defined(__x86_64__) || !defined(__gnu_linux__)
#define SYMSEG_CLONES
#elif defined(__clang__) ? __clang_major__ >= 18 : __GNUC__ >= 12
#define SYMSEG_CLONES \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define SYMSEG_CLONES
#endif

/* Every operation is rounded, as NumPy does: sums and products are not contracted. The
   first is an attribute of a function, the second the first word in it. */
#if defined(__clang__)
#define SYMSEG_ROUNDED
#define SYMSEG_ROUND_EACH _Pragma("clang fp contract(off)")
#elif defined(__GNUC__)
#define SYMSEG_ROUNDED __attribute__((optimize("fp-contract=off")))
#define SYMSEG_ROUND_EACH
#else
#define SYMSEG_ROUNDED
#define SYMSEG_ROUND_EACH
#endif

/* Numbers that are done side by side. */
#define LANES 32

/* Length of a row with room after it: an odd number of lanes, as rows a power of two apart
   share few lines of the cache. */
#define ROW_WITH_ROOM(width) ((((width) + LANES - 1) / LANES | 1) * LANES)

/* Numbers of some bytes each from an address to where a line of the cache begins. */
#define TO_CACHE_LINE(address, size) ((Py_ssize_t) (-(uintptr_t) (address) & 63) / (size))

#endif
