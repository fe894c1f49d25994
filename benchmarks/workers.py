# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that do the jobs of one side, in the Python that has it.

The peer's Python finds neither this package nor the other files here.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time

import numpy as np

PATCH = 20
OUR_RUNS = 3  # in a turn; their median counts


# The two sides. Each imports what it needs, and returns its tasks by name.


def our_tasks():
    from functools import partial

    import hyperspy.api as hs
    from pystem_rule import correlations

    import hyperspy_symseg  # noqa: F401  adds the method
    from hyperspy_symseg.descriptors import (
        TranslationSymmetry,
        compute_scores,
        make_descriptor,
    )
    from hyperspy_symseg.frames import Grid

    def score(descriptor, frame, stride, mask=None, **parameters):
        grid = Grid.over(frame.shape, (stride, stride))
        compute_scores(make_descriptor(descriptor, **parameters), frame, grid, mask)

    def scores(frame, method, **options):
        score("translation", frame, patch=PATCH, **options)

    def users_scores(frame, name, stride, method=None, **parameters):
        """As a user calls it."""
        hs.signals.Signal2D(frame).get_symmetry_descriptors(
            name, stride=stride, show_progressbar=False, **parameters
        )

    def fill(frame, nbytes):
        """Write to so much memory, as any result of this size does."""
        np.empty(nbytes, np.uint8).fill(1)

    def labels(frame, **options):
        # As the peer, which has to be told the number of patterns.
        options |= {"n_patterns": 2, "show_progressbar": False}
        hs.signals.Signal2D(frame).segment_symmetry(**options)

    def plain_labels(frame):
        """As the peer does it: scores alone, and its lengths."""
        labels(frame, patch=PATCH, window=21, stride=5, refine=False)

    def difference(frame, path, window, stride):
        """Largest difference from the peer's scores, at its pixels and shifts."""
        with np.load(path) as peer:
            shifts, theirs = peer["shifts"], peer["scores"]
        first = PATCH + window
        ours = compute_scores(
            TranslationSymmetry(PATCH, translations=shifts),
            frame,
            Grid((first, first), (stride, stride), theirs.shape[:2]),
        )
        return float(np.abs(ours - theirs).max())

    models = {}

    def series_labels(movie, model, **options):
        signal = hs.signals.Signal2D(movie)
        return signal.segment_symmetry(model=model, show_progressbar=False, **options)

    def fit_series(movie, n_operations, translations, **parameters):
        """Fit two models, store the smaller one's shifts, and say what they are."""

        def fit(**options):
            signal = hs.signals.Signal2D(movie)
            options |= {"n_patterns": 2, "lazy_output": True, "refine": False}
            options["show_progressbar"] = False
            return signal.segment_symmetry(patch=PATCH, **parameters, **options).model

        models["all"] = fit()
        models["some"] = models["all"].select(n_operations)
        shifts = models["some"].descriptor.translations
        np.save(translations, shifts)
        by_option = fit(n_operations=n_operations)
        return {
            "all": len(models["all"].mean),
            "some": len(shifts),
            "same": by_option.descriptor == models["some"].descriptor,
        }

    def label_series(movie):
        series_labels(movie, models["some"])

    def agreement(movie):
        """Fraction of the pixels of every frame that both models label alike."""
        some, all_ = (series_labels(movie, models[n]).data for n in ("some", "all"))
        return (some == all_).mean(axis=(1, 2)).tolist()

    return {
        "scores": scores,
        "users_scores": users_scores,
        "fill": fill,
        "rotation": partial(score, "rotation"),
        "reflection": partial(score, "reflection"),
        "power_spectrum": partial(score, "power_spectrum"),
        "labels": labels,
        "plain_labels": plain_labels,
        "difference": difference,
        "correlations": correlations,
        "fit_series": fit_series,
        "label_series": label_series,
        "agreement": agreement,
    }


