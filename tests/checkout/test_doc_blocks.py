# SPDX-License-Identifier: GPL-3.0-or-later
"""Each Python block of the README and of the pages in doc/ runs.

The blocks of a page run in one namespace, in a folder with small files of the names
that pages load. What a page takes for granted is in comments before its blocks::

    <!-- before: frame = s.data -->
    <!-- not run: needs a cluster -->
"""

import re
from pathlib import Path

import hyperspy.api as hs
import matplotlib.pyplot as plt
import numpy as np
import pytest

from hyperspy_symseg import simulate

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "doc").glob("*.md"))]
BLOCK = re.compile(
    r"(?P<comments>(?:<!--.*?-->\s*)*)^```python\n(?P<code>.*?)^```$", re.M | re.S
)
COMMENT = re.compile(r"<!-- (before|not run):\s(.*?)\s?-->", re.S)
# Formats that HyperSpy reads and does not write: what is in such files here is HSPY.
READ_ONLY = (".dm4", ".emd")


def blocks(page):
    """Line, comments (kind, text) and code of each block of a page."""
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        line = text.count("\n", 0, found.start("code"))
        yield line, COMMENT.findall(found["comments"]), found["code"]


@pytest.fixture(scope="module")
def image():
    """Two grains with lattice vectors of 0.39 nm, of 180 x 200 pixels."""
    return simulate.grain_boundary(shape=(180, 200), pixel_size=0.03, dose=30)[0]


@pytest.fixture(scope="module")
def series():
    """Six frames of a boundary that moves, of 120 x 140 pixels."""
    signal, _ = simulate.moving_boundary(6, (120, 140), speed=3, pixel_size=0.03)
    signal.compute(show_progressbar=False)
    return signal


@pytest.fixture(scope="module")
def labels(image, series):
    """Labels of the image, and of the series."""
    return image.segment_symmetry(), series.segment_symmetry(2)


@pytest.fixture
def namespace(image, series, labels, tmp_path, monkeypatch):
    """What blocks begin with, in a folder with the files that they load."""
    load = hs.load

    def load_any(path, **options):
        if str(path).endswith(READ_ONLY):
            options["reader"] = "HSPY"
        return load(path, **options)

    monkeypatch.setattr(hs, "load", load_any)
    monkeypatch.chdir(tmp_path)
    for name, signal in {"your_file.dm4": image, "in_situ.emd": series}.items():
        signal.save("as.hspy")
        Path("as.hspy").rename(name)
    series.save("in_situ.zspy")
    labels[1].save("labels.zspy")
    labels[0].save("cells.tif")
    spectra = hs.signals.Signal1D(np.ones((18, 20, 5), np.uint8))
    for axis, own in zip(
        spectra.axes_manager.navigation_axes,
        image.axes_manager.signal_axes,
        strict=True,
    ):
        axis.scale, axis.units = 10 * own.scale, own.units
    spectra.axes_manager[-1].name = "Energy loss"
    spectra.save("eels.zspy")
    return {
        "hs": hs,
        "np": np,
        "plt": plt,
        "s": image.deepcopy(),
        "seg": labels[0].deepcopy(),
        "movie": series.deepcopy(),
        "movie_seg": labels[1].deepcopy(),
    }


@pytest.mark.parametrize(
    "page", [page for page in PAGES if any(blocks(page))], ids=lambda page: page.stem
)
@pytest.mark.filterwarnings("ignore")
def test_blocks_of_a_page_run(page, namespace):
    for line, comments, code in blocks(page):
        kinds = dict(comments)
        if "not run" in kinds:
            assert len(kinds["not run"]) > 10
            continue
        exec(kinds.get("before", ""), namespace)
        # Tracebacks have the line of the page.
        padded = "\n" * line + code
        exec(compile(padded, str(page), "exec"), namespace)
        plt.close("all")


def test_blocks_are_found_with_their_comments(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(
        "Text.\n\n<!-- before: a = 1 -->\n```python\na + 1\n```\n\n"
        "<!-- not run: needs a cluster -->\n```python\nimport cluster\n```\n"
        "```sh\nls\n```\n"
    )
    assert list(blocks(page)) == [
        (4, [("before", "a = 1")], "a + 1\n"),
        (9, [("not run", "needs a cluster")], "import cluster\n"),
    ]


def test_an_error_has_the_line_of_the_page(tmp_path, namespace):
    page = tmp_path / "page.md"
    page.write_text("Text.\n\n```python\na = 1\na.b\n```\n")
    with pytest.raises(AttributeError) as error:
        test_blocks_of_a_page_run(page, namespace)
    last = error.traceback[-1]
    assert (last.path.name, last.lineno + 1) == ("page.md", 5)
