# SPDX-License-Identifier: GPL-3.0-or-later
"""The threads of a call, and one thread for the libraries below NumPy."""

from __future__ import annotations

import functools
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, ParamSpec, Self, TypeVar

from dask.system import CPU_COUNT
from threadpoolctl import ThreadpoolController

from .checks import check_whole, shown
from .forks import hold_over_forks

P = ParamSpec("P")
R = TypeVar("R")

# Threads that anybody can ask for.
MOST_WORKERS = 2**15
# Size of arrays from which on many steps with them are worth a thread: one thread at a
# time has the interpreter, and with smaller ones it takes longer to wait for it. The
# crops that templates are learnt from are larger; a frame of 128 x 128 blocks is not.
WORTH_A_THREAD = 25_000


class OneThread:
    """Limit the threads of numerical libraries to one while anybody is inside.

    Frames and tiles have threads of their own. With more below them, the processor
    would be crowded, and sums would round differently with their number.

    Some libraries (OpenBLAS) have one limit for the whole process: the first to come in
    sets it, and the last to leave lifts it. Others (OpenMP, MKL) have one for each
    thread, which each sets for itself: the threads of a pool have to, too. A thread
    that is inside can come in again.

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
        self._own = _Visits()

    def limit_for_good(self):
        """Limit this thread, which ends before those that are inside leave."""
        with self._lock:
            self._controller.limit(limits=1)

    def _limit(self, limits):
        """Limit this thread until a stack is closed."""
        limits.enter_context(self._controller.limit(limits=1))

    def __enter__(self):
        """Set the limit."""
        with self._lock:
            if self._controller is None:
                # Not for every frame: it takes a millisecond.
                self._controller = ThreadpoolController()
            if self._inside == 0:
                # Not for good: a process may end without a word.
                self._keeper, self._limits = ThreadPoolExecutor(1), ExitStack()
                # threadpoolctl lets only the thread that has set the limit of OpenBLAS
                # lift it, and ignores all others: the last to leave is seldom the first
                # to come in.
                self._keeper.submit(self._limit, self._limits).result()
            self._inside += 1
            self._own.visits.append(ExitStack())
            try:
                self._limit(self._own.visits[-1])
            except BaseException:
                # Such as Ctrl-C: nobody else would lift the limit.
                self.__exit__()
                raise
        return self

    def __exit__(self, *exception):
        """Lift the limit."""
        with self._lock:
            self._own.visits.pop().close()
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
        if self._own.visits:
            self._keeper = ThreadPoolExecutor(1)
        elif self._inside:
            self._limits.close()
        self._inside = len(self._own.visits)


class _Visits(threading.local):
    """What a thread limited each time that it came in."""

    def __init__(self):
        self.visits = []


one_thread = OneThread()
hold_over_forks(
    one_thread.before_fork,
    one_thread.after_fork,
    one_thread.after_fork_in_child,
    one_thread.missed_fork_in_child,
)


def check_num_workers(num_workers):
    """Number of threads, as Python's own int.

    Parameters
    ----------
    num_workers : int or None

    Returns
    -------
    int or None

    Raises
    ------
    TypeError
        If it is neither None nor an integer.
    ValueError
        If it is out of range.
    """
    if num_workers is None:
        return None
    return check_whole("num_workers", num_workers, 1, MOST_WORKERS)


class workers:
    """Context in which `pmap` has threads, and long work has a progress bar.

    Outside of any, and in the threads themselves, `pmap` is `map`: so threads never
    have threads below them.

    Parameters
    ----------
    num_workers : int, optional
        Number of threads; by default one a processor. One is no thread but this.
    progress : callable, optional
        Wraps the iterator over the parts of the work, and takes `total`, `desc` and
        `unit`, as ``tqdm.tqdm`` does.

    Raises
    ------
    TypeError, ValueError
        If one of them is not allowed.

    Examples
    --------
    >>> with workers(2):
    ...     pmap(abs, [-1, 2])
    [1, 2]
    """

    def __init__(
        self,
        num_workers: int | None = None,
        progress: Callable[..., Any] | None = None,
    ) -> None:
        if progress is not None and not callable(progress):
            raise TypeError(
                f"progress must be callable or None, got {shown(progress)}."
            )
        self.num_workers = check_num_workers(num_workers) or CPU_COUNT
        self.progress = progress
        self._pool, self._process, self._limits = None, None, ExitStack()

    def __enter__(self) -> Self:
        """Give this thread these workers."""
        self._outer = _here.workers
        _here.workers = self
        return self

    def __exit__(self, *exception: Any) -> None:
        """Give this thread what it had before."""
        _here.workers = self._outer
        if self._process == os.getpid():
            self._pool.shutdown()
        self._pool = self._process = None
        self._limits.close()

    @property
    def pool(self):
        """The threads, from when they are first wanted: ThreadPoolExecutor."""
        # A process that was forked has none of them.
        if self._process != os.getpid():
            # This thread keeps the limit of the process while the others live.
            self._limits.enter_context(one_thread)
            self._pool = ThreadPoolExecutor(
                self.num_workers, initializer=one_thread.limit_for_good
            )
            self._process = os.getpid()
        return self._pool


class _Here(threading.local):
    """What a thread has: no workers, to begin with."""

    workers = None


_here = _Here()
# What each thread of `pmap` has.
_SERIAL = workers(1)


def with_workers(function: Callable[P, R]) -> Callable[P, R]:
    """Give a function one worker a processor, unless its caller has some.

    Parameters
    ----------
    function : callable

    Returns
    -------
    callable
    """

    @functools.wraps(function)
    def door(*arguments, **options):
        if _here.workers is not None:
            return function(*arguments, **options)
        with workers():
            return function(*arguments, **options)

    return door


def n_workers():
    """Number of threads of the context; outside of any, one a processor: int."""
    return CPU_COUNT if _here.workers is None else _here.workers.num_workers


def pmap(function, *items, counted=None, size=None):
    """Results of a function, as from `map`, in the threads of the context.

    The only one of its kind is done in this thread, with the workers for what it does
    itself.

    Parameters
    ----------
    function : callable
    *items : sequence
        Of one length.
    counted : str, optional
        What the progress bar calls the work, if these are the parts that it counts.
    size : int, optional
        Of the arrays that the work on an item goes through, in many steps: the work on
        small ones is done in this thread.

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If the progress bar does not go over all of them.
    """
    here, n_items = _here.workers, len(items[0])
    alone = functools.partial(_alone, function)
    if n_items == 1:
        done = map(function, *items)
    elif _has_no_threads(here, size):
        done = map(alone, *items)
    else:
        done = here.pool.map(alone, *items)
    return list(tracked(done, n_items, counted))


def meanwhile(function, *given, size=None):
    """Begin with what is wanted later, in a thread of the context.

    Without one it is done in this thread, when it is asked for. It may wait for what
    was begun before it.

    Parameters
    ----------
    function : callable
    *given
        What it takes.
    size : int, optional
        As for `pmap`.

    Returns
    -------
    callable
        Gives the result, as often as it is asked for.
    """
    here, work = _here.workers, functools.partial(_alone, function, *given)
    if _has_no_threads(here, size):
        return functools.cache(work)
    return here.pool.submit(work).result


def _has_no_threads(here, size):
    """Whether workers, or None, have no thread for arrays of a size: bool."""
    is_small = size is not None and size < WORTH_A_THREAD
    return here is None or here.num_workers == 1 or is_small


def _alone(function, *each):
    """Result of a function that has no threads below it."""
    outer, _here.workers = _here.workers, _SERIAL
    try:
        return function(*each)
    finally:
        _here.workers = outer


def tracked(items, total, description, unit="it"):
    """Items that the progress bar of the context hands on.

    Parameters
    ----------
    items : iterable
    total : int
    description, unit : str
        Of the work, and of what is counted. Without a description, there is no bar.

    Returns
    -------
    iterable

    Raises
    ------
    ValueError
        If it does not go over all of them: results would not be filled.
    """
    progress = _here.workers and description and _here.workers.progress
    if not progress:
        return items
    bar = functools.partial(progress, total=total, desc=description, unit=unit)
    return _all_of(items, total, bar)


def _all_of(items, total, bar):
    """Items that a progress bar hands on, if it goes over all of them."""
    n_done = 0

    def counted():
        nonlocal n_done
        for each in items:
            n_done += 1
            yield each

    yield from bar(counted())
    if n_done < total:
        raise ValueError(
            f"progress must go over all {total} parts of the work, got {n_done}."
        )
