# SPDX-License-Identifier: GPL-3.0-or-later
"""What the network says of one crystal as a value: a record of numbers."""

from dataclasses import dataclass

import numpy as np

from .symmetry_network import CLASSES

NO_CONTRAST, TOO_SMALL, TOO_FINE = (
    "no contrast",
    "no window of 6.4 periods and 64 pixels fits",
    "period below 4.5 pixels",
)
REASONS = ("", NO_CONTRAST, TOO_SMALL, TOO_FINE)
NO_LATTICE = "no lattice"
# One crystal. `weights` and `spreads` are in the order of `CLASSES`; `length` is the
# mean side of the windows, in the unit of the pixel size.
RECORD = np.dtype(
    [
        ("reason", np.int8),
        ("n_windows", np.int32),
        ("length", np.float64),
        ("weights", np.float64, (len(CLASSES),)),
        ("spreads", np.float64, (len(CLASSES),)),
    ]
)


@dataclass(frozen=True, eq=False)
class PredictedSymmetry:
    """Bravais type of one crystal as the network predicts it, with weights.

    It knows no lattice vectors and no plane group.

    Parameters
    ----------
    record : () numpy.ndarray of RECORD
    unit : str
    name : str
        Of the pattern.
    """

    record: np.ndarray
    unit: str = "px"
    name: str = ""

    def __repr__(self):
        """One line: the name, and no arrays."""
        words = self.bravais
        if self.n_windows:
            words += f", weight {self.bravais_weights[self.bravais]:.2f}"
        words += f", {self.reason}" * bool(self.reason)
        return f"<PredictedSymmetry {self.name}".rstrip() + f": {words}>"

    @property
    def n_windows(self):
        """Windows that the network has seen: int."""
        return int(self.record["n_windows"])

    @property
    def window_length(self):
        """Mean side of the windows, in axis units; NaN without any: float."""
        return float(self.record["length"])

    def _by_class(self, field):
        return dict(zip(CLASSES, self.record[field].tolist(), strict=True))

    @property
    def bravais_weights(self):
        """Weights of each Bravais type and of none, mean over windows: dict of float.

        NaN without windows.
        """
        return self._by_class("weights")

    @property
    def bravais_spreads(self):
        """Standard deviations over windows and passes of the network: dict of float."""
        return self._by_class("spreads")

    @property
    def bravais(self):
        """Bravais type of the largest weight; "none" without windows: str."""
        if not self.n_windows:
            return "none"
        return CLASSES[int(self.record["weights"].argmax())]

    @property
    def reason(self):
        """Why there is no Bravais type; empty if there is one: str."""
        reason = REASONS[int(self.record["reason"])]
        return reason or (NO_LATTICE if self.bravais == "none" else "")

    def to_dict(self):
        """All that is known, in Python's own types: dict."""
        found = {"name": self.name, "method": "network", "reason": self.reason}
        found |= {"bravais": self.bravais, "n_windows": self.n_windows}
        if not self.n_windows:
            return found
        return found | {
            "unit": self.unit,
            "window_length": self.window_length,
            "bravais_weights": self.bravais_weights,
            "bravais_spreads": self.bravais_spreads,
        }
