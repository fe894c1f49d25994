# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: segment files, and a demonstration."""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from hyperspy_symseg.descriptors.registry import DESCRIPTORS


def _length(text):
    """An int is pixels, anything else axis units."""
    try:
        return int(text)
    except ValueError:
        return float(text)


def _parser():
    parser = argparse.ArgumentParser(
        prog="hyperspy-symseg",
        description="Label the pixels of micrographs with the crystal they belong to.",
    )
    commands = parser.add_subparsers(dest="command", required=True)
    segment = commands.add_parser(
        "segment",
        help="segment files",
        description="Segment every image in files that HyperSpy reads. For each image "
        "NAME, the labels are written to NAME_labels.hspy and the image tinted by "
        "pattern to NAME_overlay.png; NAME is that of the file, so files of the same "
        "name take a call each. The exit status is 2 if a file failed.",
    )
    segment.add_argument("files", metavar="FILE", nargs="+", type=Path)
    segment.add_argument("--output", metavar="DIR", type=Path, default=Path())
    segment.add_argument("--overwrite", action="store_true", help="replace old results")
    segment.add_argument("--n-patterns", type=int, default=2)
    segment.add_argument(
        "--descriptor",
        action="append",
        choices=list(DESCRIPTORS),
        help="what is measured (translation); if given again, they are joined",
    )
    length = {"type": _length, "metavar": "LENGTH"}
    segment.add_argument("--patch", help="half the patch (20)", **length)
    segment.add_argument("--window", help="largest shift (21)", **length)
    segment.add_argument("--radius", help="radius of a circular patch (20)", **length)
    segment.add_argument("--stride", help="sampling distance (5)", **length)
    segment.add_argument(
        "--n-components",
        type=_length,
        help="principal components, or their fraction of the variance (5)",
    )
    segment.add_argument("--random-state", type=int, help="seed (0)")
    segment.add_argument("--num-workers", type=int, help="threads")
    segment.epilog = "LENGTH: int are pixels, other numbers are in the axes' unit."
    demo = commands.add_parser(
        "demo",
        help="simulate a grain boundary and segment it",
        description="Simulate a grain boundary, write it to grain_boundary.emd and "
        "segment that file.",
    )
    demo.add_argument("--output", metavar="DIR", type=Path, default=Path("demo"))
    return parser


def _load(path):
    """Signals of a file, read lazily where its format allows."""
    import hyperspy.api as hs

    if not path.exists():
        raise FileNotFoundError("no such file")
    try:
        signals = hs.load(path, lazy=True, escape_square_brackets=True)
    except Exception:
        # Some formats refuse to be read lazily. What else is wrong is told here.
        signals = hs.load(path, escape_square_brackets=True)
    return signals if isinstance(signals, list) else [signals]


def _images(path):
    """Two-dimensional signals of a file, with names for their results."""
    import hyperspy.api as hs

    signals = _load(path)
    images = [
        (i, s) for i, s in enumerate(signals) if isinstance(s, hs.signals.Signal2D)
    ]
    if not images:
        raise ValueError("no two-dimensional signal in it")
    if len(signals) == 1:
        return [(path.stem, images[0][1])]
    return [(f"{path.stem}_{i}", signal) for i, signal in images]


def _segment_image(signal, name, output, overwrite, options):
    """Segment one image, write the results and print the areas."""
    results = [output / f"{name}_labels.hspy", output / f"{name}_overlay.png"]
    for path in results:
        if path.exists() and not overwrite:
            raise FileExistsError(f"{path} exists: allowed with --overwrite")
    labels = signal.segment_symmetry(**options, lazy_output=False)
    with tempfile.TemporaryDirectory(dir=output, prefix=".") as unfinished:
        paths = [Path(unfinished, path.name) for path in results]
        labels.save(paths[0])
        labels.overlay(signal).save(paths[1])
        for unfinished_path, path in zip(paths, results, strict=True):
            os.replace(unfinished_path, path)
    print(f"{name} {labels.metadata.General.title}".rstrip())
    for line in _area_lines(labels):
        print(f"  {line}")


def _area_lines(labels):
    """One line a pattern with its area and its share of the image."""
    from hyperspy_symseg.colors import pattern_colors

    x, y = labels.axes_manager.signal_axes
    image_area = labels.data.size * abs(x.scale * y.scale)
    areas = labels.get_areas().data.tolist()
    names = [f"pattern {i} {c}" for i, c in enumerate(pattern_colors(len(areas))[0])]
    if (labels.data == -1).any():
        names.append("not labelled")
        areas.append(image_area - sum(areas))
    return [
        f"{name:<25}{area:12.6g} {labels.area_unit}{area / image_area:8.1%}"
        for name, area in zip(names, areas, strict=True)
    ]


def _segment_files(files, output, overwrite, options):
    """Segment files; return 0, or 2 if something was wrong with one."""
    import hyperspy.api as hs
    import rsciio

    # What they log beside the error that they raise would be more than one line.
    hs.set_log_level("CRITICAL")
    rsciio.set_log_level("CRITICAL")
    try:
        _prepare(output)
    except OSError as error:
        return _report(output, error)
    status, done = 0, set()
    for path in files:
        # Whatever a reader raises for one file must not stop the others.
        try:
            images = _images(path)
        except Exception as error:
            status = _report(f"{path} cannot be read", error)
            continue
        for name, signal in images:
            try:
                if name in done:
                    raise ValueError(
                        "another file of this name has just been segmented"
                    )
                _segment_image(signal, name, output, overwrite, options)
                done.add(name)
            except Exception as error:
                where = path if name == path.stem else f"{path}, signal {name}"
                status = _report(where, error)
    return status


def _prepare(output):
    """Make the folder, and raise OSError if nothing can be written to it."""
    output.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=output).close()


def _report(where, error):
    message = " ".join(str(error).split()) or type(error).__name__
    print(f"hyperspy-symseg: {where}: {message}", file=sys.stderr)
    return 2


def _demo(output):
    """Simulate a grain boundary, write it, read it back and segment it."""
    import hyperspy.api as hs

    from hyperspy_symseg import simulate

    signal, truth = simulate.grain_boundary()
    file = output / "grain_boundary.emd"
    try:
        _prepare(output)
        signal.save(file, overwrite=True)
    except OSError as error:
        return _report(output, error)
    status = _segment_files([file], output, overwrite=True, options={})
    if status == 0:
        labels = hs.load(output / "grain_boundary_labels.hspy")
        agree = (labels.data == truth.data).mean()
        print(f"{max(agree, 1 - agree):.1%} of the pixels carry the true label")
    return status


def main(arguments=None):
    """Run the command line.

    Parameters
    ----------
    arguments : list of str, optional
        By default those of the process.

    Returns
    -------
    int
        Exit status: 0, or 2 if something was wrong.
    """
    arguments = vars(_parser().parse_args(arguments))
    if arguments.pop("command") == "demo":
        return _demo(**arguments)
    files, output = arguments.pop("files"), arguments.pop("output")
    overwrite = arguments.pop("overwrite")
    options = {key: value for key, value in arguments.items() if value is not None}
    return _segment_files(files, output, overwrite, options)


if __name__ == "__main__":
    sys.exit(main())
