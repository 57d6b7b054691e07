from hybrid.systems.exact_matrix import ExactMatrix
from hybrid.systems.linear import LinearSystem

__all__ = ["ExactMatrix", "LinearSystem"]
