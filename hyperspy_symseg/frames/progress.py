# SPDX-License-Identifier: GPL-3.0-or-later
"""One progress bar for a whole call."""

import threading
import time

from tqdm.std import TqdmDefaultWriteLock

from .forks import hold_over_forks

# A process forked while another thread writes a bar could never write one.
_lock = TqdmDefaultWriteLock.th_lock
hold_over_forks(_lock.acquire, _lock.release, _lock.release)


class ProgressBar:
    """The progress bar of one call; its name says which phase of it goes on.

    It appears when the call has taken a second, and stays when it is done.

    Parameters
    ----------
    make : callable or None
        Makes a bar as ``tqdm.tqdm`` does. None: there is none.
    description : str
        Of the call, until a phase begins.

    Attributes
    ----------
    delay : float
        What takes less than this, in seconds, has no bar.

    Examples
    --------
    >>> from tqdm import tqdm
    >>> from hyperspy_symseg.frames.threads import pmap, workers
    >>> with ProgressBar(tqdm, "Segmenting") as bar, workers(2, bar.progress):
    ...     pmap(abs, [-1, 2], counted="Segmenting")
    [1, 2]
    """

    delay = 1.0

    def __init__(self, make, description):
        self._make, self._is_shown = make, make is not None
        self._lock, self._bar = threading.Lock(), None
        self._begin(description, "it", None)
        self._timer = threading.Timer(self.delay, self._appear)
        self._timer.daemon = True

    def __enter__(self):
        """Wait for a second to pass."""
        if self._is_shown:
            self._timer.start()
        return self

    def __exit__(self, *exception):
        """Leave the bar as it is."""
        self._timer.cancel()
        with self._lock:
            self._is_shown = False
            if self._bar is not None:
                self._bar.close()

    @property
    def progress(self):
        """Function that `workers` takes; None where no bar is to be shown."""
        return self._watched if self._is_shown else None

    def _watched(self, items, total, desc, unit):
        """Items of a phase, counted as they are done: iterator."""
        self._begin(desc, unit, total)
        for item in items:
            yield item
            self._advance()

    def _begin(self, description, unit, total):
        with self._lock:
            self._phase = {"desc": description, "unit": unit, "total": total}
            self._began, self._n_done = time.time(), 0
            if self._bar is not None:
                self._bar.unit = unit
                self._bar.set_description(description, refresh=False)
                self._bar.reset(total)

    def _advance(self):
        with self._lock:
            self._n_done += 1
            if self._bar is not None:
                self._bar.update()

    def _appear(self):
        """Show the bar as it would be by now."""
        with self._lock:
            if self._is_shown:
                self._bar = self._make(**self._phase)
                self._bar.start_t = self._bar.last_print_t = self._began
                # `update` writes nothing in a phase that has just begun.
                self._bar.n = self._n_done
                self._bar.refresh()
