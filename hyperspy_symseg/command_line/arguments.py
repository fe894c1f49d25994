# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the command line, and what --help says of them."""

import argparse
from dataclasses import dataclass, field
from pathlib import Path

from hyperspy_symseg.descriptors.registry import DESCRIPTORS
from hyperspy_symseg.version import package_version

OVERLAY_FORMATS = ("zspy", "mp4", "webp", "gif")
# As of `Signal2D.find_atomic_columns`.
METHODS = ("auto", "crystal", "network")


@dataclass(frozen=True)
class Request:
    """What is to be done with files.

    Attributes
    ----------
    files : list of pathlib.Path
        Nothing is written over them.
    output : pathlib.Path
        Folder of the results.
    options : dict
        Of `Signal2D.segment_symmetry`.
    overlay : list of str
        Formats of the overlays of series.
    on_error : str
        As in `SymmetryLabels.save_frames`.
    overwrite : bool
        Whether old results are replaced.
    resume : bool
        Whether what is complete is kept, and labels of an earlier run are taken up.
    verbose : bool
        Whether not only warnings are printed, but all of the log.
    symmetry : bool
        Whether patterns are named.
    json : pathlib.Path or None
        File of what is found, for programs.
    columns : dict
        Of `Signal2D.find_atomic_columns`.
    xyz : bool
        Whether columns are written as XYZ, too.
    watching : dict
        How files are watched: ``model``, a path or None; ``interval``, ``settle`` and
        ``idle`` (or None), in seconds; ``only``, a pattern of names; ``plot``.
    """

    files: list
    output: Path
    options: dict = field(default_factory=dict)
    overlay: list = field(default_factory=list)
    on_error: str = "raise"
    overwrite: bool = False
    resume: bool = False
    verbose: bool = False
    symmetry: bool = False
    json: Path | None = None
    columns: dict = field(default_factory=dict)
    xyz: bool = False
    watching: dict = field(default_factory=dict)


def parser():
    """Parser of the command line.

    Returns
    -------
    argparse.ArgumentParser
    """
    parser = argparse.ArgumentParser(
        prog="hyperspy-symseg",
        description="Label the pixels of micrographs with the crystal they belong to.",
    )
    version = f"hyperspy-symseg {package_version()}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_segment(commands)
    _add_columns(commands)
    _add_watch(commands)
    demo = commands.add_parser(
        "demo",
        help="simulate a grain boundary and segment it",
        description="Simulate a grain boundary, write it to grain_boundary.emd and "
        "segment that file.",
    )
    demo.add_argument("--output", metavar="DIR", type=Path, default=Path("demo"))
    _add_verbose(demo)
    return parser


def _add_verbose(command):
    command.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        help="say what is found on the way, such as lattice periods, beside warnings",
    )


def _add_segment(commands):
    segment = commands.add_parser(
        "segment",
        help="segment files",
        description="Segment the images and series in files that HyperSpy reads. For "
        "an image NAME, the labels are written to NAME_labels.hspy and the image "
        "tinted by pattern to NAME_overlay.png. Series, such as movies, are read and "
        "written frame by frame, to NAME_labels.zspy and NAME_overlay.zspy; until a "
        "file is complete, it is called NAME_labels.unfinished.zspy and so on. NAME "
        "is that of the file, so files of the same name take a call each.",
        epilog="LENGTH: int are pixels, other numbers are in the axes' unit; what is "
        "not given comes from the lattice periods in the image. The exit status is 2 "
        "if a file failed, 130 after Ctrl-C, and 143 after SIGTERM.",
    )
    segment.add_argument("files", metavar="FILE", nargs="+", type=Path)
    segment.add_argument("--output", metavar="DIR", type=Path, default=Path())
    old = segment.add_mutually_exclusive_group()
    old.add_argument("--overwrite", action="store_true", help="replace old results")
    old.add_argument(
        "--resume",
        action="store_true",
        help="go on where an earlier run was stopped: keep what is complete, and take "
        "up the labels of an unfinished series, with their model",
    )
    _add_n_patterns(segment)
    segment.add_argument(
        "--no-refine",
        dest="refine",
        action="store_const",
        const=False,
        help="do not refine the labels by templates of the patterns",
    )
    segment.add_argument(
        "--descriptor",
        action="append",
        choices=list(DESCRIPTORS),
        help="what is measured (translation); if given again, they are joined",
    )
    length = {"type": _number, "metavar": "LENGTH"}
    segment.add_argument("--patch", help="half the patch", **length)
    segment.add_argument("--window", help="largest shift", **length)
    segment.add_argument("--radius", help="radius of a circular patch", **length)
    segment.add_argument("--stride", help="sampling distance", **length)
    segment.add_argument(
        "--period", help="lattice period, in place of the one found", **length
    )
    segment.add_argument(
        "--n-components",
        type=_number,
        help="principal components, or their fraction of the variance (5)",
    )
    segment.add_argument(
        "--n-operations",
        metavar="N",
        type=int,
        help="symmetry operations that are used, the N that best tell the patterns "
        "apart (all): faster",
    )
    segment.add_argument(
        "--symmetry",
        action="store_true",
        help="name each pattern: lattice, Bravais type and plane group, a line each",
    )
    segment.add_argument(
        "--json",
        metavar="FILE",
        type=Path,
        help="write what is found to a file that programs read: for every image and "
        "series the files written, the model, areas and, with --symmetry, that. It "
        "ends in .json",
    )
    segment.add_argument("--random-state", type=int, help="seed (0)")
    segment.add_argument("--num-workers", type=int, help="threads")
    _add_verbose(segment)
    _add_series(segment.add_argument_group("series"))


