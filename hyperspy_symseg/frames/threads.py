# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread for the libraries below NumPy and scikit-learn."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from dask.system import CPU_COUNT
from threadpoolctl import ThreadpoolController

from .forks import hold_over_forks


class OneThread:
    """Limit the threads of numerical libraries to one while anybody is inside.

    Frames and tiles have threads of their own. With more below them, the processor
    would be crowded, and sums would round differently with their number.

    Some libraries (OpenBLAS) have one limit for the whole process: the first to come in
    sets it, and the last to leave lifts it. Others (OpenMP, MKL) have one for each
    thread, which each sets for itself: the threads of a pool have to come in too. A
    thread that is inside can come in again.

    A process that is forked has only the thread that forked it; see `before_fork`.

    Examples
    --------
    >>> from threadpoolctl import threadpool_info
    >>> with one_thread:
    ...     all(library["num_threads"] == 1 for library in threadpool_info())
    True
    """

    def __init__(self):
        # Of threadpoolctl's locks too, which it is called under. A thread can fork
        # while it has this one, in a signal handler.
        self._lock = threading.RLock()
        self._inside = 0
        self._controller = None
        self._keeper, self._limits = None, None
        self._own = threading.local()

    def look_again(self):
        """Find libraries that were loaded since the limit was first set."""
        with self._lock:
            self._controller = ThreadpoolController()
            if self._inside:
                self._limit_process()
            if self._visits:
                self._limit_here()

    @property
    def _visits(self):
        """What this thread limited each time that it came in: list of ExitStack."""
        if not hasattr(self._own, "visits"):
            self._own.visits = []
        return self._own.visits

    def _limit_here(self):
        self._visits[-1].enter_context(self._controller.limit(limits=1))

    def _limit_process(self):
        # threadpoolctl lets only the thread that has set the limit of OpenBLAS lift it,
        # and ignores all others: the last to leave is seldom the first to come in.
        def limit():
            self._limits.enter_context(self._controller.limit(limits=1))

        self._keeper.submit(limit).result()

    def __enter__(self):
        """Set the limit."""
        with self._lock:
            if self._controller is None:
                # Not for every frame: it takes a millisecond.
                self._controller = ThreadpoolController()
            if self._inside == 0:
                # Not for good: a process may end without a word.
                self._keeper, self._limits = ThreadPoolExecutor(1), ExitStack()
                self._limit_process()
            self._inside += 1
            self._visits.append(ExitStack())
            try:
                self._limit_here()
            except BaseException:
                # Such as Ctrl-C: nobody else would lift the limit.
                self.__exit__()
                raise
        return self

    def __exit__(self, *exception):
        """Lift the limit."""
        with self._lock:
            self._visits.pop().close()
            self._inside -= 1
            if self._inside == 0:
                self._keeper.submit(self._limits.close).result()
                self._keeper.shutdown()

    def before_fork(self):
        """Wait until no other thread is at the limits, and keep them all away."""
        self._lock.acquire()

    def after_fork(self):
        """Let the others in again."""
        self._lock.release()

    def after_fork_in_child(self):
        """Forget the threads that this process does not have."""
        self._forget_threads()
        self._lock.release()

    def missed_fork_in_child(self):
        """Do the same where nobody has waited: another thread may have the lock."""
        self._lock = threading.RLock()
        self._forget_threads()

    def _forget_threads(self):
        if self._visits:
            self._keeper = ThreadPoolExecutor(1)
        elif self._inside:
            self._limits.close()
        self._inside = len(self._visits)


one_thread = OneThread()
hold_over_forks(
    one_thread.before_fork,
    one_thread.after_fork,
    one_thread.after_fork_in_child,
    one_thread.missed_fork_in_child,
)


@contextmanager
def pool_map(num_workers=None):
    """Context with a function that does what `map` does, in threads.

    Parameters
    ----------
    num_workers : int, optional
        Number of threads; by default one a processor. One is no thread but this.

    Examples
    --------
    >>> with pool_map(2) as mapped:
    ...     list(mapped(abs, [-1, 2]))
    [1, 2]
    """
    if (num_workers or CPU_COUNT) == 1:
        yield map
        return
    with ThreadPoolExecutor(num_workers or CPU_COUNT) as pool:

        def mapped(function, *items):
            def alone(*each):
                with one_thread:
                    return function(*each)

            return pool.map(alone, *items)

        yield mapped
