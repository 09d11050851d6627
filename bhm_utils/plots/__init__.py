"""The book's figures."""

from .chains import (
    dimension_curves,
    draws_and_density,
    engines_side_by_side,
    step_size_curves,
    step_sizes,
    trace_and_density,
    walk_stages,
)
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
from .sampling import (
    calibration,
    difference,
    quantile_errors,
    rejection,
    running_means,
    two_limits,
    two_modes,
    unnamed_posterior,
    useful_share,
)
from .study import agreement, bundles, by_design, rank_curves, ridge, shifts
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
    "agreement",
    "bayes_mosaic",
    "bundles",
    "by_design",
    "calibration",
    "densities",
    "difference",
    "dimension_curves",
    "draws_and_density",
    "engines_side_by_side",
    "exact_and_draws",
    "forest",
    "implied_sds",
    "interval_ratios",
    "missing_scores",
    "one_by_one",
    "posterior_with_marks",
    "prior_to_posterior",
    "quantile_errors",
    "rank_curves",
    "rejection",
    "ridge",
    "running_means",
    "school_lines",
    "school_means",
    "school_sizes",
    "score_distributions",
    "shifts",
    "shrinkage",
    "step_size_curves",
    "step_sizes",
    "trace_and_density",
    "two_limits",
    "two_modes",
    "unknown_variance",
    "unnamed_posterior",
    "use_style",
    "useful_share",
    "walk_stages",
    "what_alpha_does",
    "written_and_course",
]
