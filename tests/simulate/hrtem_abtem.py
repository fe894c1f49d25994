# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit waves of abTEM 1.0 that the package's own are compared with.

abTEM needs another zarr than HyperSpy. In an environment of its own, this writes the
file of waves again ::

    python tests/simulate/hrtem_abtem.py tests/simulate/hrtem_abtem.npz
"""

import sys

import numpy as np

# Pixels, their size, and thermal motion, in angstroms.
SHAPE, PIXEL, MOTION = (100, 120), 0.1, 0.08
# Voltage in kV and thickness of a slice in angstroms.
SHEET, GOLD = (80, 2.0), (300, 2.04)


def specimens():
    """Positions (y, x, z), elements, voltage and thickness of slices, by name: dict."""
    rng = np.random.default_rng(0)
    atoms = np.column_stack(
        [rng.uniform(2, 8, 6), rng.uniform(2, 10, 6), np.full(6, 1.0)]
    )
    sites = np.mgrid[0:2, 0:2, 0:4].reshape(3, -1).T
    gold = sites[sites.sum(axis=1) % 2 == 0] * 2.04 + [4, 5, 1.02]
    return {
        "sheet": (atoms, ["C", "C", "S", "S", "Mo", "Mo"], *SHEET),
        "gold": (gold, ["Au"] * len(gold), *GOLD),
    }


def waves():
    """Exit waves by abTEM, half a slice behind the last atoms: dict of array."""
    import abtem
    import ase
    from abtem.parametrizations import KirklandParametrization

    size = [n * PIXEL for n in SHAPE]
    found = {}
    for name, (places, elements, voltage, thickness) in specimens().items():
        depth = places[:, 2].max() + thickness / 2
        atoms = ase.Atoms(elements, positions=places, cell=[*size, depth])
        potential = abtem.Potential(
            atoms,
            gpts=SHAPE,
            slice_thickness=thickness,
            parametrization=KirklandParametrization(sigmas=MOTION),
            projection="infinite",
        )
        wave = abtem.PlaneWave(energy=1e3 * voltage).multislice(potential).compute()
        found[name] = np.squeeze(wave.array)
    return found


if __name__ == "__main__":
    np.savez_compressed(
        sys.argv[1],
        **{
            name: np.stack([w.real, w.imag]).astype(np.float16)
            for name, w in waves().items()
        },
    )
