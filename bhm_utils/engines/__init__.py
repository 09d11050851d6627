"""The engines: each takes a formula, data and priors, and answers with the same rows."""

from .bambi import fit_bambi
from .fits import BayesFit, compare
from .ml import MLFit, fit_ml
from .pymc import fit_pymc
from .stan import fit_stan

__all__ = ["BayesFit", "MLFit", "compare", "fit_bambi", "fit_ml", "fit_pymc", "fit_stan"]
