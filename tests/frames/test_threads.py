# SPDX-License-Identifier: GPL-3.0-or-later
import contextlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn.cluster  # noqa: F401  it brings OpenMP
from threadpoolctl import ThreadpoolController, threadpool_info

from hyperspy_symseg.frames.threads import (
    WORTH_A_THREAD,
    OneThread,
    meanwhile,
    n_workers,
    pmap,
    tracked,
    with_workers,
    workers,
)


def numbers():
    """Threads of each library, as this thread sees them."""
    return [library["num_threads"] for library in threadpool_info()]


@pytest.fixture(scope="module", autouse=True)
def first_numbers():
    """Before any of the tests below."""
    return numbers()


@pytest.fixture
def before(first_numbers):
    """All numbers of threads before the test; 1 is not among them."""
    if min(first_numbers) == 1:
        pytest.skip("libraries have one thread anyway")
    return first_numbers


@pytest.fixture
def one():
    return OneThread()


@pytest.fixture
def two_threads():
    """Two threads that do what they are told."""
    with ThreadPoolExecutor(1) as a, ThreadPoolExecutor(1) as b:
        yield {
            name: lambda function, pool=pool: pool.submit(function).result()
            for name, pool in (("a", a), ("b", b))
        }


def leave(one):
    return lambda: one.__exit__(None, None, None)


def test_one_thread_inside(one):
    with one:
        assert set(numbers()) == {1}


def test_numbers_are_restored(one, before):
    with one:
        pass
    assert numbers() == before


def test_numbers_are_restored_after_an_error(one, before):
    with pytest.raises(OSError, match="broken"), one:
        raise OSError("broken")
    assert numbers() == before


def test_an_error_is_not_swallowed(one):
    def fail():
        with one:
            raise OSError("broken")

    with pytest.raises(OSError, match="broken"):
        fail()


def test_limit_holds_until_the_outermost_is_left(one, before):
    with one:
        with one:
            pass
        assert set(numbers()) == {1}
    assert numbers() == before


def test_can_be_entered_again_after_it_was_left(one, before):
    for _ in range(3):
        with one:
            assert set(numbers()) == {1}
        assert numbers() == before


def test_one_thread_inside_another_thread(one, two_threads):
    with one:
        two_threads["a"](one.__enter__)
        assert set(two_threads["a"](numbers)) == {1}
        two_threads["a"](leave(one))


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_who_stays_inside_has_one_thread(one, two_threads, order):
    for name in "ab":
        two_threads[name](one.__enter__)
    first, second = order
    two_threads[first](leave(one))
    assert set(two_threads[second](numbers)) == {1}
    two_threads[second](leave(one))


@pytest.mark.parametrize("order", ["ab", "ba"])
@pytest.mark.parametrize("where", ["a", "b"])
def test_numbers_are_restored_in_threads_that_overlapped(
    one, two_threads, before, order, where
):
    for name in "ab":
        two_threads[name](one.__enter__)
    for name in order:
        two_threads[name](leave(one))
    assert two_threads[where](numbers) == before


@pytest.mark.parametrize("order", ["ab", "ba"])
def test_numbers_are_restored_outside_threads_that_overlapped(
    one, two_threads, before, order
):
    for name in "ab":
        two_threads[name](one.__enter__)
    for name in order:
        two_threads[name](leave(one))
    assert numbers() == before


def test_error_in_one_thread_leaves_the_limit_to_the_other(one, two_threads, before):
    def fail():
        with one:
            raise OSError("broken")

    two_threads["a"](one.__enter__)
    with pytest.raises(OSError, match="broken"):
        two_threads["b"](fail)
    assert set(two_threads["a"](numbers)) == {1}
    two_threads["a"](leave(one))
    assert numbers() == before


def test_numbers_are_restored_after_many_threads(one, before):
    def work(i):
        with one:
            np.ones((50, 50)) @ np.ones((50, 50))
            return set(numbers())

    with ThreadPoolExecutor(6) as pool:
        inside = list(pool.map(work, range(60)))
    assert all(each == {1} for each in inside)
    assert numbers() == before


def test_others_can_limit_threads_afterwards(one, two_threads, before):
    two_threads["a"](one.__enter__)
    two_threads["a"](leave(one))
    with ThreadpoolController().limit(limits=1):
        assert set(numbers()) == {1}
    assert numbers() == before


def names(n, counted=None):
    """Threads that each of n things is done in, all of them at once if they can be."""
    return pmap(lambda _: threading.current_thread().name, range(n), counted=counted)


def test_outside_of_any_context_there_are_no_threads():
    assert set(names(5)) == {threading.current_thread().name}


def test_threads_of_a_context():
    barrier = threading.Barrier(3, timeout=5)
    with workers(3):
        pmap(lambda _: barrier.wait(), range(3))


