# SPDX-License-Identifier: GPL-3.0-or-later
"""Flowcharts that GitHub draws by itself, drawn by Matplotlib for the site.

What is understood of Mermaid is what the pages use: nodes ``name["<b>bold</b><br>and
more"]`` and arrows ``one --> other``, from the bottom to the top.
"""

import hashlib
import re
from pathlib import Path

from docutils import nodes
from matplotlib.figure import Figure
from sphinx.util.docutils import SphinxDirective

NODE = re.compile(r'(\w+)\["<b>(.*?)</b>(?:<br>)?(.*)"\]')
ARROW = re.compile(r"(\w+) --> (\w+)")
BOX = {"boxstyle": "round,pad=0.6", "facecolor": "#e8f1fa", "edgecolor": "#3b6ea5"}


def layers(arrows):
    """How many arrows are below each node, at most: {name: int}."""

    def depth(node):
        below = [end for start, end in arrows if start == node]
        return 1 + max(map(depth, below)) if below else 0

    return {node: depth(node) for arrow in arrows for node in arrow}


def draw(text, path):
    """Draw a flowchart to a file."""
    words = {name: (bold, more) for name, bold, more in NODE.findall(text)}
    arrows = ARROW.findall(text)
    rows = {}
    for name, row in layers(arrows).items():
        rows.setdefault(row, []).append(name)
    figure = Figure(figsize=(8.5, 1.25 * len(rows)))
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 1), ylim=(-0.5, len(rows) - 0.5))
    ax.set_axis_off()
    place = {
        name: ((i + 0.5) / len(names), row)
        for row, names in rows.items()
        for i, name in enumerate(names)
    }
    for start, end in arrows:
        ends = {"xy": place[end], "xytext": place[start]}
        line = {"arrowstyle": "->", "color": "0.4", "shrinkA": 28, "shrinkB": 28}
        ax.annotate("", **ends, arrowprops=line)
    for name, where in place.items():
        bold, more = words.get(name, (name, ""))
        label = rf"$\bf{{{bold.replace('_', chr(92) + '_')}}}$"
        label += "\n" + more.replace("<br>", "\n") if more else ""
        ax.text(*where, label, ha="center", va="center", fontsize=9, bbox=BOX)
    figure.savefig(path, dpi=130, transparent=False)


class Mermaid(SphinxDirective):
    """A fence of Mermaid as a picture."""

    has_content = True

    def run(self):
        """Draw it, unless it has been, and show it."""
        text = "\n".join(self.content)
        name = hashlib.sha256(text.encode()).hexdigest()[:12]
        path = Path(self.env.srcdir, "api", "drawings", f"{name}.png")
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            draw(text, path)
        arrows = [f"{start} imports {end}" for start, end in ARROW.findall(text)]
        uri = f"/api/drawings/{path.name}"
        return [nodes.image(uri=uri, alt="; ".join(arrows))]


def setup(app):
    """Connect it to Sphinx."""
    app.add_directive("mermaid", Mermaid)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
