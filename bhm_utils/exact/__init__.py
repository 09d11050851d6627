"""The exact posterior of a two-level Gaussian model."""

from .posterior import ExactPosterior, exact_posterior
from .quadrature import QuadratureError
from .statistics import GroupStatistics

__all__ = ["ExactPosterior", "GroupStatistics", "QuadratureError", "exact_posterior"]
