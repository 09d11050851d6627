"""Proposals for Metropolis-Hastings: what they must do, and three random walks that do it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, Self, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


class Proposal(Protocol):
    """Anything that can be called as a proposal: a class below, or a function of your own."""

    def __call__(self, x: Array, rng: np.random.Generator, /) -> tuple[Array, ArrayLike]:
        r"""Draw one candidate for each chain.

        Parameters
        ----------
        x : numpy.ndarray, shape (chains, d)
            Where the chains are, read-only.
        rng : numpy.random.Generator
            The only source of randomness.

        Returns
        -------
        candidate : numpy.ndarray, shape (chains, d)
            Finite; the candidates :math:`y`.
        log_ratio : numpy.ndarray, shape (chains,), or float
            :math:`\log q(x \mid y) - \log q(y \mid x)`; 0 for a symmetric proposal.
        """


@runtime_checkable
class AdaptiveProposal(Proposal, Protocol):
    """A proposal that learns during warm-up, and only then."""

    def adapted(self, x: Array, acceptance: Array, step: int) -> Self:
        """Return the proposal of the next step; this one stays as it is.

        Parameters
        ----------
        x : numpy.ndarray, shape (chains, d)
            Where the chains are after the step.
        acceptance : numpy.ndarray, shape (chains,)
            Acceptance probabilities of the candidates of the step.
        step : int
            Number of the warm-up step, from 0.
        """


@dataclass(frozen=True, eq=False)
class GaussianWalk:
    r"""The symmetric random walk :math:`y \sim \mathcal{N}(x, S S^\top)`.

    Parameters
    ----------
    scale : float or array_like, shape (d,) or (d, d)
        The standard deviation of a step in every dimension, or in each, or the lower Cholesky
        factor :math:`S` of the covariance of a step. Positive, on the diagonal at least.

    Raises
    ------
    ValueError
        If `scale` is none of the three, or is not for the dimension of the states.
    """

    scale: ArrayLike

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _read_only_scale(self.scale))

    def __call__(self, x: Array, rng: np.random.Generator) -> tuple[Array, float]:
        """Draw the candidates; the log ratio is 0."""
        return x + _noise(self.scale, x, rng), 0.0


@dataclass(frozen=True, eq=False)
class LogNormalWalk:
    r"""The walk in :math:`\log x`, for positive parameters such as a standard deviation.

    Its density is :math:`q(y \mid x) = \mathcal{N}(\log y \mid \log x, S S^\top) / \prod_k y_k`,
    whose normal part is symmetric, so that

    .. math::
        & \log q(x \mid y) - \log q(y \mid x) \\
        & \quad = \sum_k (\log y_k - \log x_k).

    Parameters
    ----------
    scale : float or array_like, shape (d,) or (d, d)
        As for `GaussianWalk`, of a step in :math:`\log x`.

    Raises
    ------
    ValueError
        As for `GaussianWalk`, or if a state is not positive.
    """

    scale: ArrayLike

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _read_only_scale(self.scale))

    def __call__(self, x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw the candidates and the log ratio, shape (chains,)."""
        if not (x > 0).all():
            raise ValueError(f"x must be positive for a LogNormalWalk, got {x!r}")
        step = _noise(self.scale, x, rng)
        return x * np.exp(step), step.sum(axis=1)


