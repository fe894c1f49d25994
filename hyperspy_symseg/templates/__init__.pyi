from .model import Templates

__all__ = ["Templates"]
