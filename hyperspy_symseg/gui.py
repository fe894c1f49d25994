# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels changed by hand in a notebook: a picture to paint on, and its controls.

Widgets alone: what they do is in `label_edits`.
"""

import contextlib
import html
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from .optional import optional
from .plotting import PATTERN_COLORS, pattern_colors, pattern_words

# Numbers of patterns to choose from, where fewer were tried.
MOST_PATTERNS = 8
# Of the brush, in pixels: in the beginning, as a share of a period, or without one; and
# at most, as a share of the shorter side.
SHARE_OF_PERIOD, FIRST_WIDTH, WIDEST = 1.0, 9, 0.25
# Radius of the circle of an example in the beginning, in periods, or without one as a
# share of the shorter side. It has more than the 16 cells that an example needs.
RADIUS_IN_PERIODS, SHARE_OF_SIDE = 3.0, 0.1
# Of the picture, in inches.
SIZE = 6.0, 6.0
# Buttons of a mouse.
LEFT, RIGHT = 1, 3
BRUSH, RECTANGLE, POLYGON, EXAMPLES = "brush", "rectangle", "polygon", "examples"
NO_LABEL = -1


class LabelsEditor:
    """What `SymmetryLabels.edit` shows: micrograph, tools and names.

    Parameters
    ----------
    labels : SymmetryLabels
        They stay as they are.
    signal : Signal2D, optional
        The micrographs.
    mask : array of bool or BaseSignal, optional
        That the labels were made with.

    Attributes
    ----------
    edits : hyperspy_symseg.label_edits.LabelEdits
        What was done, which widgets call.
    figure : matplotlib.figure.Figure
        HyperSpy's plot of the picture.
    box : ipywidgets.Widget
        The controls; with ipympl, beside the figure.

    Raises
    ------
    ImportError
        If ipywidgets are not installed.
    TypeError, ValueError
        If the signal is none, or has another shape.
    """

    def __init__(self, labels, signal=None, mask=None):
        self._widgets = optional("ipywidgets", "SymmetryLabels.edit", "gui")
        from .label_edits import LabelEdits

        self.edits = LabelEdits(labels, signal, mask)
        self._rois, self._examples, self._line, self._points = {}, {}, None, []
        self._is_setting, self._of_roi = False, set()
        self._picture = self.edits.picture()
        # It is in the box with ipympl, and not in the cell above it, too.
        with plt.ioff():
            figure = plt.figure(figsize=SIZE)
            self._picture.plot(fig=figure)
        self.figure = figure
        self._make_controls()
        self._connect()
        self._refresh()
        canvas = self.figure.canvas
        is_widget = isinstance(canvas, self._widgets.Widget)
        both = [canvas, self.controls] if is_widget else [self.controls]
        self.box = self._widgets.HBox(both)
        if "inline" in mpl.get_backend().lower():
            self._say("To paint, have a canvas that takes a mouse: %matplotlib widget")

    @property
    def labels(self):
        """The labels with all that was done: SymmetryLabels or LazySymmetryLabels.

        What was done is in their metadata, see `SymmetryLabels.replay`.
        """
        return self.edits.labels

    def _repr_mimebundle_(self, **how):
        """Shown in a notebook as its box is."""
        return self.box._repr_mimebundle_(**how)

    def _make_controls(self):
        """Make all widgets, as they are in the beginning."""
        w, edits = self._widgets, self.edits
        axes = self._picture.axes_manager.signal_axes[::-1]
        shorter = min(axis.size for axis in axes)
        n, costs = edits.n_patterns, edits.costs
        most = max(n, len(costs) or MOST_PATTERNS)
        later = {"continuous_update": False}
        self.number = w.IntSlider(min(n, most), 1, most, description="patterns")
        self.number.continuous_update = False
        self.number.disabled = edits.signal is None
        self.costs = w.HTML()
        navigation = edits.navigation
        self.frames = [
            w.IntSlider(0, 0, size - 1, description=name, **later)
            for name, size in navigation
        ]
        tools = [BRUSH, RECTANGLE, POLYGON]
        if edits.signal is not None:
            tools.append(EXAMPLES)
        self.tool = w.ToggleButtons(options=tools, description="tool")
        self.tool.style.button_width = "84px"
        self.tool.layout.width = "400px"
        self.pattern = w.Dropdown(options=[("", 0)], description="becomes")
        widest = max(int(WIDEST * shorter), 1)
        first = min(edits.period_in_pixels or FIRST_WIDTH, widest)
        self.width = w.IntSlider(
            max(round(first), 1), 1, widest, description="width (px)"
        )
        self.all_frames = w.Checkbox(False, description="in all frames")
        self.apply = w.Button(description="Paint region")
        self.undo = w.Button(description="Undo", icon="undo")
        self.tint = w.FloatSlider(0.5, min=0, max=1, step=0.05, description="tint")
        self.tint.disabled = edits.signal is None
        self.example = w.Text("", placeholder="name", description="example")
        self.add = w.Button(description="Add circle")
        self.segment = w.Button(description="Segment by these")
        self.names, self.status = w.VBox(), w.HTML()
        self.done = w.Button(description="Done", icon="check")
        self._of_regions = w.HBox([self.apply])
        self._of_examples = w.VBox([self.example, w.HBox([self.add, self.segment])])
        rows = [self.number, self.costs, *self.frames, self.tint, self.tool]
        rows += [self.pattern, self.width]
        rows += [self.all_frames] if navigation else []
        rows += [self._of_regions, self._of_examples, self.undo]
        rows += [self.names, self.done, self.status]
        self.controls = w.VBox(rows)

    def _connect(self):
        """Have widgets and the mouse call what they do."""
        for widget, call in (
            (self.number, self._on_number),
            (self.tool, self._on_tool),
            (self.tint, self._on_tint),
            *((slider, self._on_frame) for slider in self.frames),
        ):
            widget.observe(call, "value")
        for button, call in (
            (self.apply, self._on_apply),
            (self.undo, self._on_undo),
            (self.add, self._on_add),
            (self.segment, self._on_segment),
            (self.done, self._on_done),
        ):
            button.on_click(call)
        canvas = self.figure.canvas
        canvas.mpl_connect("button_press_event", self._on_press)
        canvas.mpl_connect("motion_notify_event", self._on_move)
        canvas.mpl_connect("button_release_event", self._on_release)

    @contextlib.contextmanager
    def _doing(self, what=""):
        """Say what is done, and what was wrong: nobody sees errors of callbacks."""
        self._say(what)
        try:
            yield
            n, examples = len(self.edits.steps), ", ".join(self._examples)
            said = f"{n} change{'s' * (n != 1)} by hand"
            is_of_these = self.tool.value == EXAMPLES and examples
            self._say(f"Examples: {examples}" if is_of_these else said)
        except (TypeError, ValueError, RuntimeError) as error:
            self._say(str(error))
        self._refresh()

    def _say(self, text):
        """Show a text below the widgets."""
        self.status.value = html.escape(text)

    def _refresh(self):
        """Show what the edits are now, in the picture and in the widgets."""
        self._draw()
        edits, n = self.edits, self.edits.n_patterns
        # What is set here was not asked for by the user.
        self._is_setting = True
        words, colors = pattern_words(n, edits.names), pattern_colors(n)[1]
        options = [(word, k) for k, word in enumerate(words)]
        options += [(f"{n} new pattern", n), ("no label", NO_LABEL)]
        chosen = self.pattern.value
        self.pattern.options = options
        known = [value for _, value in options]
        self.pattern.value = chosen if chosen in known else 0
        if isinstance(edits.key, int):
            self.number.max = max(self.number.max, edits.key)
            self.number.value = edits.key
        self.costs.value = self._costs_table()
        self._set_names(words, colors)
        self._of_regions.layout.display = self._shown_if(RECTANGLE, POLYGON)
        self._of_examples.layout.display = self._shown_if(EXAMPLES)
        self.width.layout.display = self._shown_if(BRUSH)
        for widget in (self.pattern, self.all_frames):
            widget.layout.display = self._shown_if(BRUSH, RECTANGLE, POLYGON)
        self.undo.disabled = not edits.steps
        self._is_setting = False

    def _shown_if(self, *tools):
        """Value of `display` of what belongs to some of the tools: None or str."""
        return None if self.tool.value in tools else "none"

    def _draw(self):
        """Draw the picture of the frame in view."""
        self._picture.data = self.edits.picture(self.tint.value).data
        self._picture.events.data_changed.trigger(self._picture)

    def _costs_table(self):
        """What each number of patterns is worth, that in view in bold: str of HTML."""
        said, key = self.edits.costs, self.edits.key
        if not said:
            return html.escape(f"No costs: {self.edits.why_no_costs}.")
        lines = []
        # Those of which the same is said are in one line.
        for words, group in itertools.groupby(enumerate(said, 1), lambda each: each[1]):
            numbers = [n for n, _ in group]
            span = " to ".join(map(str, dict.fromkeys((numbers[0], numbers[-1]))))
            line = html.escape(f"{span}: {words}")
            lines.append(f"<b>{line}</b>" if key in numbers else line)
        return "<br>".join(lines)

    def _set_names(self, words, colors):
        """Text fields of the names, each in the colour of its pattern."""
        fields = list(self.names.children[: len(words)])
        for k in range(len(fields), len(words)):
            fields.append(self._widgets.Text(description=f"name {k}"))
            fields[k].continuous_update = False
            fields[k].observe(self._on_name, "value")
        names = self.edits.names or ("",) * len(words)
        for field, name, word, color in zip(fields, names, words, colors, strict=True):
            field.value, field.placeholder = name, word
            field.layout.border_left = f"8px solid {mpl.colors.to_hex(color)}"
        self.names.children = fields

    def _on_number(self, change):
        """Segment into the number of patterns that was chosen."""
        if not self._is_setting:
            with self._doing(f"Segmenting into {change.new} patterns ..."):
                self.edits.choose(change.new)

    def _on_frame(self, _):
        """Show the frame that was chosen."""
        with self._doing():
            self.edits.show(tuple(slider.value for slider in self.frames))

    def _on_tint(self, _):
        """Tint the picture as strongly as was chosen."""
        self._draw()

    def _on_name(self, _):
        """Rename the patterns as the text fields say."""
        if self._is_setting:
            return
        names = [text.value.strip() for text in self.names.children]
        # All have names, or none.
        names = [name or f"pattern {k}" for k, name in enumerate(names)]
        with self._doing():
            self.edits.rename(names)

    def _on_undo(self, _):
        """Take the last change back."""
        with self._doing():
            self.edits.undo()

    def _on_tool(self, _):
        """Show the region of a tool, and hide those of others."""
        from hyperspy.api import roi

        ax = self.figure.axes[0]
        for each in (*self._rois.values(), *self._examples.values()):
            each.remove_widget(self._picture)
        # HyperSpy leaves the lines of a polygon.
        for artist in self._of_roi & set(ax.get_children()):
            artist.remove()
        self._rois, before = {}, set(ax.get_children())
        kinds = {RECTANGLE: roi.RectangularROI, POLYGON: roi.PolygonROI}
        tool = self.tool.value
        if tool in kinds:
            self._rois[tool] = kinds[tool]()
            self._rois[tool].add_widget(self._picture, color="white")
        self._of_roi = set(ax.get_children()) - before
        if tool == EXAMPLES:
            self._show_examples()
        said = {
            BRUSH: "Paint with the left button; the right one takes labels away.",
            RECTANGLE: "Move the rectangle, and paint it.",
            POLYGON: "Click the corners, the first one at last, and paint it.",
            EXAMPLES: "Add a circle for each pattern, move it there, and segment.",
        }
        self._refresh()
        self._say(said[tool])

    def _on_apply(self, _):
        """Paint what is in the region."""
        with self._doing():
            region = self._rois[self.tool.value]
            self.edits.paint(self.pattern.value, region, self.all_frames.value)

    def _on_add(self, _):
        """Add a circle in the middle, as an example with the name that was given."""
        from hyperspy.api import roi

        name = self.example.value.strip() or f"pattern {len(self._examples)}"
        with self._doing():
            if name in self._examples:
                raise ValueError(f"example must have a name of its own, got {name!r}.")
            x, y = self._picture.axes_manager.signal_axes
            middle = (axis.index2value(axis.size // 2) for axis in (x, y))
            radius = SHARE_OF_SIDE * min(x.size, y.size)
            if self.edits.period_in_pixels:
                radius = RADIUS_IN_PERIODS * self.edits.period_in_pixels
            circle = roi.CircleROI(*middle, radius * abs(x.scale))
            self._examples[name] = circle
            self._show_examples()
            self.example.value = ""

    def _show_examples(self):
        """Show circles in the colours that their patterns will have."""
        colors = itertools.cycle(PATTERN_COLORS.values())
        for circle, color in zip(self._examples.values(), colors, strict=False):
            if self._picture not in circle.signal_map:
                circle.add_widget(self._picture, color=color)

    def _on_segment(self, _):
        """Segment by the examples."""
        with self._doing("Segmenting by examples ..."):
            self.edits.segment_by(self._examples)

    def _on_done(self, _):
        """Close the picture; `labels` stay."""
        self.tool.value = BRUSH
        self._picture._plot.close()
        others = self.apply, self.add, self.segment, *self.names.children
        for widget in (*self.controls.children, *others):
            if hasattr(widget, "disabled"):
                widget.disabled = True
        self._say("The labels are in .labels of the editor, with what was done.")

    def _on_press(self, event):
        """Begin a stroke of the brush, if it is the tool in use."""
        canvas = self.figure.canvas
        is_for_it = self.tool.value == BRUSH and not canvas.widgetlock.locked()
        if not is_for_it or event.inaxes is None or event.button not in (LEFT, RIGHT):
            return
        self._points = [(event.xdata, event.ydata)]
        becomes = NO_LABEL if event.button == RIGHT else self.pattern.value
        self._becomes, (x, _) = becomes, self._picture.axes_manager.signal_axes
        place = event.inaxes.transData.transform
        pixel = abs(place((x.scale, 0))[0] - place((0, 0))[0])
        points_per_pixel = 72 / self.figure.dpi
        [self._line] = event.inaxes.plot(
            *zip(*self._points, strict=True),
            color="w",
            alpha=0.6,
            linewidth=self.width.value * pixel * points_per_pixel,
            solid_capstyle="round",
            scalex=False,
            scaley=False,
        )
        canvas.draw_idle()

    def _on_move(self, event):
        """Go on with a stroke, and draw it."""
        if self._points and event.inaxes is not None:
            self._points.append((event.xdata, event.ydata))
            self._line.set_data(*np.transpose(self._points))
            self.figure.canvas.draw_idle()

    def _on_release(self, _):
        """End a stroke, and paint it."""
        from hyperspy_symseg.signals import BrushStroke

        if not self._points:
            return
        points, self._points = self._points, []
        self._line.remove()
        with self._doing():
            stroke = BrushStroke(points, self.width.value)
            self.edits.paint(self._becomes, stroke, self.all_frames.value)
