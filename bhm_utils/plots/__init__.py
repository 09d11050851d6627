"""The book's figures."""

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
from .thinking import (
    against_grid,
    bayes_mosaic,
    interval_ratios,
    one_by_one,
    prior_to_posterior,
    unknown_variance,
    what_alpha_does,
)

__all__ = [
    "PALETTE",
    "against_grid",
    "bayes_mosaic",
    "forest",
    "implied_sds",
    "interval_ratios",
    "missing_scores",
    "one_by_one",
    "posterior_with_marks",
    "prior_to_posterior",
    "school_lines",
    "school_means",
    "school_sizes",
    "score_distributions",
    "unknown_variance",
    "use_style",
    "what_alpha_does",
    "written_and_course",
]
