# SPDX-License-Identifier: GPL-3.0-or-later
import threading
from dataclasses import dataclass

from hyperspy_symseg.frames.cached import cached_property


@dataclass(frozen=True)
class Square:
    side: int

    @cached_property
    def area(self):
        """Of the square."""
        calls.append(self.side)
        if self.side == 2:
            # Whoever asks for another one meanwhile need not wait for this one.
            thread = threading.Thread(target=lambda: others.append(Square(3).area))
            thread.start()
            thread.join(10)
        return self.side**2


calls, others = [], []


def test_it_is_computed_once():
    square = Square(5)
    assert (square.area, square.area) == (25, 25)
    assert calls.count(5) == 1


def test_others_do_not_wait():
    assert Square(2).area == 4
    assert others == [9]


def test_it_is_documented():
    assert Square.area.__doc__ == "Of the square."
