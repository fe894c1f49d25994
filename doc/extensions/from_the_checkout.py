# SPDX-License-Identifier: GPL-3.0-or-later
"""What pages take from elsewhere in the checkout, and pictures from examples."""

import os
import re
import shutil
from pathlib import Path

from sphinx_gallery.scrapers import figure_rst

# Formatting of the help is that of a terminal of this width.
os.environ["COLUMNS"] = "88"
PICTURES = (".gif", ".png", ".webp")
# Pages whose text is a file at the root.
AT_ROOT = {
    "changelog": "CHANGELOG.md",
    "conduct": "CODE_OF_CONDUCT.md",
    "contributing": "CONTRIBUTING.md",
    "security": "SECURITY.md",
}
# Pages with a picture below their title: that of an example, and which one, or of a
# script.
PICTURE_OF = {
    "abundances": "figures/abundances.py",
    "channels": ("spectra_by_pattern", 2),
    "columns": ("columns", 1),
    "descriptors": ("tilt_boundary", 3),
    "grains": ("grains", 2),
    "hrtem": "figures/hrtem.py",
    "movies": ("movie", 1),
    "points": ("vacancies", 1),
    "relabel": "figures/relabel.py",
    "series": ("moving_boundary", 3),
    "strain": ("strain", 2),
    "symmetry": ("symmetry_naming", 2),
    "using": ("two_phases", 2),
    "velocity": ("boundary_velocity", 3),
}
# What it adds to HyperSpy's `Signal2D` is on pages of its own.
METHODS_OF_IMAGES = "hyperspy_symseg.signals.signal2d"
OF_EXAMPLE = """\
```{{figure}} gallery/images/sphx_glr_{name}_{number:03}{extension}
:target: gallery/{name}.html
:alt: The picture that the example {name} makes.

The picture of an [example](gallery/{name}).
```
"""
OF_SCRIPT = """\
```{{eval-rst}}
.. plot:: {name}
```
"""


def pictures(block, block_vars, gallery_conf):
    """Move pictures that an example has written to its page, for sphinx-gallery."""
    names = block_vars["image_path_iterator"]
    moved = []
    for path in sorted(Path(block_vars["src_file"]).parent.iterdir()):
        if path.suffix in PICTURES:
            moved.append(str(Path(next(names)).with_suffix(path.suffix)))
            shutil.move(path, moved[-1])
    return figure_rst(moved, gallery_conf["src_dir"])


def take_from_root(app, name, source):
    """Put the text of a file at the root in the place of the page that names it."""
    if name in AT_ROOT:
        text = Path(app.srcdir).parent.joinpath(AT_ROOT[name]).read_text()
        for page, path in AT_ROOT.items():
            text = text.replace(f"]({path})", f"]({page}.md)")
        source[0] = re.sub(r"\]\(doc/", "](", text)


def add_picture(app, name, source):
    """Put a picture below the title of a page."""
    if name in PICTURE_OF:
        picture = PICTURE_OF[name]
        title, _, text = source[0].partition("\n\n")
        if isinstance(picture, str):
            figure = OF_SCRIPT.format(name=picture)
        else:
            example, number = picture
            extension = ".webp" if example == "movie" else ".png"
            figure = OF_EXAMPLE.format(name=example, number=number, extension=extension)
        source[0] = f"{title}\n\n{figure}\n{text}"


def skip_inherited(app, what, name, thing, skip, options):
    """Leave out of the reference what HyperSpy's classes have: all of them have it."""
    module = getattr(getattr(thing, "fget", thing), "__module__", None) or ""
    at_home = module.partition(".")[0] == "hyperspy" or module == METHODS_OF_IMAGES
    return True if at_home else None


def link_pages(app, what, name, thing, options, lines):
    """Make links of what docstrings call ``doc/page.md``."""
    lines[:] = [re.sub(r"`+doc/(\w+)\.md`+", r":doc:`/\1`", line) for line in lines]


def name_signal(app, what, name, thing, options, signature, result):
    """Call the first argument a signal, of functions that are methods of signals."""
    if what == "function" and signature and signature.startswith("(self"):
        return signature.replace("(self", "(signal", 1), result
    return None


def write_help(app):
    """Write what ``--help`` prints, for each command, to ``api/help``."""
    from hyperspy_symseg.command_line.arguments import parser

    folder = Path(app.srcdir, "api", "help")
    folder.mkdir(parents=True, exist_ok=True)
    main = parser()
    (commands,) = (action.choices for action in main._subparsers._group_actions)
    for name, command in {"hyperspy-symseg": main, **commands}.items():
        text = command.format_help()
        path = folder / f"{name}.txt"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def setup(app):
    """Connect it to Sphinx."""
    app.connect("autodoc-process-docstring", link_pages)
    app.connect("autodoc-process-signature", name_signal)
    app.connect("autodoc-skip-member", skip_inherited)
    app.connect("builder-inited", write_help)
    app.connect("source-read", take_from_root)
    app.connect("source-read", add_picture)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
