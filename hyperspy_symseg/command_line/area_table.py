# SPDX-License-Identifier: GPL-3.0-or-later
"""Areas against time: a table that grows by a line a frame, and its plot."""

import csv
import io
import os
import time
from datetime import UTC, datetime

import numpy as np

from hyperspy_symseg.frames.paths import temporary_path

# Before and after the areas of the patterns.
FIRST = ("file", "frame", "arrived", "time", "time_unit")
LAST = ("unlabelled", "area_unit")
# Seconds between pictures of the plot: drawing one takes a tenth of that.
BETWEEN_PICTURES = 2.0


class AreaTable:
    """Table of the areas in every frame, as CSV; a line is there whole or not at all.

    Parameters
    ----------
    path : pathlib.Path
        What is there is taken up; a last line that was cut off is dropped.
    words : list of str
        Number and name of each pattern.

    Raises
    ------
    ValueError
        If another table is there.
    """

    def __init__(self, path, words):
        self._path, self._header = path, [*FIRST, *words, *LAST]
        self._first_arrival = None
        self._has = set()
        # Times, and areas of the patterns: what is plotted.
        self.times, self.areas = [], []
        if path.exists():
            self._take_up()
        else:
            self._append(self._header)

    def _take_up(self):
        text = self._path.read_bytes()
        whole = text[: text.rfind(b"\n") + 1]
        if len(whole) < len(text):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        lines = list(csv.reader(io.StringIO(whole.decode())))
        if not lines:
            self._append(self._header)
        elif lines[0] != self._header:
            raise ValueError(
                f"{self._path} must have the columns {', '.join(self._header)}, got "
                f"{', '.join(lines[0])}. Use --overwrite to begin anew"
            )
        for line in lines[1:]:
            values = dict(zip(self._header, line, strict=True))
            areas = line[len(FIRST) : -len(LAST)]
            self._keep(values["file"], values["frame"], values["time"], areas)
            if self._first_arrival is None and not values["frame"]:
                arrived = datetime.fromisoformat(values["arrived"]).timestamp()
                self._first_arrival = arrived - float(values["time"])

    def _keep(self, name, frame, when, areas):
        self._has.add((name, str(frame)))
        self.times.append(float(when))
        self.areas.append([float(area) for area in areas])

    def _append(self, values):
        line = io.StringIO()
        csv.writer(line, lineterminator="\n").writerow(values)
        with self._path.open("a") as file:
            file.write(line.getvalue())
            file.flush()
            os.fsync(file.fileno())

    def has(self, name, frame):
        """Whether there is a line of a frame: bool.

        Parameters
        ----------
        name : str
        frame : str
        """
        return (name, str(frame)) in self._has

    def add(self, name, frame, arrived, when, measured):
        """Write a line.

        Parameters
        ----------
        name : str
            Of the file.
        frame : str
            Which it is of the file; empty if it is the only one.
        arrived : float
            Seconds since 1970.
        when : (float, str) or None
            Value on the navigation axis, and its unit. None, of a file of one image:
            the time since the first of these.
        measured : MeasuredAreas

        Returns
        -------
        (float, str)
            When it is.
        """
        if when is None and self._first_arrival is None:
            self._first_arrival = arrived
        value, units = when or (arrived - self._first_arrival, "s")
        areas = measured.areas[:, 0].tolist()
        iso = datetime.fromtimestamp(arrived, UTC).isoformat()
        first = name, frame, iso, f"{value:.9g}", units
        self._append(
            [
                *first,
                *(f"{area:.9g}" for area in areas),
                f"{measured.unlabelled[0]:.6g}",
                measured.unit,
            ]
        )
        self._keep(name, frame, value, areas)
        return value, units


class AreaPlot:
    """Plot of a table: a window where there is a display, and a picture.

    Parameters
    ----------
    path : pathlib.Path
        Of the picture.
    words : list of str
        Of the patterns.
    """

    def __init__(self, path, words):
        import matplotlib.pyplot as plt

        from hyperspy_symseg.plotting import pattern_colors

        self._path, self._drawn, self._n_drawn = path, -np.inf, 0
        self._figure, self._axes = plt.subplots(layout="constrained")
        colors = pattern_colors(len(words))[1]
        self._lines = [
            self._axes.plot([], [], ".-", color=color, label=word)[0]
            for word, color in zip(words, colors, strict=True)
        ]
        self._axes.legend()
        canvas = self._figure.canvas
        self._is_shown = bool(getattr(canvas, "required_interactive_framework", None))
        if self._is_shown:
            plt.show(block=False)

    def draw(self, table, labels, *, at_once=False):
        """Draw a table, if it has changed, and not too often.

        Parameters
        ----------
        table : AreaTable
        labels : (str, str)
            Of the axes.
        at_once : bool
            Whether it is drawn however short ago it was.
        """
        is_due = at_once or time.monotonic() - self._drawn > BETWEEN_PICTURES
        if not is_due or len(table.times) == self._n_drawn:
            return
        order = np.argsort(table.times, kind="stable")
        times, areas = np.array(table.times)[order], np.array(table.areas)[order]
        for line, values in zip(self._lines, areas.T, strict=True):
            line.set_data(times, values)
        self._axes.set(xlabel=labels[0], ylabel=labels[1])
        self._axes.relim()
        self._axes.autoscale_view()
        temporary = temporary_path(self._path)
        self._figure.savefig(temporary)
        temporary.replace(self._path)
        self._drawn, self._n_drawn = time.monotonic(), len(table.times)

    def wait(self, seconds):
        """Wait, with the window alive."""
        if self._is_shown:
            self._figure.canvas.draw_idle()
            self._figure.canvas.start_event_loop(seconds)
        else:
            time.sleep(seconds)
