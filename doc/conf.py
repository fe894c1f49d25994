# SPDX-License-Identifier: GPL-3.0-or-later
"""How the documentation is built: ``python -P -m sphinx -W doc build/site``."""

import os
import sys
import warnings
from pathlib import Path

import matplotlib as mpl

HERE = Path(__file__).parent
sys.path[:0] = str(HERE / "extensions"), str(HERE / "figures")
mpl.use("agg")

import hyperspy.api as hs  # noqa: E402

import hyperspy_symseg  # noqa: E402

hs.preferences.General.show_progressbar = False
# Of a library, in the output of an example.
warnings.filterwarnings("ignore", "The NestedDirectoryStore", FutureWarning)

project = "hyperspy-symseg"
author = copyright = "The hyperspy-symseg developers"
version = release = hyperspy_symseg.__version__

extensions = [
    "matplotlib.sphinxext.plot_directive",
    "myst_parser",
    "numpydoc",
    # Formulae are shown without network, too.
    "sphinx-mathjax-offline",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "sphinxcontrib.bibtex",
    # In `extensions/`.
    "drawings",
    "from_the_checkout",
]
if os.environ.get("DOC_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {"hyperspy": ("https://hyperspy.org/hyperspy-doc/current", None)}

templates_path = ["templates"]
exclude_patterns = ["api/help", "gallery/*.ipynb", "gallery/*.py", "templates"]
nitpicky = True
# Names that are not in this reference.
nitpick_ignore = [
    ("py:class", "hyperspy_symseg.segmentation.score_model.ScoreModel"),
    ("py:class", "hyperspy_symseg.templates.model.Templates"),
    ("py:class", "numpy.ndarray"),
    ("py:obj", "hyperspy.signals.BaseSignal.save"),
]
# What docstrings quote is code.
default_role = "code"

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]

autosummary_generate = True
autosummary_context = {
    # Classes whose methods have pages of their own.
    "divided": ["hyperspy_symseg.signals.SymmetryLabels"],
    # Functions that take nothing, and give what can be drawn.
    "pictured": [
        *(f"hyperspy_symseg.data.{name}" for name in hyperspy_symseg.data.__all__),
        "hyperspy_symseg.simulate.grain_boundary",
        "hyperspy_symseg.simulate.moving_boundary",
        "hyperspy_symseg.simulate.shrinking_inclusion",
    ],
}
# Docstrings have them, in words.
autodoc_typehints = "none"
numpydoc_show_class_members = False
bibtex_bibfiles = ["references.bib"]
bibtex_default_style = "unsrt"

plot_basedir = str(HERE)
plot_formats = [("png", 120)]
plot_rcparams = {"savefig.bbox": "tight"}
plot_html_show_formats = plot_html_show_source_link = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/[a-z]\w*\.py",
    "ignore_pattern": r"^_",
    # Of a last line such as `ax.legend()`.
    "ignore_repr_types": r"matplotlib\.",
    "image_scrapers": ("matplotlib", "from_the_checkout.pictures"),
    "min_reported_time": 1e9,
    # What the examples share is in the archive of all of them, too. They are scripts:
    # as notebooks, they would have neither arguments nor what they share.
    "copyfile_regex": r"_common\.py",
    "notebook_extensions": set(),
    "remove_config_comments": True,
    "show_memory": False,
    "within_subsection_order": "FileNameSortKey",
    "write_computation_times": False,
}

# `python -P -m sphinx -b linkcheck doc build/links`, with a network.
linkcheck_anchors = False
linkcheck_timeout = 30
linkcheck_retries = 2
# A DOI that leads anywhere is known.
linkcheck_allowed_redirects = {r"https://doi\.org/.*": r"https?://.*"}

# Beside a page, methods are without the names of their classes.
toc_object_entries_show_parents = "hide"

html_theme = "pydata_sphinx_theme"
html_static_path = ["static"]
html_css_files = ["site.css"]
# These have no pages beside them.
html_sidebars = {"index": [], "tutorial": []}
html_title = "hyperspy-symseg"
html_theme_options = {
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "show_prev_next": False,
}
