"""The lattice is refined until what is read off it is stable."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .marginals import marginals
from .quadrature import Lattice, QuadratureError, find_mode, lay

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .density import Density
    from .mixture import Mixture

    Array = NDArray[np.float64]

TOLERANCE = 1e-3  # of a posterior standard deviation
# Lattice steps for psi, by dimension, and for lambda; each level is finer and reaches further.
FIRST_STEP = {1: 0.7, 2: 0.85, 3: 1.1, 4: 1.15, 5: 1.2}
OTHER_STEP, LINE_STEP, FINER, LEVELS = 1.2, 0.75, 1.12, 9
MAX_BLUR = 1.25  # up to this, in sds, kernels of order 12 rebuild a normal density to 1e-3
CHECKED = np.array([0.025, 0.975])


def refine(density: Density) -> tuple[Lattice, dict[str, Mixture], float]:
    """Refine the lattice until means, sds and two quantiles of all parameters are stable.

    Returns
    -------
    Lattice, dict, float
        The last lattice, the marginals that belong to it, and the largest change that came with
        it, in posterior sds.

    Raises
    ------
    QuadratureError
        If they do not become stable; the message says what was reached.
    """
    mode, basis = find_mode(density, len(density.statistics.y_means))
    step, line_step = FIRST_STEP.get(density.dimension, OTHER_STEP), LINE_STEP
    # In high dimensions more of a normal posterior is far out, and going further costs more nodes.
    depth, deeper = 10 + density.dimension / 2, 2.5 if density.dimension < 5 else 1.0
    before, error = None, np.inf
    for _ in range(LEVELS):
        try:
            lattice = lay(density, mode, basis, step, line_step, depth)
        except QuadratureError as failure:
            raise QuadratureError(f"{failure} (accuracy reached: {error:.1g} sd)") from None
        found = marginals(density, lattice, density.coefficients(lattice.parts))
        now = Checked.of(found, before)
        if before is not None:
            error = now.change_from(before)
            if any(mixture.blur() > MAX_BLUR for mixture in found.values() if mixture.order > 1):
                error = np.inf  # stable, but too coarse to be believed
            if error < TOLERANCE:
                return lattice, found, error
        before = now
        step, line_step, depth = step / FINER, line_step / FINER, depth + deeper
    raise QuadratureError(
        f"means, sds and quantiles are stable to {error:.1g} posterior sds only, not to "
        f"{TOLERANCE:g}, with {lattice.weights[0].size:,} nodes; under flat coefficients, few "
        "groups and heavy-tailed priors the posterior has no finite moments, and a prior that ends "
        "inside the posterior leaves an edge that a lattice cannot follow"
    )


@dataclass(frozen=True)
class Checked:
    """What must be stable: mean, sd and two quantiles of every parameter, each (R, parameters)."""

    mean: Array
    sd: Array
    quantiles: Array  # (R, parameters, 2)

    @classmethod
    def of(cls, found: dict[str, Mixture], before: Checked | None) -> Checked:
        """Compute them; from earlier ones, which are near, a single Newton step is enough."""
        mixtures = list(found.values())
        moments = [mixture.mean_and_sd() for mixture in mixtures]
        quantiles = [
            mixture.quantile(CHECKED)
            if before is None
            else mixture.quantile_near(before.quantiles[:, k], CHECKED)
            for k, mixture in enumerate(mixtures)
        ]
        return cls(
            np.stack([mean for mean, _ in moments], axis=1),
            np.stack([sd for _, sd in moments], axis=1),
            np.stack(quantiles, axis=1),
        )

    def change_from(self, other: Checked) -> float:
        """Largest change, in posterior standard deviations."""
        changes = [self.mean - other.mean, self.sd - other.sd]
        changes += list(np.moveaxis(self.quantiles - other.quantiles, -1, 0))
        worst = max(float(np.max(np.abs(change) / self.sd)) for change in changes)
        return worst if np.isfinite(worst) else np.inf
