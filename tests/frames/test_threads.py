# SPDX-License-Identifier: GPL-3.0-or-later
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import sklearn.cluster  # noqa: F401  it brings OpenMP
from threadpoolctl import ThreadpoolController, threadpool_info

from hyperspy_symseg.frames import threads
from hyperspy_symseg.frames.threads import OneThread


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


def know_only(user_api, monkeypatch):
    """As if all other libraries had been loaded after the first visit."""
    one, some = OneThread(), ThreadpoolController().select(user_api=user_api)
    with monkeypatch.context() as patch:
        patch.setattr(threads, "ThreadpoolController", lambda: some)
        with one:
            pass
    return one


@pytest.mark.parametrize("known", ["blas", "openmp"])
def test_libraries_loaded_later_are_not_known(monkeypatch, before, known):
    with know_only(known, monkeypatch):
        assert set(numbers()) != {1}


@pytest.mark.parametrize("known", ["blas", "openmp"])
def test_libraries_loaded_later_are_found(monkeypatch, known):
    one = know_only(known, monkeypatch)
    one.look_again()
    with one:
        assert set(numbers()) == {1}


@pytest.mark.parametrize("known", ["blas", "openmp"])
def test_libraries_found_while_inside_are_limited(monkeypatch, before, known):
    with know_only(known, monkeypatch) as one:
        one.look_again()
        assert set(numbers()) == {1}


@pytest.mark.parametrize("known", ["blas", "openmp"])
def test_libraries_found_while_inside_are_restored(monkeypatch, before, known):
    with know_only(known, monkeypatch) as one:
        one.look_again()
    assert numbers() == before


def test_libraries_found_from_another_thread_are_limited(
    monkeypatch, two_threads, before
):
    with know_only("openmp", monkeypatch) as one:
        two_threads["a"](one.look_again)
        assert set(numbers()) == {1}
    assert numbers() == before
