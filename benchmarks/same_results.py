# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of two versions of this package, compared to the pixel.

Run it with the Python that each version is installed in, and compare ::

    python benchmarks/same_results.py record before.npz [--quick]
    python benchmarks/same_results.py record after.npz [--quick]
    python benchmarks/same_results.py compare before.npz after.npz

Labels, areas and lengths of boundaries must be equal; certainties and outliers to 1e-5,
scores to 1e-6. Everything is asked for as users do, by methods of signals, so that the
script runs with any version. ``--quick`` takes one seed of the accuracy suite.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

TOLERANCES = {"certainty": 1e-5, "outliers": 1e-5, "scores": 1e-6}
DESCRIPTORS = {
    "translation": {},
    "rotation": {},
    "reflection": {"n_axes": 6},
    "glide_reflection": {"n_axes": 3, "window": 4},
    "power_spectrum": {},
}


def results(quick):
    """Names of results, and the arrays: iterator."""
    yield from of_suite(1 if quick else 3)
    yield from of_descriptors()
    yield from of_series()
    yield from of_large_frame()


def of_labels(name, seg, signal=None):
    """What is measured on labels."""
    yield f"{name} labels", seg.data
    yield f"{name} areas", seg.get_areas().data
    yield f"{name} lengths", seg.get_boundary_length().data
    if signal is not None:
        found = np.atleast_1d(seg.find_outliers(signal).data)
        for i, outliers in enumerate(found):
            yield f"{name} {i} outliers", np.asarray(outliers)


def of_suite(n_seeds):
    """Of the frames that accuracy is measured on."""
    import hyperspy.api as hs
    from accuracy_suite import CASES, DOSES, case

    for name in CASES:
        for dose in DOSES:
            for seed in range(n_seeds):
                frame, truth = case(name, dose, seed)
                signal = hs.signals.Signal2D(frame)
                seg, certainty = signal.segment_symmetry(
                    n_patterns=int(truth.max()) + 1, certainty=True
                )
                case_name = f"{name} {dose} {seed}"
                yield f"{case_name} certainty", certainty.data
                yield from of_labels(case_name, seg, signal if seed == 0 else None)
            auto = signal.segment_symmetry(n_patterns="auto")
            yield f"{name} {dose} auto labels", auto.data


def of_descriptors():
    """Of each descriptor and of two together, with a mask and without."""
    import hyperspy.api as hs
    from accuracy_suite import case

    frame = case("d", 30, 0)[0][:203, :261]
    signal = hs.signals.Signal2D(frame)
    mask = np.zeros(frame.shape, bool)
    mask[50:60, 80:140] = True
    for name, parameters in DESCRIPTORS.items():
        for masked in (None, mask):
            scores = signal.get_symmetry_descriptors(name, mask=masked, **parameters)
            kind = f"{name}{' masked' * (masked is not None)}"
            yield f"{kind} scores", scores.data
            for refine in (False, True):
                seg = signal.segment_symmetry(
                    2, descriptor=name, mask=masked, refine=refine, **parameters
                )
                yield from of_labels(f"{kind} refine={refine}", seg)
    joined = ["translation", "rotation"]
    both = signal.segment_symmetry(2, descriptor=joined, refine=False)
    yield from of_labels("two descriptors", both)
    some = signal.segment_symmetry(2, n_operations=9, upsample=False)
    yield from of_labels("nine operations", some)
    for name, parameters in (
        ("translation", {"translation": (5, 3)}),
        ("rotation", {"fold": 4}),
        ("reflection", {"angle": 30.0}),
    ):
        yield f"{name} map scores", signal.get_symmetry_map(name, **parameters).data


def of_series():
    """Of a lazy series, of one that is written, and of a model that is given."""
    import hyperspy.api as hs

    from hyperspy_symseg import simulate

    movie, _ = simulate.moving_boundary(6, (200, 230))
    seg, certainty = movie.segment_symmetry(2, certainty=True)
    yield "series certainty", certainty.data
    yield from of_labels("series", seg, movie)
    plain = movie.segment_symmetry(2, refine=False, fit_on=3)
    yield from of_labels("series, scores alone", plain)
    lazy = movie.as_lazy().segment_symmetry(2, fit_on=2)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "labels.zspy")
        lazy.save_frames(path)
        saved = hs.load(path)
        yield from of_labels("saved series", saved, movie)
        given = movie.inav[1].segment_symmetry(model=saved.model)
        yield "given model labels", given.data


def of_large_frame():
    """Of a frame that is processed in several pieces."""
    import hyperspy.api as hs
    from accuracy_suite import case

    frame = np.tile(case("a", 3, 0)[0], (5, 5))[:2100, :2500]
    for refine in (False, "auto"):
        seg = hs.signals.Signal2D(frame).segment_symmetry(2, refine=refine)
        yield from of_labels(f"large frame, refine={refine}", seg)
    lazy = hs.signals.Signal2D(frame).as_lazy().segment_symmetry(2)
    lazy.compute()
    yield "large lazy frame labels", lazy.data


def record(path, quick):
    """Store all results, and the commit that they are of."""
    import logging

    import hyperspy.api as hs

    import hyperspy_symseg

    logging.getLogger("hyperspy_symseg").setLevel("ERROR")
    hs.preferences.General.show_progressbar = False
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    found = {name: np.asarray(values) for name, values in results(quick)}
    np.savez_compressed(
        path, version=f"{hyperspy_symseg.__version__} at {commit}", **found
    )
    print(f"{len(found)} results of {commit}")


def difference(name, before, after):
    """What two arrays differ by, or None if they are the same."""
    if before.shape != after.shape:
        return f"shapes {before.shape} and {after.shape}"
    if before.dtype != after.dtype:
        return f"dtypes {before.dtype} and {after.dtype}"
    tolerance = TOLERANCES.get(name.split()[-1])
    if tolerance is None:
        n_others = np.count_nonzero(before != after)
        return f"{n_others} of {before.size} values" if n_others else None
    if not np.array_equal(np.isnan(before), np.isnan(after)):
        return "not the same are missing"
    largest = np.nanmax(np.abs(before - after), initial=0)
    return f"up to {largest:.2g}" if largest > tolerance else None


def compare(*paths):
    """Print what differs, and exit with status 1 if anything does."""
    before, after = map(np.load, paths)
    print(f"before: {before['version']}, after: {after['version']}")
    names = [name for name in before.files if name != "version"]
    differences = {
        name: difference(name, before[name], after[name])
        if name in after.files
        else "missing"
        for name in names
    }
    for name, found in differences.items():
        if found is not None:
            print(f"{name}: {found}")
    n_same = sum(found is None for found in differences.values())
    print(f"{n_same} of {len(names)} results are the same")
    if n_same < len(names):
        sys.exit(1)


def main():
    """Record or compare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(required=True)
    recorder = commands.add_parser("record")
    recorder.add_argument("path", type=Path)
    recorder.add_argument("--quick", action="store_true")
    recorder.set_defaults(run=lambda options: record(options.path, options.quick))
    comparer = commands.add_parser("compare")
    comparer.add_argument("paths", type=Path, nargs=2)
    comparer.set_defaults(run=lambda options: compare(*options.paths))
    options = parser.parse_args()
    options.run(options)


if __name__ == "__main__":
    main()
