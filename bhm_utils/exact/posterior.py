"""The exact posterior: moments, quantiles, densities, draws and evidence."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..engines.fits import effects_frame
from .density import Coefficients, Density, forward
from .mixture import ATANH, LOG, Mixture
from .quadrature import Lattice, QuadratureError, find_mode, lay
from .statistics import GroupStatistics

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from ..model import Design
    from ..priors import Priors

    Array = NDArray[np.float64]

TOLERANCE = 1e-3  # of a posterior standard deviation
KERNEL_ORDER = 12
# Widths of the kernels in lattice steps. Along an axis of the lattice, such as lambda, they are
# wider than across it, where its projection is denser.
ALONG, ACROSS = 1.5, {1: 1.5, 2: 1.2}
OTHER_ACROSS = 0.95
# Lattice steps for psi, by dimension, and for lambda; each level is finer and reaches further.
FIRST_STEP = {1: 0.7, 2: 0.85, 3: 1.1, 4: 1.15, 5: 1.2}
OTHER_STEP, LINE_STEP, FINER = 1.3, 0.7, 1.15
FIRST_DEPTH, MORE_DEPTH, LEVELS = 12.0, 2.5, 8
CHECKED = np.array([0.025, 0.975])


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

    @cached_property
    def _marginals(self) -> dict[str, Mixture]:
        return marginals(self._density, self._lattice, self._coefficients)

    def _marginal(self, name: str) -> Mixture:
        if name not in self._marginals:
            raise ValueError(f"name must be one of {list(self._marginals)}, got {name!r}")
        return self._marginals[name]

    def summary(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """Posterior mean, sd and equal-tailed interval of every parameter.

        With several outcomes the rows are (replicate, parameter).
        """
        if not 0 < ci_prob < 1:
            raise ValueError(f"ci_prob must be between 0 and 1, got {ci_prob!r}")
        tails = [(1 - ci_prob) / 2, (1 + ci_prob) / 2]
        percent = f"{100 * ci_prob:.0f}"
        columns = ["mean", "sd", f"eti{percent}_lb", f"eti{percent}_ub"]
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
        """Quantiles of the parameter `name` at `probability` (k,): (k,), or (R, k)."""
        p = np.atleast_1d(np.asarray(probability, dtype=float))
        if not ((p > 0) & (p < 1)).all():
            raise ValueError(f"probability must be between 0 and 1, got {probability!r}")
        return self._only(self._marginal(name).quantile(p))

    def density(self, name: str, grid: ArrayLike) -> Array:
        """Posterior density of the parameter `name` on `grid` (k,): (k,), or (R, k)."""
        return self._only(self._marginal(name).density(grid))

    def cdf(self, name: str, values: ArrayLike) -> Array:
        """Posterior probability of at most `values`, (k,) or (R, k): (k,), or (R, k)."""
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
        moments = group_moments(self._density, self._lattice, self._coefficients)
        frames = [
            effects_frame(self.design, name, **{key: value[i] for key, value in moments.items()})
            for i, name in enumerate(self.design.varying)
        ]
        return pd.concat(frames).sort_index()

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
        """
        import arviz as az

        self._require_one("sample")
        if draws < 1 or chains < 1:
            raise ValueError(f"draws and chains must be at least 1, got {draws!r} and {chains!r}")
        from .sampling import sample_all

        values = sample_all(self._density, self._lattice, draws * chains, rng)
        group = self.design.group
        return az.from_dict(
            {
                "posterior": {
                    name: value.reshape(chains, draws, *value.shape[1:])
                    for name, value in values.items()
                }
            },
            coords={group: self.design.labels.to_list()},
            dims={name: [group] for name in self.design.varying},
        )


