"""R-hat of many parameters at once: 4 chains of 1,000 draws of 1,000 parameters.

Ours computes all terms in arrays, ArviZ one parameter after the other. Each number is the median of
seven calls, after one that is not timed. The draws lie in memory as samplers return them, the
parameters last; ArviZ gets them as an array, so that no labels are in its way.
"""

from __future__ import annotations

from typing import Any

import arviz as az
import numpy as np

from bhm_utils import gelman_rubin

from .measure import median_seconds, rounded


def convergence() -> list[dict[str, Any]]:
    """Time both on the same draws, after a check that they agree."""
    draws = np.random.default_rng(1).standard_normal((4, 1000, 1000))

    def theirs() -> Any:
        return az.rhat(draws, chain_axis=0, draw_axis=1, method="identity")

    difference = np.abs(gelman_rubin(draws).rhat - theirs()).max()
    if not difference < 1e-12:
        raise RuntimeError(f"ours and ArviZ differ by {difference}")
    seconds = {
        "bhm_utils.gelman_rubin": median_seconds(lambda: gelman_rubin(draws), 7),
        'arviz.rhat, method="identity"': median_seconds(theirs, 7),
    }
    return [
        {"function": name, "milliseconds": rounded(1000 * value)} for name, value in seconds.items()
    ]
