"""The book's interactive figures: Vega-Lite charts that carry their data and formulas."""

from .base import Widget
from .conjugate import prior_to_posterior
from .metropolis import chains
from .schools import two_schools
from .shrinkage import shrinkage
from .story import pooling_story
from .study import prior_study

__all__ = [
    "Widget",
    "chains",
    "pooling_story",
    "prior_study",
    "prior_to_posterior",
    "shrinkage",
    "two_schools",
]