def exact_posterior(
    formula: str,
    data: pd.DataFrame | GroupStatistics,
    *,
    priors: Priors,
    outcomes: ArrayLike | None = None,
) -> ExactPosterior:
    r"""Compute the posterior of a two-level Gaussian model exactly.

    .. math::
        p(b, u, \phi \mid y) = p(u \mid b, \phi, y) \, p(b \mid \phi, y) \, p(\phi \mid y), \qquad
        p(\phi \mid y) \propto p(\phi) \int p(y \mid b, u, \phi) \, p(u \mid \phi) \, p(b)
        \, du \, db

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
    mode, factor = find_mode(density, len(statistics.y_means))
    step, line_step = FIRST_STEP.get(density.dimension, OTHER_STEP), LINE_STEP
    depth, before, error = FIRST_DEPTH, None, np.inf
    for _ in range(LEVELS):
        try:
            lattice = lay(density, mode, factor, step, line_step, depth)
        except QuadratureError as failure:
            raise QuadratureError(f"{failure} (accuracy reached: {error:.1g} sd)") from None
        found = marginals(density, lattice, density.coefficients(lattice.parts))
        now = Checked.of(found, before)
        if before is not None:
            error = now.change_from(before)
            if error < TOLERANCE:
                break
        before = now
        step, line_step, depth = step / FINER, line_step / FINER, depth + MORE_DEPTH
    else:
        raise QuadratureError(
            f"means, sds and quantiles are stable to {error:.1g} posterior sds only, not to "
            f"{TOLERANCE:g}, with {lattice.weights[0].size:,} nodes"
        )
    return ExactPosterior(
        design=statistics.design,
        priors=priors,
        error=error,
        seconds=time.perf_counter() - start,
        _density=density,
        _lattice=lattice,
    )


@dataclass(frozen=True)
class Checked:
    """What must be stable: mean, sd and two quantiles of every parameter, each (R, parameters)."""

    mean: Array
    sd: Array
    quantiles: Array  # (R, parameters, 2)
    kernel_quantiles: list[Array]

    @classmethod
    def of(cls, found: dict[str, Mixture], before: Checked | None) -> Checked:
        """Compute them; from earlier ones, which are near, a single Newton step is enough."""
        mixtures = list(found.values())
        moments = [mixture.mean_and_sd() for mixture in mixtures]
        v = [
            mixture.kernel_quantile(CHECKED)
            if before is None
            else mixture.quantile_near(before.kernel_quantiles[k], CHECKED)
            for k, mixture in enumerate(mixtures)
        ]
        return cls(
            np.stack([mean for mean, _ in moments], axis=1),
            np.stack([sd for _, sd in moments], axis=1),
            np.stack([m.scale.to(x) for m, x in zip(mixtures, v, strict=True)], axis=1),
            v,
        )

    def change_from(self, other: Checked) -> float:
        """Largest change, in posterior standard deviations."""
        changes = [self.mean - other.mean, self.sd - other.sd]
        changes += list(np.moveaxis(self.quantiles - other.quantiles, -1, 0))
        worst = max(float(np.max(np.abs(change) / self.sd)) for change in changes)
        return worst if np.isfinite(worst) else np.inf


def marginals(density: Density, lattice: Lattice, coefficients: Coefficients) -> dict[str, Mixture]:
    """The marginal of every parameter, by name."""
    design = density.design
    R = len(lattice.weights)
    weights = lattice.weights.reshape(R, -1)
    found: dict[str, Mixture] = {}
    variances = coefficients.variance
    for a, name in enumerate(design.common):
        found[name] = Mixture(
            coefficients.mean[a].reshape(R, -1),
            np.sqrt(variances[a]).reshape(R, -1),
            weights,
        )

    def smooth(values: Array, along_psi: Array, along_line: Array, scale: Any) -> Mixture:
        """From values at the nodes and their change along psi and lambda, all (R, n, K)."""
        widths = np.hypot(
            ACROSS.get(density.dimension, OTHER_ACROSS) * lattice.step * along_psi,
            ALONG * lattice.line_step * along_line,
        )
        widths = np.broadcast_to(widths, lattice.weights.shape)
        values = np.broadcast_to(values, lattice.weights.shape)
        return Mixture(values.reshape(R, -1), widths.reshape(R, -1), weights, KERNEL_ORDER, scale)

    line = lattice.line_sd[..., None]
    none = np.zeros((1, 1, 1))
    spread = np.sqrt((lattice.basis**2).sum(axis=-1))  # (R, d)
    for i, name in enumerate(design.group_sds):
        log_sd = lattice.psi[..., i, None] + lattice.lam
        found[name] = smooth(log_sd, spread[:, i, None, None], line, LOG)
    if density.partials:
        for m, name in enumerate(design.correlations):
            values, gradient = _correlation(density, lattice, m)
            found[name] = smooth(values[..., None], gradient[..., None], none, ATANH)
    found["sigma"] = smooth(lattice.lam, none, line, LOG)
    return found


def _correlation(density: Density, lattice: Lattice, m: int) -> tuple[Array, Array]:
    """atanh of the m-th correlation at the nodes, and the length of its gradient: (R, n)."""
    a, b = list(combinations(range(density.q), 2))[m]

    def atanh_r(psi: Array) -> Array:
        rows = density.correlation_factor(psi)
        r = sum(x * y for x, y in zip(rows[a][: a + 1], rows[b][: a + 1], strict=True))
        return np.asarray(np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15)))

    psi, e = lattice.psi, 1e-4
    slopes = np.zeros(psi.shape)
    for k in range(density.q, density.dimension):
        bump = e * np.eye(density.dimension)[k]
        slopes[..., k] = (atanh_r(psi + bump) - atanh_r(psi - bump)) / (2 * e)
    gradient = np.einsum("rnd,rdz->rnz", slopes, lattice.basis)
    return atanh_r(psi), np.maximum(np.sqrt((gradient**2).sum(axis=-1)), 1e-3)


def group_moments(
    density: Density, lattice: Lattice, coefficients: Coefficients
) -> dict[str, list[Array]]:
    """Moments of effects and totals over all nodes, for one outcome: lists of (J,) by effect."""
    q, p, J = density.q, density.p, len(density.design.labels)
    T, offset = density.T, density.offset[0]
    inverse = np.linalg.inv(T)
    # Moments of b and sigma^2 at each psi, in the shifted columns.
    w = lattice.weights[0]
    share = w.sum(axis=1)
    conditional = w / np.maximum(share, 1e-300)[:, None]
    mean, cov = coefficients.stacked()
    b = (mean[0] - offset) @ inverse.T
    b_cov = inverse @ cov[0] @ inverse.T
    b_mean = np.einsum("nk,nkp->np", conditional, b)
    b_second = np.einsum("nk,nkpr->npr", conditional, b_cov) + np.einsum(
        "nk,nkp,nkr->npr", conditional, b, b
    )
    variance = np.einsum("nk,nk->n", conditional, np.exp(2 * lattice.lam[0]))
    first = np.zeros((2 * q, J))
    second = np.zeros((2 * q, J))
    # u = A - D b with A = L M^-1 L'Z'y, D = L M^-1 L'Z'X, and cov = sigma^2 L M^-1 L'.
    size = max(1, 200_000 // J)
    for k in range(0, len(share), size):
        part = slice(k, k + size)
        C, WX, Wy = density.whiten(lattice.psi[:, part])
        L = density.factor(lattice.psi[:, part], shifted=False)
        G = forward(C, [[L[i][a][..., None] for i in range(q)] for a in range(q)])  # C^-1 L'
        for i in range(q):
            column = [G[a][i] for a in range(q)]
            A = sum(column[a] * Wy[a] for a in range(q))[0]
            D = [sum(column[a] * WX[a][x] for a in range(q))[0] for x in range(p)]
            own = sum(column[a] ** 2 for a in range(q))[0] * variance[part, None]
            _accumulate(first, second, i, A, D, own, share, b_mean, b_second, part, None)
            _accumulate(
                first,
                second,
                q + i,
                A,
                D,
                own,
                share,
                b_mean,
                b_second,
                part,
                _total_row(density, i),
            )
    moments: dict[str, list[Array]] = {"mean": [], "sd": [], "total_mean": [], "total_sd": []}
    for i, at in enumerate(density.design.counterparts):
        moments["mean"].append(first[i])
        moments["sd"].append(np.sqrt(np.maximum(second[i] - first[i] ** 2, 0)))
        base = offset[at] if at is not None else 0.0
        moments["total_mean"].append(first[q + i] + base)
        moments["total_sd"].append(np.sqrt(np.maximum(second[q + i] - first[q + i] ** 2, 0)))
    return moments


def _total_row(density: Density, i: int) -> Array | None:
    """The row of T that turns shifted coefficients into the one that effect i varies."""
    at = density.design.counterparts[i]
    return None if at is None else density.T[at]


def _accumulate(
    first: Array,
    second: Array,
    row: int,
    A: Array,
    D: list[Array],
    own: Array,
    share: Array,
    b_mean: Array,
    b_second: Array,
    part: slice,
    plus: Array | None,
) -> None:
    """Add the moments of A - D b (+ plus b) at some nodes, weighted, to row `row`."""
    p = len(D)
    slope = [-D[x] + (0.0 if plus is None else plus[x]) for x in range(p)]
    mean = A + sum(slope[x] * b_mean[part, x, None] for x in range(p))
    square = own + A**2
    for x in range(p):
        square = square + 2 * A * slope[x] * b_mean[part, x, None]
        for z in range(p):
            square = square + slope[x] * slope[z] * b_second[part, x, z, None]
    first[row] += share[part] @ mean
    second[row] += share[part] @ square