def _add_n_patterns(command):
    command.add_argument(
        "--n-patterns",
        metavar="N",
        type=_number_of_patterns,
        help="number of patterns, or auto: it is found (auto)",
    )


def _add_columns(commands):
    columns = commands.add_parser(
        "columns",
        help="find every atomic column",
        description="Find the atomic columns of the images and series in files that "
        "HyperSpy reads. For an image or series NAME, a table with a line a column is "
        "written to NAME_columns.csv: frame, position with standard errors, "
        "probability, intensity, width, pattern, site; and the first frame with a "
        "circle about every column, in the colour of its pattern, to "
        "NAME_columns.png.",
        epilog="The exit status is 2 if a file failed, 130 after Ctrl-C, and 143 after "
        "SIGTERM.",
    )
    columns.add_argument("files", metavar="FILE", nargs="+", type=Path)
    columns.add_argument("--output", metavar="DIR", type=Path, default=Path())
    columns.add_argument("--overwrite", action="store_true", help="replace old results")
    columns.add_argument(
        "--method",
        choices=METHODS,
        help="where columns come from: the crystals of the frame, a network, or the "
        "network where no crystal is (auto)",
    )
    columns.add_argument(
        "--contrast",
        choices=("auto", "bright", "dark"),
        help="whether columns are brighter than what is between them (auto)",
    )
    columns.add_argument(
        "--probability",
        metavar="P",
        type=_probability,
        help="of the columns that are written, at least (0.5)",
    )
    columns.add_argument(
        "--calibrated",
        action="store_true",
        help="positions, errors and widths in the unit of the axes, not in pixels",
    )
    columns.add_argument(
        "--xyz", action="store_true", help="write NAME_columns.xyz, too (extended XYZ)"
    )
    _add_n_patterns(columns)
    columns.add_argument(
        "--period",
        metavar="LENGTH",
        type=_number,
        help="lattice period, in place of the one found: int are pixels, other numbers "
        "are in the axes' unit",
    )
    columns.add_argument("--num-workers", type=int, help="threads")
    _add_verbose(columns)


def _add_watch(commands):
    watch = commands.add_parser(
        "watch",
        help="label frames and files as they arrive",
        description="Label the micrographs in a folder, or the frames of a file, and "
        "those that come, with one model, until Ctrl-C. The areas of the patterns are "
        "printed and written to watch_areas.csv, a line a frame; labels to "
        "NAME_labels.hspy of an image NAME, and NAME_labels.zspy of a series, which "
        "until it is stopped is called NAME_labels.unfinished.zspy and can be loaded. "
        "The model is that of watch_model.hspy.",
        epilog="The exit status is 2 if a file or a frame could not be labelled, 130 "
        "after Ctrl-C, and 143 after SIGTERM.",
    )
    watch.add_argument("file", metavar="FOLDER_or_FILE", type=Path)
    watch.add_argument("--output", metavar="DIR", type=Path, default=Path())
    old = watch.add_mutually_exclusive_group()
    old.add_argument("--overwrite", action="store_true", help="replace old results")
    old.add_argument(
        "--resume", action="store_true", help="go on where an earlier run was stopped"
    )
    model = watch.add_mutually_exclusive_group()
    model.add_argument(
        "--model",
        metavar="LABELS",
        type=Path,
        help="a file of labels, whose model is used; otherwise one is fitted to the "
        "first frame",
    )
    _add_n_patterns(model)
    watch.add_argument(
        "--plot",
        action="store_true",
        help="plot the areas against time, in a window if there is a display, and to "
        "watch_areas.png",
    )
    watch.add_argument(
        "--only", metavar="GLOB", default="*", help='files of a folder, such as "*.dm4"'
    )
    seconds = {"metavar": "SECONDS", "type": _seconds}
    watch.add_argument(
        "--idle", help="end when nothing has come for so long (never)", **seconds
    )
    watch.add_argument(
        "--settle",
        default=1.0,
        help="how long a file must stay as it is to be taken for complete (1)",
        **seconds,
    )
    watch.add_argument(
        "--interval", default=0.2, help="between two looks (0.2)", **seconds
    )
    watch.add_argument("--num-workers", type=int, help="threads")
    _add_verbose(watch)


def _add_series(series):
    series.add_argument(
        "--fit-on",
        metavar="N",
        type=int,
        help="frames that the model is fitted on, spread over the series (8)",
    )
    series.add_argument(
        "--on-error",
        choices=("raise", "mask"),
        default="raise",
        help="if a frame cannot be labelled: stop and keep the others (raise), or "
        "leave it without labels and go on (mask)",
    )
    series.add_argument(
        "--overlay",
        action="append",
        choices=(*OVERLAY_FORMATS, "none"),
        help="the series tinted by pattern: a stack of RGB images (zspy, if not told "
        "otherwise), a movie (mp4, webp, gif) with scale bar, time and legend, or "
        "none; can be given again. Movies are made from the stack: until then, there "
        "must be room for it",
    )


def _number_of_patterns(text):
    if text == "auto":
        return text
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be an int, or auto, got {text!r}"
        ) from None


def _seconds(text):
    """Number of seconds, above 0 and up to a day."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(
            f"must be above 0 and at most 86400, got {text!r}"
        )
    return value


def _probability(text):
    """Number from 0 to 1."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"must be from 0 to 1, got {text!r}")
    return value


def _number(text):
    """Int if it is one. For lengths: int is pixels, anything else axis units."""
    try:
        return int(text)
    except ValueError:
        return float(text)
