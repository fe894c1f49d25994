# SPDX-License-Identifier: GPL-3.0-or-later
"""Labels as a picture."""

from pathlib import Path

import numpy as np
import rsciio
from hyperspy.signals import Signal2D
from rsciio.utils.rgb import regular_array2rgbx

from hyperspy_symseg.analysis.checks import check_labels
from hyperspy_symseg.plotting import paint

from .metadata import result_metadata


def is_picture(filename, overwrite=None, extension=None, file_format=None, **options):
    """Whether what `BaseSignal.save` is given names an image such as a .png."""
    suffix = Path(filename).suffix if isinstance(filename, str | Path) else ""
    kind = (file_format or extension or suffix).lstrip(".").lower()
    image = next(each for each in rsciio.IO_PLUGINS if each["name"] == "Image")
    return filename is not None and kind in (*image["file_extensions"], "image")


def picture(labels):
    """Picture of labels in the colours of `SymmetryLabels.plot`: Signal2D of rgb8."""
    if labels.axes_manager.navigation_dimension:
        raise ValueError(
            "labels must be of a single image to be saved as a picture, got a series "
            f"of {labels.axes_manager.navigation_shape} (take one with `inav`)."
        )
    n_patterns = labels.n_patterns
    numbers = check_labels(np.asarray(labels.data), n_patterns)
    picture = Signal2D(
        regular_array2rgbx(paint(numbers, n_patterns)),
        axes=[axis.get_axis_dictionary() for axis in labels.axes_manager._axes],
        **result_metadata(labels, Signal={"signal_type": ""}),
    )
    # In a folder, it has the name of the labels.
    picture.tmp_parameters.add_dictionary(labels.tmp_parameters.as_dictionary())
    return picture