def peer_tasks():
    from pystem.stemdescriptor import get_descriptor
    from pystem.stempower_spectrum import get_power_spectrum_m1
    from pystem.stemreflection_symmetry_descriptors import (
        get_reflection_symmetry_descriptors,
        image_reflection_symmetry,
    )
    from pystem.stemrotational_symmetry_descriptors import (
        get_rotational_symmetry_descriptors,
        image_rotational_symmetry,
    )
    from pystem.stemsegmentation import segmentationSTEM

    def scores(frame, window, max_operations, stride, method, path=None):
        values, shifts = get_descriptor(
            frame,
            patch_x=PATCH,
            patch_y=PATCH,
            window_x=window,
            window_y=window,
            num_points=max_operations,
            step=stride,
            method=method,
        )
        if path is not None:
            np.savez(path, scores=values, shifts=shifts)

    def rotation(frame):
        get_rotational_symmetry_descriptors(frame)

    def reflection(frame):
        get_reflection_symmetry_descriptors(frame)

    def power_spectrum(frame, window, stride):
        get_power_spectrum_m1(frame, window, window, step=stride)

    def labels(frame):
        segmentationSTEM().perform_clustering(frame)

    def score_map(frame, name, path, square, stride):
        """Store the scores about every pixel of a grid, at the radii 1, 2, ..."""
        function = {
            "rotation": image_rotational_symmetry,
            "reflection": image_reflection_symmetry,
        }[name]
        scores = function(frame, radius=square, nr=square - 1, nt=60, step=stride)
        every = slice(square, -square, stride)
        np.save(path, scores[every, every])

    given = {}

    def fit_series(movie, translations):
        """Fit the components and the centres that the frames are then labelled by."""
        given.update(
            descriptor_name="preselected_translations",
            preselected_translations=np.load(translations),
            patch_x=PATCH,
            patch_y=PATCH,
            random_state=0,
        )
        first = segmentationSTEM(**given)
        first.perform_clustering(movie[0])
        given.update(
            pca_fitted=first._pca,
            kmeans_init_centers=first._kmeans.cluster_centers_,
            one_step_kmeans=True,
        )

    def label_frame(movie, index):
        segmentationSTEM(**given).perform_clustering(movie[index])

    return {
        "scores": scores,
        "rotation": rotation,
        "reflection": reflection,
        "power_spectrum": power_spectrum,
        "labels": labels,
        "map": score_map,
        "fit_series": fit_series,
        "label_frame": label_frame,
    }


def versions(frame):
    return f"Python {platform.python_version()}, numpy {np.__version__}"


def frames_and_masks(frame):
    """What a job can ask for: a frame or series, and a mask or none."""
    if frame.ndim == 3:
        return {"whole": (frame, {}), "small": (frame[:1, :150, :150], {})}
    rng = np.random.default_rng(0)
    masked = rng.choice(frame.size, frame.size // 20, replace=False)
    mask = np.zeros(frame.shape, bool)
    mask.flat[masked] = True
    with_nan = frame.astype(float)
    with_nan[tuple(n // 2 for n in frame.shape)] = np.nan
    return {
        "whole": (frame, {}),
        "small": (frame[:150, :150], {}),
        "masked": (frame, {"mask": mask}),
        "with NaN": (with_nan, {}),
    }


def serve(side, frame_path):
    """Do jobs, one JSON object a line, and answer each with seconds or a result."""
    # What the peer prints goes elsewhere.
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", buffering=1)
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    tasks = {"ours": our_tasks, "peer": peer_tasks}[side]() | {"versions": versions}
    frames = frames_and_masks(np.load(frame_path))
    for line in sys.stdin:
        job = json.loads(line)
        frame, mask = frames[job.pop("frame", "whole")]
        task = tasks[job.pop("task")]
        start = time.perf_counter()
        result = task(frame, **mask, **job)
        seconds = time.perf_counter() - start
        print(json.dumps(seconds if result is None else result), file=answers)


class Worker:
    """A process with one side in it, ready to be timed at some jobs."""

    def __init__(self, side, command, frame_path, jobs):
        self._process = subprocess.Popen(
            [*command, __file__, side, str(frame_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for job in jobs:
            self.do(job, frame="small")

    def do(self, job, **options):
        """Answer to a job: its wall time, if it has no other result."""
        print(json.dumps(job | options), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"A worker ended, with status {self._process.wait()}.")
        return json.loads(answer)

    def median(self, job, **options):
        """Median wall time of a few runs."""
        return statistics.median(self.do(job, **options) for _ in range(OUR_RUNS))

    def close(self):
        """End the process."""
        self._process.stdin.close()
        self._process.wait()


if __name__ == "__main__":
    serve(*sys.argv[1:])
