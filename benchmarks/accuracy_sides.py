# SPDX-License-Identifier: GPL-3.0-or-later
"""Who labels the frames of the accuracy benchmark: we, the peers, and an observer.

A side is called with frames that have the same number of patterns, and returns what it
finds in each.
"""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import accuracy_suite
import motif_environment
import numpy as np
import pystem_environment
from observer import observe

PYSTEM, MOTIFS = pystem_environment.PEER, motif_environment.PEER
OBSERVER = "limit"


class Frame(NamedTuple):
    """A frame of the suite; those of one job have the same number of patterns."""

    name: str
    dose: float
    seed: int
    data: np.ndarray
    truth: np.ndarray

    @classmethod
    def of(cls, name, dose, seed, scale=1):
        """Frame of a case of the suite."""
        frame, truth = accuracy_suite.case(name, dose, seed, scale)
        return cls(name, dose, seed, frame, truth)

    @property
    def n_patterns(self):
        """Number of patterns that there are."""
        return int(self.truth.max()) + 1


class Found(NamedTuple):
    """What a side finds in a frame: labels, by one recipe or several."""

    labels: list
    certainty: np.ndarray | None = None
    number: int | None = None


def label_ours(frames):
    """What we find, told the number of patterns; of one pattern, by "auto" alone."""
    import hyperspy.api as hs

    import hyperspy_symseg  # noqa: F401  adds the method

    for frame in frames:
        signal = hs.signals.Signal2D(frame.data)
        auto, certainty = signal.segment_symmetry(
            "auto", certainty=True, show_progressbar=False
        )
        labels = auto
        if frame.n_patterns > 1:
            labels, certainty = signal.segment_symmetry(
                frame.n_patterns, certainty=True, show_progressbar=False
            )
        yield Found([labels.data], certainty.data, auto.n_patterns)


class Peer:
    """A peer's labels of some frames, from a process of its own.

    Parameters
    ----------
    python : Path
        Of the environment that the peer is installed in.
    script : str
        Name of a file beside this one, which labels the frames in a folder.
    """

    def __init__(self, python, script):
        self._command = [python, "-I", Path(__file__).with_name(script)]

    def __call__(self, frames):
        """Label the frames."""
        with tempfile.TemporaryDirectory() as folder:
            for i, frame in enumerate(frames):
                np.save(Path(folder, f"{i}.npy"), frame.data)
            command = [*self._command, folder, str(frames[0].n_patterns)]
            subprocess.run(command, check=True, stdout=sys.stderr)
            found = [
                np.load(Path(folder, f"{i}_labels.npy")) for i in range(len(frames))
            ]
        shape = frames[0].truth.shape
        return [Found(list(labels.reshape(-1, *shape))) for labels in found]


def label_observer(frames):
    """What an observer finds who is told the motifs; not of scaled frames."""
    for frame in frames:
        scene = accuracy_suite.scene_of(frame.name, frame.seed)
        yield Found([observe(scene, frame.data, frame.dose)])


def make_sides(pystem=None, motifs=None, has_observer=False):
    """Sides by their names, ours first.

    Parameters
    ----------
    pystem, motifs : Path, optional
        Environments of the peers that are to take part; made if there are none.
    has_observer : bool

    Returns
    -------
    dict of str to callable
    """
    sides = {"ours": label_ours}
    if pystem is not None:
        python = pystem_environment.peer_python(pystem)
        sides[PYSTEM] = Peer(python, "pystem_labels.py")
    if motifs is not None:
        python = motif_environment.peer_python(motifs)
        sides[MOTIFS] = Peer(python, "motif_labels.py")
    if has_observer:
        sides[OBSERVER] = label_observer
    return sides
