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
from .claims import verdicts
from .convergence import burn_in, divergences, foolers, one_and_all, running, windows
from .criticism import (
    checks,
    imputed_scores,
    intercepts_by_predictor,
    pareto_shapes,
    replicated_scores,
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
from .pooling import error_curves, funnel, pooled_lines, prior_schools
from .programs import programs_and_exact, varying_slopes
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
from .schools import (
    caterpillar,
    diagnostics,
    pair_difference,
    pairs,
    rank_intervals,
    sd_ratios,
    shrinkage_by_size,
)
from .structure import structure_graph, two_levels, varying_lines
from .study import agreement, bundles, by_design, ladder, rank_curves, ridge, shifts
from .style import PALETTE, use_style
from .thinking import (
    against_grid,
    bayes_mosaic,
    one_by_one,
    prior_to_posterior,
    what_alpha_does,
)
from .variance import interval_ratios, unknown_variance

__all__ = [
    "PALETTE",
    "against_grid",
    "agreement",
    "bayes_mosaic",
    "bundles",
    "burn_in",
    "by_design",
    "calibration",
    "caterpillar",
    "checks",
    "densities",
    "diagnostics",
    "difference",
    "dimension_curves",
    "divergences",
    "draws_and_density",
    "engines_side_by_side",
    "error_curves",
    "exact_and_draws",
    "foolers",
    "forest",
    "funnel",
    "implied_sds",
    "imputed_scores",
    "intercepts_by_predictor",
    "interval_ratios",
    "ladder",
    "missing_scores",
    "one_and_all",
    "one_by_one",
    "pair_difference",
    "pairs",
    "pareto_shapes",
    "pooled_lines",
    "posterior_with_marks",
    "prior_schools",
    "prior_to_posterior",
    "programs_and_exact",
    "quantile_errors",
    "rank_curves",
    "rank_intervals",
    "rejection",
    "replicated_scores",
    "ridge",
    "running",
    "running_means",
    "school_lines",
    "school_means",
    "school_sizes",
    "score_distributions",
    "sd_ratios",
    "shifts",
    "shrinkage",
    "shrinkage_by_size",
    "step_size_curves",
    "step_sizes",
    "structure_graph",
    "trace_and_density",
    "two_levels",
    "two_limits",
    "two_modes",
    "unknown_variance",
    "unnamed_posterior",
    "use_style",
    "useful_share",
    "varying_lines",
    "varying_slopes",
    "verdicts",
    "walk_stages",
    "what_alpha_does",
    "windows",
    "written_and_course",
]
