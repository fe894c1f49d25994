# SPDX-License-Identifier: GPL-3.0-or-later
"""How right abundances are, on simulated frames whose truth is known.

Cases of `accuracy_suite.py`, as ``s.get_abundances(2)`` finds them. One table a run, in
Markdown ::

    python benchmarks/abundances.py [--cases abdf] [--doses 10 1]
                                    [--seeds 3] [--first 0]
    python benchmarks/abundances.py --real FOLDER   # pictures of ../shared/data

IoU: of the largest abundance against the truth. Inside grains, at least half a window
from the boundary, if there is that much: the 5th percentile of a grain's own abundance,
and the 95th of the other one's; each is the worst of all grains. Noise is what is taken
off. Times are of the processor, in seconds a frame.
"""

import argparse
import time
from pathlib import Path

import accuracy_suite
import numpy as np
from accuracy_measures import mean_iou
from hyperspy.signals import Signal2D
from scipy import ndimage
from scipy.optimize import linear_sum_assignment

import hyperspy_symseg  # noqa: F401  adds the methods

ASKED_IOU, ASKED_OFF = 0.97, 0.03
DATA = Path(__file__).parents[2] / "shared" / "data"
REAL = {
    "Fe_bcc_100.npy": 2,
    "pto_sro.hspy": 2,
    "automal_sample.png": 2,
    "high_entropy_alloy.npy": 2,
    "LaO.png": 2,
}


def inside(abundances, truth, margin):
    """Abundances in grains, further than a margin from the boundary.

    Returns
    -------
    list of (float, float)
        Of each grain, 5th percentile of its own component, and 95th of all others.
    """
    grains = range(truth.max() + 1)
    means = np.array([abundances[:, truth == k].mean(axis=1) for k in grains])
    found = []
    for k, own in zip(*linear_sum_assignment(means, maximize=True), strict=True):
        inner = ndimage.distance_transform_edt(truth == k) > margin
        if not inner.any():
            continue
        others = np.delete(abundances, own, axis=0)[:, inner]
        found.append(
            (np.percentile(abundances[own][inner], 5), np.percentile(others, 95))
        )
    return found


def row(name, dose, seeds):
    """What is found at one case and dose: list of str."""
    ious, bounds, noise, times, windows = [], [], [], [], []
    for seed in seeds:
        frame, truth = accuracy_suite.case(name, dose, seed)
        start = time.process_time()
        maps, _ = Signal2D(frame).get_abundances(2, show_progressbar=False)
        times.append(time.process_time() - start)
        record = maps.metadata.Abundances
        windows.append(record.window[0])
        noise.append(record.noise)
        ious.append(mean_iou(maps.data.argmax(axis=0), truth))
        bounds += inside(maps.data, truth, record.window[0])
    own, others = np.transpose(bounds)
    right = min(ious) >= ASKED_IOU
    pure = own.min() >= 1 - ASKED_OFF and others.max() <= ASKED_OFF
    return [
        f"({name}) {accuracy_suite.ALL_CASES[name]}",
        f"{dose:g}",
        f"{np.mean(ious):.3f}",
        f"{min(ious):.3f}",
        f"{own.min():.3f}",
        f"{others.max():.3f}",
        f"{np.mean(noise):.2f}",
        f"{min(windows)} to {max(windows)}",
        f"{np.mean(times):.2f}",
        "yes" if right and pure else "no",
    ]


def table(options):
    """Print the table."""
    head = ["case", "dose", "IoU", "least", "own, 5 %", "other, 95 %", "noise"]
    head += ["half window", "seconds", "as asked"]
    print("|", " | ".join(head), "|")
    print("|", " | ".join("---" for _ in head), "|")
    # Imports are no work.
    frame, _ = accuracy_suite.case("a", 10, 0)
    Signal2D(frame[:128, :128]).get_abundances(2, show_progressbar=False)
    seeds = range(options.first, options.first + options.seeds)
    for name in options.cases:
        for dose in options.doses:
            print("|", " | ".join(row(name, dose, seeds)), "|", flush=True)


def image(path):
    """Image in a file: Signal2D."""
    import hyperspy.api as hs

    if path.suffix == ".npy":
        return Signal2D(np.load(path))
    signal = hs.load(path)
    if signal.data.dtype.names:
        rgb = np.stack([signal.data[name] for name in "RGB"]).mean(axis=0)
        return Signal2D(rgb)
    return signal


def pictures(folder):
    """Save pictures of what is found in real frames."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    folder.mkdir(parents=True, exist_ok=True)
    for name, n in REAL.items():
        signal = image(DATA / name)
        start = time.process_time()
        maps, spectra = signal.get_abundances(n, show_progressbar=False)
        seconds = time.process_time() - start
        figure, axes = plt.subplots(2, n + 1, figsize=(4 * n + 4, 8), squeeze=False)
        low, high = np.percentile(signal.data, (1, 99))
        axes[0, 0].imshow(signal.data, cmap="gray", vmin=low, vmax=high)
        axes[1, 0].axis("off")
        for k in range(n):
            axes[0, k + 1].imshow(maps.data[k], vmin=0, vmax=1)
            axes[1, k + 1].imshow(np.sqrt(spectra.data[k]))
        figure.savefig(folder / f"{Path(name).stem}.png")
        plt.close(figure)
        record = maps.metadata.Abundances
        means = ", ".join(f"{mean:.2f}" for mean in np.nanmean(maps.data, (1, 2)))
        print(
            f"{name}: half window {record.window[0]}, noise {record.noise:.2f}, "
            f"means {means}, {seconds:.1f} s"
        )


def main():
    """Print the table, or save pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", default="abdf")
    parser.add_argument("--doses", type=float, nargs="+", default=[10.0, 1.0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--real", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    if options.real is None:
        table(options)
    else:
        pictures(options.real)


if __name__ == "__main__":
    main()
