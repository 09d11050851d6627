"""The book's interactive figures: Vega-Lite charts that carry their data and formulas."""

from .base import Widget
from .conjugate import prior_to_posterior

__all__ = ["Widget", "prior_to_posterior"]
