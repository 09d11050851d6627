r"""How scores scatter around their mean: what a model says beyond its formula.

One object serves both sides. It writes itself into a PyMC model, and it evaluates and simulates
scores given draws from any engine.
"""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.stats as st

from .priors import Priors, pymc_variable, require_positive_line

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from .model import Design

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Gaussian:
    r"""Normal scores, :math:`y_i \sim \mathcal{N}(\mu_i, \sigma_{j[i]}^2)`.

    The other likelihoods inherit from this one and change the shape.

    Parameters
    ----------
    spread : scipy.stats frozen distribution, optional
        With it each group has its own scale, :math:`\log \sigma_j \sim \mathcal{N}(\log \sigma_y,
        \tau^2)`, and this is the prior of :math:`\tau`. In the draws :math:`\sigma_j` is
        ``sigma|school`` and :math:`\tau` is ``sigma|school_sigma``. Without it all groups have
        :math:`\sigma_y`, ``sigma``.

    Raises
    ------
    ValueError
        If a prior is no frozen distribution on the positive line, or a number is not finite.
    """

    _: KW_ONLY
    spread: Any = None

    def __post_init__(self) -> None:
        if self.spread is not None:
            require_positive_line("spread", self.spread)

    def observe(self, design: Design, mean: Any, priors: Priors) -> None:
        r"""Add the scale and the observed scores to the PyMC model that is being written.

        Parameters
        ----------
        design : Design
            The model's matrices.
        mean : tensor, shape (N,)
            :math:`\mu_i`.
        priors : Priors
            Where the prior of ``sigma`` comes from.
        """
        import pymc as pm
        import pytensor.tensor as pt

        sigma = pymc_variable("sigma", priors.residual_sd)
        if self.spread is not None:
            name = f"sigma|{design.group}"
            tau = pymc_variable(f"{name}_sigma", self.spread)
            offset = pm.Normal(f"{name}_offset", 0, 1, dims=design.group)
            own = pm.Deterministic(name, sigma * pt.exp(tau * offset), dims=design.group)
            sigma = own[design.codes]
        self._observe(design, mean, sigma)

    def _observe(self, design: Design, mean: Any, sigma: Any) -> None:
        import pymc as pm

        pm.Normal(design.outcome, mean, sigma, observed=design.y)

    def logpdf(self, mean: Array, posterior: xr.Dataset, design: Design) -> Array:
        r"""Log density of each score of `design` under each draw.

        Parameters
        ----------
        mean : numpy.ndarray, shape (S, N)
            :math:`\mu_i` under each draw, by `linear_predictor`.
        posterior : xarray.Dataset
            S draws, along the dimension ``sample``.
        design : Design
            The rows.

        Returns
        -------
        numpy.ndarray, shape (S, N)
        """
        values: Array = self._distribution(mean, posterior, design).logpdf(design.y)
        return values

    def simulate(
        self, mean: Array, posterior: xr.Dataset, design: Design, rng: np.random.Generator
    ) -> Array:
        """Simulate one new score for each row under each draw; arguments as for `logpdf`."""
        values: Array = self._distribution(mean, posterior, design).rvs(
            size=mean.shape, random_state=rng
        )
        return values

    def _distribution(self, mean: Array, posterior: xr.Dataset, design: Design) -> Any:
        return st.norm(mean, self.scale(posterior, design))

    def scale(self, posterior: xr.Dataset, design: Design) -> Array:
        r"""Return :math:`\sigma_{j[i]}` of each row under each draw: (S, N), or (S, 1) for all."""
        name = self.scale_name(design)
        return column(posterior, name) if self.spread is None else by_row(posterior, name, design)

    def scale_name(self, design: Design) -> str:
        """Name of the scale in the draws: ``sigma``, or ``sigma|school`` if each has its own."""
        return "sigma" if self.spread is None else f"sigma|{design.group}"

    def expected(self, mean: Array, sigma: Array) -> Array:
        r"""Return the expected score where :math:`\mu_i` is `mean` and the scale is `sigma`."""
        return mean + 0 * sigma


@dataclass(frozen=True)
class StudentT(Gaussian):
    r"""Heavy tails: :math:`y_i \sim t_\nu(\mu_i, \sigma_y)`, where :math:`\sigma_y` is a scale.

    Parameters
    ----------
    df : scipy.stats frozen distribution
        Prior of :math:`\nu`; in the draws ``nu``.

    References
    ----------
    Juárez and Steel (2010), Journal of Business & Economic Statistics 28, 52-66, for the prior.
    """

    df: Any = field(default_factory=lambda: st.gamma(2, scale=10))

    def __post_init__(self) -> None:
        super().__post_init__()
        require_positive_line("df", self.df)

    def _observe(self, design: Design, mean: Any, sigma: Any) -> None:
        import pymc as pm

        nu = pymc_variable("nu", self.df)
        pm.StudentT(design.outcome, nu=nu, mu=mean, sigma=sigma, observed=design.y)

    def _distribution(self, mean: Array, posterior: xr.Dataset, design: Design) -> Any:
        return st.t(column(posterior, "nu"), mean, self.scale(posterior, design))


