"""The book's interactive figures: Vega-Lite charts that carry their data and formulas."""

from .base import Widget
from .conjugate import prior_to_posterior
from .metropolis import chains
from .shrinkage import shrinkage
from .story import pooling_story

__all__ = ["Widget", "chains", "pooling_story", "prior_to_posterior", "shrinkage"]
