from .lengths import Lengths, suitable_lengths
from .periods import Periods, find_periods

__all__ = ["Lengths", "Periods", "find_periods", "suitable_lengths"]