def test_threads_of_a_context_have_none_below_them(before):
    with workers(2):
        seen = pmap(lambda _: numbers(), range(8))
    assert all(set(each) == {1} for each in seen)
    assert numbers() == before


@pytest.mark.parametrize(
    ("size", "n_threads"), [(WORTH_A_THREAD - 1, 1), (WORTH_A_THREAD, 2)]
)
def test_work_on_small_arrays_is_done_in_this_thread(size, n_threads):
    barrier = threading.Barrier(n_threads, timeout=10)

    def own(_):
        barrier.wait()
        return threading.current_thread()

    with workers(2):
        found = set(pmap(own, range(2), size=size))
    assert len(found) == n_threads
    assert (threading.current_thread() in found) == (n_threads == 1)


def test_what_is_begun_goes_on_meanwhile():
    both = threading.Barrier(2, timeout=10)
    with workers(2):
        wait = meanwhile(both.wait)
        assert {both.wait(), wait()} == {0, 1}


@pytest.mark.parametrize(
    ("num_workers", "size"), [(1, None), (2, WORTH_A_THREAD - 1), (None, None)]
)
def test_without_a_thread_it_is_done_once_when_it_is_asked_for(num_workers, size):
    done = []

    def work(what):
        done.append(what)
        return threading.current_thread()

    with contextlib.nullcontext() if num_workers is None else workers(num_workers):
        result = meanwhile(work, 7, size=size)
        assert done == []
        assert result() is result() is threading.current_thread()
    assert done == [7]


@pytest.mark.parametrize("size", [None, 1])
def test_what_is_begun_has_no_threads_below_it(size):
    def inner():
        return threading.current_thread().name, set(names(3)), n_workers()

    with workers(2):
        own, within, n = meanwhile(inner, size=size)()
    assert within == {own}
    assert n == 1


@pytest.mark.parametrize("num_workers", [1, 2])
def test_it_may_wait_for_what_was_begun_before(num_workers):
    with workers(num_workers):
        first = meanwhile(time.sleep, 0.01)
        others = [meanwhile(first) for _ in range(5)]
        assert [each() for each in others] == [None] * 5


@pytest.mark.parametrize("num_workers", [1, 2])
def test_its_error_is_raised_where_it_is_asked_for(num_workers):
    with workers(num_workers):
        result = meanwhile(int, "seven")
        with pytest.raises(ValueError, match="seven"):
            result()


def test_order_is_kept():
    with workers(4):
        assert pmap(pow, range(50), [2] * 50) == [i**2 for i in range(50)]


def test_in_a_thread_there_are_no_threads():
    def inner(_):
        return threading.current_thread().name, set(names(3))

    with workers(2):
        for outer, within in pmap(inner, range(4)):
            assert within == {outer}


def test_what_is_done_alone_has_the_threads_itself():
    barrier = threading.Barrier(2, timeout=5)
    with workers(2):
        pmap(lambda _: pmap(lambda _: barrier.wait(), range(2)), [0])


def test_contexts_within_each_other():
    with workers(4):
        with workers(1):
            assert set(names(9)) == {threading.current_thread().name}
        barrier = threading.Barrier(4, timeout=5)
        pmap(lambda _: barrier.wait(), range(4))


def test_door_gives_workers_unless_there_are_some():
    @with_workers
    def door():
        return set(names(9))

    with workers(1):
        assert door() == {threading.current_thread().name}
    assert threading.current_thread().name not in door()


def test_error_in_a_thread_is_raised():
    with workers(2), pytest.raises(ZeroDivisionError):
        pmap(lambda x: 1 // x, [1, 0, 1])


@pytest.mark.parametrize("num_workers", [1, 2])
def test_progress_of_what_is_counted(num_workers):
    seen = []

    def progress(items, **labels):
        seen.append(labels)
        yield from items

    with workers(num_workers, progress):
        names(3)
        names(4, counted="Scoring")
        pmap(lambda _: names(2, counted="Not shown"), range(2))
    assert seen == [{"total": 4, "desc": "Scoring", "unit": "it"}]


def test_progress_that_does_not_go_over_all():
    with (
        workers(1, lambda items, **labels: [next(items)]),
        pytest.raises(ValueError, match="^progress must go over all 3 parts .* got 1"),
    ):
        list(tracked("abc", 3, "Scoring"))


@pytest.mark.parametrize(("number", "error"), [(0, ValueError), ("2", TypeError)])
def test_number_of_threads_not_allowed(number, error):
    with pytest.raises(error, match="^num_workers must be an int from 1 to"):
        workers(number)


def test_progress_not_allowed():
    with pytest.raises(TypeError, match="^progress must be callable or None, got 3"):
        workers(2, 3)
