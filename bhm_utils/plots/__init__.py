"""The book's figures."""

from .exact import densities, exact_and_draws, shrinkage
from .fits import forest, implied_sds, posterior_with_marks
from .gcse import (
    missing_scores,
    school_lines,
    school_means,
    school_sizes,
    score_distributions,
    written_and_course,
)
from .style import PALETTE, use_style

__all__ = [
    "PALETTE",
    "densities",
    "exact_and_draws",
    "forest",
    "implied_sds",
    "missing_scores",
    "posterior_with_marks",
    "school_lines",
    "school_means",
    "school_sizes",
    "score_distributions",
    "shrinkage",
    "use_style",
    "written_and_course",
]
