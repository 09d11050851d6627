"""The normal distribution as a prior for a mean, and its conjugate update."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


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
        if not (math.isfinite(noise_sd) and noise_sd > 0):
            raise ValueError(f"noise_sd must be positive and finite, got {noise_sd!r}")
        prior_worth = (noise_sd / self.sd) ** 2  # in observations: the prior is worth this many
        if n + prior_worth == 0:
            raise ValueError("n must be at least 1 under the flat prior (sd=inf), got 0")
        return n / (n + prior_worth)

    def update(self, y: ArrayLike, noise_sd: float) -> Normal:
        r"""Posterior of the mean after the observations `y`, whose noise is known.

        .. math::
            \mu \mid y \sim \mathcal{N}(\alpha \bar y + (1 - \alpha) \mu_0, \;
            (n / \sigma^2 + 1 / \sigma_0^2)^{-1})

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
        observed = np.asarray(y, dtype=float)
        if observed.ndim != 1 or not np.isfinite(observed).all():
            raise ValueError(f"y must be one-dimensional and finite, got {y!r}")
        alpha = self.data_weight(observed.size, noise_sd)
        if alpha == 0:
            return self
        mean = alpha * float(observed.mean()) + (1 - alpha) * self.mean
        return Normal(mean, noise_sd * math.sqrt(alpha / observed.size))
