"""The Monte Carlo study of priors: simulate, fit every replicate under every prior, judge."""

from .criteria import study_table
from .designs import STUDY_DESIGNS
from .run import run_study
from .stored import load_study

__all__ = ["STUDY_DESIGNS", "load_study", "run_study", "study_table"]