@dataclass(frozen=True, eq=False)
class AdaptiveWalk:
    r"""A Gaussian walk that finds its own scale and directions during warm-up.

    Its steps have the covariance :math:`\lambda^2 C`. After each step of the warm-up :math:`C` is
    the covariance of the states so far, of all chains together, late ones weighing more, and

    .. math:: \log \lambda \leftarrow \log \lambda + (t + 1)^{-0.6} (\bar{\mathcal{A}} - a)

    with the mean acceptance probability :math:`\bar{\mathcal{A}}` of the chains. All chains must
    have the same target.

    Parameters
    ----------
    scale : float or array_like, shape (d,) or (d, d), default 1.0
        The first walk, as for `GaussianWalk`.
    acceptance : float, optional
        The acceptance probability :math:`a` to aim for. By default 0.234 + 0.206 / d, which is
        close to the best for normal targets: 0.44 in one dimension, 0.234 in many.

    Raises
    ------
    ValueError
        As for `GaussianWalk`, or if `acceptance` is not between 0 and 1.

    References
    ----------
    Haario, Saksman and Tamminen (2001), Bernoulli 7, 223-242. Andrieu and Thoms (2008), Statistics
    and Computing 18, 343-373. Roberts, Gelman and Gilks (1997), Annals of Applied Probability 7,
    110-120.
    """

    scale: ArrayLike = 1.0
    acceptance: float | None = None
    _learned: _Learned | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scale", _read_only_scale(self.scale))
        if self.acceptance is not None and not 0 < self.acceptance < 1:
            raise ValueError(f"acceptance must be between 0 and 1, got {self.acceptance!r}")

    def __call__(self, x: Array, rng: np.random.Generator) -> tuple[Array, float]:
        """Draw the candidates; the log ratio is 0."""
        return x + _noise(self.scale, x, rng), 0.0

    def adapted(self, x: Array, acceptance: Array, step: int) -> AdaptiveWalk:
        """Return the walk of the next step, as `AdaptiveProposal.adapted` says."""
        d = x.shape[1]
        learned = self._learned or _Learned.from_first_walk(np.asarray(self.scale), x)
        aim = 0.234 + 0.206 / d if self.acceptance is None else self.acceptance
        log_factor = learned.log_factor + (step + 1) ** -0.6 * float(acceptance.mean() - aim)

        # State t weighs as t^2, so that the way in from the start is soon forgotten; the first
        # walk counts for a few states, so that C is never singular.
        gain = 3 / (step + 3 + 10 * d)
        apart = x - learned.mean
        mean = learned.mean + gain * apart.mean(axis=0)
        covariance = (1 - gain) * learned.covariance + gain * (apart.T @ apart) / len(x)
        return replace(
            self,
            scale=math.exp(log_factor) * np.linalg.cholesky(covariance),
            _learned=_Learned(log_factor, mean, covariance),
        )


@dataclass(frozen=True, eq=False)
class _Learned:
    """What an `AdaptiveWalk` knows of its target."""

    log_factor: float
    mean: Array
    covariance: Array

    @classmethod
    def from_first_walk(cls, scale: Array, x: Array) -> _Learned:
        d = x.shape[1]
        factor = 2.38 / math.sqrt(d)  # the best one for a normal target
        S = (scale if scale.ndim == 2 else scale * np.eye(d)) / factor
        return cls(math.log(factor), x.mean(axis=0), S @ S.T)


def _noise(scale: ArrayLike, x: Array, rng: np.random.Generator) -> Array:
    """Draw centred normal steps of the shape of x."""
    S = np.asarray(scale)
    if S.ndim and len(S) != x.shape[1]:
        raise ValueError(f"scale must be for {x.shape[1]} dimensions, got shape {S.shape}")
    z = rng.standard_normal(x.shape)
    steps: Array = z @ S.T if S.ndim == 2 else z * S
    return steps


def _read_only_scale(scale: ArrayLike) -> Array:
    S = np.array(scale, dtype=float)
    if S.ndim > 2 or S.size == 0 or (S.ndim == 2 and S.shape[0] != S.shape[1]):
        raise ValueError(f"scale must have shape (), (d,) or (d, d), got {S.shape}")
    sizes = np.diag(S) if S.ndim == 2 else S
    if not (np.isfinite(S).all() and (sizes > 0).all()):
        raise ValueError(f"scale must be positive and finite, got {scale!r}")
    if S.ndim == 2 and np.triu(S, 1).any():
        raise ValueError(f"scale must be a lower Cholesky factor if it is a matrix, got {scale!r}")
    S.setflags(write=False)
    return S
