"""The exact posterior: moments, quantiles, densities, draws and evidence."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..tables import summary_columns
from .density import Density
from .effects import group_moments
from .mixture import Mixture
from .nodes import Coefficients
from .quadrature import Lattice
from .refinement import refine
from .sampling import sample_all
from .statistics import GroupStatistics

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from ..model import Design
    from ..priors import Priors

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class ExactPosterior:
    """The posterior of a two-level Gaussian model, by quadrature over its variances.

    Given the variances everything is normal. The posterior is therefore a mixture of normal
    distributions, with weights from a low-dimensional integral; moments, quantiles and densities
    of coefficients and group effects are those of the mixture, not of draws.

    Attributes
    ----------
    design : Design
        The model: names and labels.
    priors : Priors
        The priors.
    log_evidence : float or numpy.ndarray
        Log of the marginal likelihood of the data; a flat prior counts as density 1.
    error : float
        Largest change of a mean, sd, 2.5% or 97.5% quantile at the last refinement of the nodes,
        in posterior standard deviations.
    nodes : int
        Nodes of the last lattice.
    seconds : float
        Wall time, from statistics to checked nodes.
    """

    design: Design
    priors: Priors
    error: float
    seconds: float
    _density: Density = field(repr=False)
    _lattice: Lattice = field(repr=False)
    _marginals: dict[str, Mixture] = field(repr=False)

    @property
    def replicates(self) -> int:
        """Number of outcomes."""
        return len(self._lattice.weights)

    @property
    def nodes(self) -> int:
        """Nodes of the lattice."""
        return int(np.prod(self._lattice.weights.shape[1:]))

    @property
    def log_evidence(self) -> Any:
        """Log of the marginal likelihood of the data."""
        value = self._lattice.log_evidence
        return float(value[0]) if self.replicates == 1 else value

    @cached_property
    def _coefficients(self) -> Coefficients:
        return self._density.coefficients(self._lattice.parts)

    def _marginal(self, name: str) -> Mixture:
        if name not in self._marginals:
            raise ValueError(f"name must be one of {list(self._marginals)}, got {name!r}")
        return self._marginals[name]

    def summary(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """Posterior mean, sd and equal-tailed interval of every parameter.

        With several outcomes the rows are (replicate, parameter).

        Raises
        ------
        ValueError
            If `ci_prob` is not between 0 and 1.
        """
        columns = summary_columns(ci_prob)
        tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
        tables = {}
        for name in self.design.parameters:
            if name not in self._marginals:
                continue
            mixture = self._marginals[name]
            tables[name] = np.column_stack([*mixture.mean_and_sd(), mixture.quantile(tails)])
        stacked = np.stack(list(tables.values()), axis=1)  # (R, parameters, 4)
        if self.replicates == 1:
            return pd.DataFrame(stacked[0], index=list(tables), columns=columns)
        index = pd.MultiIndex.from_product(
            [range(self.replicates), tables], names=["replicate", "parameter"]
        )
        return pd.DataFrame(stacked.reshape(-1, 4), index=index, columns=columns)

    def quantile(self, name: str, probability: ArrayLike) -> Array:
        """Quantiles of the parameter `name` at `probability` (k,): (k,), or (R, k).

        Raises
        ------
        ValueError
            If the model has no such parameter, or a probability is not between 0 and 1.
        """
        p = np.atleast_1d(np.asarray(probability, dtype=float))
        if not ((p > 0) & (p < 1)).all():
            raise ValueError(f"probability must be between 0 and 1, got {probability!r}")
        return self._only(self._marginal(name).quantile(p))

    def density(self, name: str, grid: ArrayLike) -> Array:
        """Posterior density of the parameter `name` on `grid` (k,): (k,), or (R, k).

        Raises
        ------
        ValueError
            If the model has no such parameter.
        """
        return self._only(self._marginal(name).density(grid))

    def cdf(self, name: str, values: ArrayLike) -> Array:
        """Posterior probability of at most `values`, (k,) or (R, k): (k,), or (R, k).

        Raises
        ------
        ValueError
            If the model has no such parameter.
        """
        return self._only(self._marginal(name).cdf(values))

    def _only(self, values: Array) -> Array:
        return values[0] if self.replicates == 1 else values

    def group_effects(self) -> pd.DataFrame:
        """Posterior mean and sd of each group's effects and of their totals.

        Returns
        -------
        pandas.DataFrame
            Index (group, effect). ``mean`` and ``sd`` are of the deviation u_j, ``total_mean`` and
            ``total_sd`` of the deviation plus the common coefficient that it varies, if any.

        Raises
        ------
        ValueError
            If the posterior is one of several outcomes.
        """
        self._require_one("group_effects")
        return self.design.effects_frame(
            **group_moments(self._density, self._lattice, self._coefficients)
        )

    def _require_one(self, method: str) -> None:
        if self.replicates != 1:
            raise ValueError(f"{method} needs a single outcome, got {self.replicates}")

    def sample(self, draws: int, *, chains: int = 4, rng: np.random.Generator) -> xr.DataTree:
        """Draw from the posterior, independently.

        Variances are drawn by rejection from a t distribution around the lattice's moments, so
        that the draws have the exact density; the rest is normal given them.

        Parameters
        ----------
        draws : int
            Draws in each chain.
        chains : int, default 4
            How many chains to arrange them in, so that all tools for MCMC apply.
        rng : numpy.random.Generator
            Where the randomness comes from.

        Returns
        -------
        xarray.DataTree
            As a `BayesFit.tree`, under Bambi's names.

        Raises
        ------
        ValueError
            If the posterior is one of several outcomes, or a number is less than 1.
        """
        import arviz as az

        self._require_one("sample")
        if draws < 1 or chains < 1:
            raise ValueError(f"draws and chains must be at least 1, got {draws!r} and {chains!r}")
        values = sample_all(self._density, self._lattice, draws * chains, rng)
        group = self.design.group
        tree: xr.DataTree = az.from_dict(
            {
                "posterior": {
                    name: value.reshape(chains, draws, *value.shape[1:])
                    for name, value in values.items()
                }
            },
            coords={group: self.design.labels.to_list()},
            dims={name: [group] for name in self.design.varying},
        )
        return tree


def exact_posterior(
    formula: str,
    data: pd.DataFrame | GroupStatistics,
    *,
    priors: Priors,
    outcomes: ArrayLike | None = None,
) -> ExactPosterior:
    r"""Compute the posterior of a two-level Gaussian model exactly.

    .. math::
        p(b, u, \phi \mid y) = & \; p(u \mid b, \phi, y) \, p(b \mid \phi, y) \\
        & \; p(\phi \mid y) \\
        p(\phi \mid y) \propto & \; p(\phi) \int p(y \mid b, u, \phi) \\
        & \; p(u \mid \phi) \, p(b) \, du \, db

    The first two factors are normal and the integral is closed-form; what remains is one integral
    over the variances :math:`\phi`, done on a lattice around their mode that is refined until
    means, standard deviations and the 2.5% and 97.5% quantiles of all parameters are stable.

    Parameters
    ----------
    formula : str
        As for `Design.from_formula`.
    data : pandas.DataFrame or GroupStatistics
        One row an observation, or the statistics of the rows.
    priors : Priors
        The priors.
    outcomes : array_like, shape (R, N), optional
        Many outcomes on the rows of `data`: R posteriors in one call.

    Returns
    -------
    ExactPosterior

    Raises
    ------
    QuadratureError
        If the nodes cannot be refined to that accuracy; the message says what was reached.
    ValueError
        If the formula, the data and the priors do not fit together.
    """
    start = time.perf_counter()
    if isinstance(data, GroupStatistics):
        if outcomes is not None:
            raise ValueError("outcomes must be None where data are GroupStatistics")
        if data.design.formula != formula:
            raise ValueError(
                f"formula must be that of the statistics, {data.design.formula!r}, got {formula!r}"
            )
        statistics = data
    else:
        statistics = GroupStatistics.from_rows(formula, data, outcomes=outcomes)
    density = Density(statistics, priors)
    lattice, found, error = refine(density)
    return ExactPosterior(
        design=statistics.design,
        priors=priors,
        error=error,
        seconds=time.perf_counter() - start,
        _density=density,
        _lattice=lattice,
        _marginals=found,
    )
