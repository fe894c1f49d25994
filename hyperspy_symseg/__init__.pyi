from . import descriptors, segmentation, signals, simulate

__version__: str

__all__ = ["descriptors", "segmentation", "signals", "simulate"]
