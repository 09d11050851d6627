"""Conjugate priors of normal data: for the mean alone, and for mean and variance together."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Normal:
    r"""A normal distribution :math:`\mathcal{N}(\mathrm{mean}, \mathrm{sd}^2)`.

    Parameters
    ----------
    mean : float
        The mean, in the units of the data.
    sd : float
        The standard deviation, positive. ``inf`` is the flat prior, the limit of ever wider ones.

    Raises
    ------
    ValueError
        If `mean` is not finite, or `sd` is not positive.
    """

    mean: float
    sd: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise ValueError(f"mean must be finite, got {self.mean!r}")
        if not self.sd > 0:
            raise ValueError(f"sd must be positive, got {self.sd!r}")

    @property
    def precision(self) -> float:
        """One over the variance; 0 for the flat prior."""
        return self.sd**-2

    def density(self, x: ArrayLike) -> Array:
        """Density at `x`, in the shape of `x`.

        Raises
        ------
        ValueError
            If `x` has NaN, or under the flat prior, which has no density.
        """
        self._require_proper("a density")
        points = np.asarray(x, dtype=float)
        if np.isnan(points).any():
            raise ValueError(f"x must not be NaN, got {x!r}")
        z = (points - self.mean) / self.sd
        density: Array = np.exp(-0.5 * z**2) / (self.sd * math.sqrt(2 * math.pi))
        return density

    def data_weight(self, n: int, noise_sd: float) -> float:
        r"""Weight of the sample mean in the posterior mean.

        .. math:: \alpha = \frac{n / \sigma^2}{n / \sigma^2 + 1 / \sigma_0^2}
            = \frac{n}{n + \sigma^2 / \sigma_0^2}

        Parameters
        ----------
        n : int
            Number of observations, at least 0.
        noise_sd : float
            Known standard deviation :math:`\sigma` of one observation, positive and finite.

        Returns
        -------
        float
            A number from 0 (all prior) to 1 (all data).

        Raises
        ------
        ValueError
            If `n` is negative or not finite, `noise_sd` is not positive and finite, or `n` is 0
            under the flat prior, which leaves nothing to weigh.
        """
        if not (math.isfinite(n) and n >= 0):
            raise ValueError(f"n must be finite and at least 0, got {n!r}")
        _require_positive("noise_sd", noise_sd)
        prior_worth = (noise_sd / self.sd) ** 2  # in observations: the prior is worth this many
        if n + prior_worth == 0:
            raise ValueError("n must be at least 1 under the flat prior (sd=inf), got 0")
        return n / (n + prior_worth)

    def update(self, y: ArrayLike, noise_sd: float) -> Normal:
        r"""Posterior of the mean after the observations `y`, whose noise is known.

        .. math::
            \mu \mid y \sim \mathcal{N}\bigl( & \alpha \bar y + (1 - \alpha) \mu_0, \\
            & (n / \sigma^2 + 1 / \sigma_0^2)^{-1}\bigr)

        Parameters
        ----------
        y : array_like, shape (n,)
            Observations, finite.
        noise_sd : float
            Known standard deviation of one observation, positive and finite.

        Returns
        -------
        Normal
            The posterior; the prior itself if `y` is empty.

        Raises
        ------
        ValueError
            If `y` is not one-dimensional and finite, or as in `data_weight`.
        """
        observed = _sample(y)
        alpha = self.data_weight(observed.size, noise_sd)
        if alpha == 0:
            return self
        mean = alpha * float(observed.mean()) + (1 - alpha) * self.mean
        return Normal(mean, noise_sd * math.sqrt(alpha / observed.size))

    def predictive(self, noise_sd: float) -> Normal:
        r"""Distribution of the next observation, :math:`\mathcal{N}(\mu_0, \sigma_0^2 + \sigma^2)`.

        Raises
        ------
        ValueError
            If `noise_sd` is not positive and finite, or under the flat prior.
        """
        self._require_proper("a prediction")
        _require_positive("noise_sd", noise_sd)
        return Normal(self.mean, math.hypot(self.sd, noise_sd))

    def log_evidence(self, y: ArrayLike, noise_sd: float) -> float:
        r"""Log density of the observations, with the mean integrated out.

        .. math::
            \log p(y) = & -\frac{n}{2} \log 2 \pi \sigma^2 \\
            & - \frac{1}{2} \log \Bigl(1 + \frac{n \sigma_0^2}{\sigma^2}\Bigr) \\
            & - \frac{\sum_i (y_i - \bar y)^2}{2 \sigma^2} \\
            & - \frac{n (\bar y - \mu_0)^2}{2 (\sigma^2 + n \sigma_0^2)}

        Arguments as for `update`; 0 if `y` is empty.

        Raises
        ------
        ValueError
            As in `update`, or under the flat prior, whose evidence is arbitrary.
        """
        self._require_proper("an evidence")
        _require_positive("noise_sd", noise_sd)
        n, mean, squares = _moments(_sample(y))
        variance = noise_sd**2
        return -0.5 * (
            n * math.log(2 * math.pi * variance)
            + math.log1p(n * self.sd**2 / variance)
            + squares / variance
            + n * (mean - self.mean) ** 2 / (variance + n * self.sd**2)
        )

    def _require_proper(self, what: str) -> None:
        if math.isinf(self.sd):
            raise ValueError(f"sd must be finite for {what}, got {self.sd!r}")


@dataclass(frozen=True)
class NormalInverseGamma:
    r"""The conjugate prior of mean and variance of normal data.

    .. math::
        \sigma^2 & \sim \mathrm{Inv\text{-}Gamma}(\alpha_0, \beta_0) \\
        \mu \mid \sigma^2 & \sim \mathcal{N}(\mu_0, \sigma^2 / \kappa_0)

    Parameters
    ----------
    mean : float
        :math:`\mu_0`, in the units of the data.
    worth : float
        :math:`\kappa_0`: the prior mean is worth this many observations, positive.
    shape : float
        :math:`\alpha_0`: the prior variance is worth twice as many observations, positive.
    scale : float
        :math:`\beta_0`, in the squared units of the data, positive. The variance is near
        :math:`\beta_0 / \alpha_0`.

    Raises
    ------
    ValueError
        If `mean` is not finite, or another parameter is not positive and finite.

    References
    ----------
    Gelman, Carlin, Stern, Dunson, Vehtari and Rubin (2013), Bayesian Data Analysis, section 3.3;
    their :math:`\nu_0 = 2 \alpha_0` and :math:`\sigma_0^2 = \beta_0 / \alpha_0`.
    """

    mean: float
    worth: float
    shape: float
    scale: float

    def __post_init__(self) -> None:
        if not math.isfinite(self.mean):
            raise ValueError(f"mean must be finite, got {self.mean!r}")
        for name in ["worth", "shape", "scale"]:
            _require_positive(name, getattr(self, name))

    def update(self, y: ArrayLike) -> NormalInverseGamma:
        r"""Posterior after the observations `y`.

        .. math::
            \kappa_n & = \kappa_0 + n \\
            \mu_n & = \frac{\kappa_0 \mu_0 + n \bar y}{\kappa_n} \\
            \alpha_n & = \alpha_0 + \frac{n}{2} \\
            \beta_n & = \beta_0 + \frac{1}{2} \sum_i (y_i - \bar y)^2 \\
            & \quad + \frac{\kappa_0 n (\bar y - \mu_0)^2}{2 \kappa_n}

        Parameters
        ----------
        y : array_like, shape (n,)
            Observations, finite.

        Returns
        -------
        NormalInverseGamma
            The posterior; the prior itself if `y` is empty.

        Raises
        ------
        ValueError
            If `y` is not one-dimensional and finite.
        """
        n, mean, squares = _moments(_sample(y))
        worth = self.worth + n
        apart = self.worth * n / worth * (mean - self.mean) ** 2
        return NormalInverseGamma(
            mean=self.mean + n / worth * (mean - self.mean),
            worth=worth,
            shape=self.shape + n / 2,
            scale=self.scale + (squares + apart) / 2,
        )

    @property
    def marginal_mean(self) -> Any:
        r"""Distribution of :math:`\mu`, frozen.

        .. math:: t_{2 \alpha}\bigl(\mu_0, \beta / (\alpha \kappa)\bigr)
        """
        return self._student_t(1 / self.worth)

    @property
    def marginal_variance(self) -> Any:
        """Distribution of the variance, frozen: inverse gamma."""
        import scipy.stats as st

        return st.invgamma(self.shape, scale=self.scale)

    @property
    def predictive(self) -> Any:
        r"""Distribution of the next observation, frozen: that of the mean, wider by :math:`\sigma`.

        .. math:: t_{2 \alpha}\bigl(\mu_0, (1 + 1 / \kappa) \, \beta / \alpha\bigr)
        """
        return self._student_t(1 + 1 / self.worth)

    def _student_t(self, factor: float) -> Any:
        import scipy.stats as st

        squared_scale = factor * self.scale / self.shape
        return st.t(2 * self.shape, loc=self.mean, scale=math.sqrt(squared_scale))

    def sample(self, size: int, rng: np.random.Generator) -> Array:
        r"""Draw `size` independent pairs :math:`(\mu, \sigma^2)`: shape (size, 2).

        Raises
        ------
        ValueError
            If `size` is not an integer of at least 1.
        """
        if not (isinstance(size, int | np.integer) and size >= 1):
            raise ValueError(f"size must be an integer of at least 1, got {size!r}")
        variance = self.scale / rng.standard_gamma(self.shape, size)
        mu = self.mean + np.sqrt(variance / self.worth) * rng.standard_normal(size)
        return np.column_stack([mu, variance])

    def log_evidence(self, y: ArrayLike) -> float:
        r"""Log density of the observations, with mean and variance integrated out.

        .. math::
            \log p(y) = & \log \frac{\Gamma(\alpha_n)}{\Gamma(\alpha_0)} \\
            & + \alpha_0 \log \beta_0 - \alpha_n \log \beta_n \\
            & + \frac{1}{2} \log \frac{\kappa_0}{\kappa_n} - \frac{n}{2} \log 2 \pi

        Argument and errors as for `update`; 0 if `y` is empty.
        """
        after = self.update(y)
        n = _sample(y).size
        return (
            math.lgamma(after.shape)
            - math.lgamma(self.shape)
            + self.shape * math.log(self.scale)
            - after.shape * math.log(after.scale)
            + 0.5 * math.log(self.worth / after.worth)
            - 0.5 * n * math.log(2 * math.pi)
        )


def _require_positive(argument: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{argument} must be positive and finite, got {value!r}")


def _sample(y: ArrayLike) -> Array:
    observed = np.asarray(y, dtype=float)
    if observed.ndim != 1 or not np.isfinite(observed).all():
        raise ValueError(f"y must be one-dimensional and finite, got {y!r}")
    return observed


def _moments(y: Array) -> tuple[int, float, float]:
    """Size, mean and squares about the mean; both are 0 if there are no observations."""
    if y.size == 0:
        return 0, 0.0, 0.0
    mean = float(y.mean())
    return y.size, mean, float(((y - mean) ** 2).sum())
