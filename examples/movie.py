# SPDX-License-Identifier: GPL-3.0-or-later
"""
A movie, tinted by pattern
==========================

A movie of micrographs tinted by pattern, with scale bar, time and legend.

Without a file, a movie of a twin boundary is simulated::

    python examples/movie.py
    python examples/movie.py movie.zspy --output tinted.mp4

It takes ``pip install "hyperspy-symseg[movie]"``; the extension of the output says
which format it is: .mp4, .webp or .gif.
"""

import hyperspy.api as hs
from _common import parse

from hyperspy_symseg import simulate

# %%
# Two calls: labels, and the movie.

options = parse(__doc__, "movie.webp")
if options.file:
    movie = hs.load(options.file, lazy=True)
else:
    shape = options.size, options.size
    movie, _ = simulate.moving_boundary(20, shape, speed=2, frame_time=0.1)
seg = movie.segment_symmetry(n_patterns=2)
seg.save_movie(options.output, movie, overwrite=True)
print(f"Movie: {options.output}")