@dataclass(frozen=True)
class Truncated(Gaussian):
    r"""Scores that stop at a bound: a normal distribution, cut off there and scaled up again.

    .. math::
        p(y_i) = \frac{\mathcal{N}(y_i \mid \mu_i, \sigma_y^2)}{\Phi((c - \mu_i) / \sigma_y)},
        \quad y_i \le c

    Parameters
    ----------
    at : float
        The bound c, in the units of the outcome.
    """

    at: float = 100.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_finite("at", self.at)

    def _observe(self, design: Design, mean: Any, sigma: Any) -> None:
        import pymc as pm
        import pytensor.tensor as pt

        require_within(design, self.at)
        # The density of pm.Truncated, whose gradient takes three times as long.
        pm.Normal(design.outcome, mean, sigma, observed=design.y)
        below = pt.erfc((mean - self.at) / (sigma * math.sqrt(2))) / 2
        pm.Potential("truncation", -pt.log(below).sum())

    def _distribution(self, mean: Array, posterior: xr.Dataset, design: Design) -> Any:
        sigma = self.scale(posterior, design)
        return st.truncnorm(-np.inf, (self.at - mean) / sigma, mean, sigma)

    def expected(self, mean: Array, sigma: Array) -> Array:
        r"""Return the expected score where :math:`\mu_i` is `mean` and the scale is `sigma`."""
        z = (self.at - mean) / sigma
        values: Array = mean - sigma * np.exp(st.norm.logpdf(z) - st.norm.logcdf(z))
        return values


@dataclass(frozen=True)
class Censored(Gaussian):
    r"""Scores beyond a bound are recorded as the bound: :math:`y_i = \min(y_i^*, c)`.

    Parameters
    ----------
    at : float
        The bound c, in the units of the outcome.
    step : float
        The step between scores that can be told apart. The probability of the bound divided by it
        is a density, to compare with those of continuous likelihoods.

    References
    ----------
    Tobin (1958), Econometrica 26, 24-36.
    """

    at: float = 100.0
    step: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _require_finite("at", self.at)
        if not (math.isfinite(self.step) and self.step > 0):
            raise ValueError(f"step must be positive, got {self.step!r}")

    def _observe(self, design: Design, mean: Any, sigma: Any) -> None:
        import pymc as pm

        require_within(design, self.at)
        # Below the bound a censored normal is a normal, whose density is faster to compute.
        beyond = design.y == self.at
        sigma = sigma + 0 * mean
        pm.Normal(design.outcome, mean[~beyond], sigma[~beyond], observed=design.y[~beyond])
        latent = pm.Normal.dist(mean[beyond], sigma[beyond])
        pm.Censored(
            f"{design.outcome}_at_bound",
            latent,
            lower=None,
            upper=self.at,
            observed=design.y[beyond],
        )

    def logpdf(self, mean: Array, posterior: xr.Dataset, design: Design) -> Array:
        """Log density of each score of `design` under each draw; at the bound, see `step`."""
        latent = self._distribution(mean, posterior, design)
        beyond = latent.logsf(self.at) - math.log(self.step)
        values: Array = np.where(design.y == self.at, beyond, latent.logpdf(design.y))
        return values

    def simulate(
        self, mean: Array, posterior: xr.Dataset, design: Design, rng: np.random.Generator
    ) -> Array:
        """Simulate one new score for each row under each draw; arguments as for `logpdf`."""
        return np.minimum(super().simulate(mean, posterior, design, rng), self.at)

    def expected(self, mean: Array, sigma: Array) -> Array:
        r"""Return the expected score where :math:`\mu_i` is `mean` and the scale is `sigma`."""
        z = (self.at - mean) / sigma
        values: Array = self.at - sigma * (z * st.norm.cdf(z) + st.norm.pdf(z))
        return values


def by_row(posterior: xr.Dataset, name: str, design: Design) -> Array:
    """Values of the variable `name` of each row's group, (S, N)."""
    groups = posterior[name].sel({design.group: design.labels[design.codes].to_list()})
    values: Array = groups.transpose("sample", design.group).to_numpy()
    return values


def column(posterior: xr.Dataset, name: str) -> Array:
    """Values of the variable `name` that all rows share, (S, 1)."""
    values: Array = posterior[name].to_numpy()[:, None]
    return values


def require_within(design: Design, bound: float) -> None:
    """Refuse scores beyond a bound.

    Raises
    ------
    ValueError
        If there are any.
    """
    highest = float(design.y.max())
    if highest > bound:
        raise ValueError(f"at must be at least the highest score {highest!r}, got {bound!r}")


def _require_finite(argument: str, value: float) -> None:
    if not math.isfinite(value):
        raise ValueError(f"{argument} must be finite, got {value!r}")
