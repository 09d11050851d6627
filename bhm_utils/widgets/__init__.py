"""The book's interactive figures: Vega-Lite charts that carry their data and formulas."""

from .base import Widget
from .conjugate import prior_to_posterior
from .metropolis import chains
from .shrinkage import shrinkage

__all__ = ["Widget", "chains", "prior_to_posterior", "shrinkage"]
