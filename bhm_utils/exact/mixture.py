"""One-dimensional marginals as weighted sums of kernels: densities, quantiles, moments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import ndtr, ndtri

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

# Components that weigh less than this, relative to the heaviest, are left out of densities.
NEGLIGIBLE = 1e-7
CHUNK = 2_000_000  # components times points worked on at once
# The kernels that rebuild a density from a lattice: their order, and their widths in lattice steps,
# along an axis of the lattice and, by dimension, across it, where its projection is denser.
KERNEL_ORDER, ALONG, ACROSS = 12, 1.5, {0: 0.0, 1: 1.5, 2: 1.2, 3: 0.95}


@dataclass(frozen=True)
class Scale:
    """A monotone map from the scale of the kernels to that of the parameter."""

    to: Callable[[Array], Any]
    back: Callable[[Array], Any]
    slope: Callable[[Array], Any]  # of `to`


IDENTITY = Scale(lambda v: v, lambda x: x, np.ones_like)
LOG = Scale(np.exp, np.log, np.exp)
ATANH = Scale(np.tanh, np.arctanh, lambda v: np.cosh(v) ** -2.0)


@dataclass(frozen=True)
class Mixture:
    r"""A marginal :math:`p(v) = \sum_i w_i K((v - c_i) / h_i) / h_i` of each of R posteriors.

    The kernel of order m is :math:`K = \phi \sum_{k < m} (-1)^k He_{2k} / (2^k k!)`. With m = 1 it
    is normal, and the sum an exact mixture. With large m its Fourier transform is flat up to a
    cut-off, so that the sum rebuilds a smooth density from its values on a lattice.

    Attributes
    ----------
    centres, widths, weights : numpy.ndarray, shape (R, m)
        The components; weights add up to 1 in each row.
    order : int
        Order of the kernel.
    scale : Scale
        Map to the scale of the parameter.
    """

    centres: Array
    widths: Array
    weights: Array
    order: int = 1
    scale: Scale = IDENTITY

    def mean_and_sd(self) -> tuple[Array, Array]:
        """Mean and standard deviation of the parameter: (R,), (R,)."""
        return self._moments(self.scale.to(self.centres))

    def _moments(self, values: Array) -> tuple[Array, Array]:
        mean = np.einsum("rm,rm->r", self.weights, values)
        spread = (values - mean[:, None]) ** 2
        if self.order == 1:
            spread = spread + self.widths**2
        return mean, np.sqrt(np.einsum("rm,rm->r", self.weights, spread))

    def cdf_pdf(self, v: Array) -> tuple[Array, Array]:
        """Distribution function and density on the scale of the kernels at v (R, k)."""
        keep = (self.weights > NEGLIGIBLE * self.weights.max(axis=1, keepdims=True)).any(axis=0)
        c, h, w = (a[:, keep, None] for a in (self.centres, self.widths, self.weights))
        size = max(1, CHUNK // c.size)
        parts = [
            self._cdf_pdf(v[:, None, k : k + size], c, h, w) for k in range(0, v.shape[1], size)
        ]
        return (
            np.concatenate([cdf for cdf, _ in parts], axis=1),
            np.concatenate([pdf for _, pdf in parts], axis=1),
        )

    def _cdf_pdf(self, v: Array, c: Array, h: Array, w: Array) -> tuple[Array, Array]:
        x = (v - c) / h
        phi = np.exp(-0.5 * x**2) / math.sqrt(2 * math.pi)
        density, tail = np.ones_like(x), np.zeros_like(x)
        he_odd, he_even = x, x * x - 1  # He_1, He_2
        factor = 1.0
        for k in range(1, self.order):
            factor *= -0.5 / k
            density += factor * he_even
            tail += factor * he_odd
            he_odd = x * he_even - 2 * k * he_odd
            he_even = x * he_odd - (2 * k + 1) * he_even
        cdf = (w * (ndtr(x) - phi * tail)).sum(axis=1)
        return cdf, (w * phi * density / h).sum(axis=1)

    def density(self, x: ArrayLike) -> Array:
        """Density of the parameter at x (k,): (R, k)."""
        values = np.broadcast_to(np.asarray(x, dtype=float), (len(self.centres), np.size(x)))
        with np.errstate(divide="ignore", invalid="ignore"):
            v = self.scale.back(values)
        inside = np.isfinite(v)
        v = np.where(inside, v, 0.0)
        return np.where(inside, np.clip(self.cdf_pdf(v)[1], 0, None) / self.scale.slope(v), 0.0)

    def cdf(self, x: ArrayLike) -> Array:
        """Distribution function of the parameter at x (R, k) or (k,): (R, k)."""
        values = np.atleast_2d(np.asarray(x, dtype=float))
        values = np.broadcast_to(values, (len(self.centres), values.shape[1]))
        return np.clip(self.cdf_pdf(self.scale.back(values))[0], 0, 1)

    def quantile_near(self, x: Array, p: Array) -> Array:
        """Quantiles by one Newton step from near ones, x (R, k)."""
        v = self.scale.back(x)
        cdf, pdf = self.cdf_pdf(v)
        moved = v + (p - cdf) / np.maximum(pdf, np.finfo(float).tiny)
        return np.asarray(self.scale.to(moved))

    def quantile(self, probability: ArrayLike) -> Array:
        """Quantiles of the parameter at probabilities (k,): (R, k), by safeguarded Newton steps."""
        p = np.atleast_1d(np.asarray(probability, dtype=float))
        mean, spread = (moment[:, None] for moment in self._moments(self.centres))
        v = mean + spread * ndtri(p)
        low, high = np.full(v.shape, -np.inf), np.full(v.shape, np.inf)
        for _ in range(60):
            cdf, pdf = self.cdf_pdf(v)
            low, high = np.where(cdf < p, v, low), np.where(cdf < p, high, v)
            with np.errstate(divide="ignore", invalid="ignore"):
                step = (p - cdf) / pdf
                moved = v + step
                halved = 0.5 * (low + high)
            stuck = ~((moved >= low) & (moved <= high))
            away = np.where(np.isfinite(halved), halved, v + np.sign(p - cdf) * spread)
            following = np.where(stuck, away, moved)
            done = np.abs(following - v) < 5e-3 * spread  # the error left is about its square
            v = following
            if done.all():
                break
        return np.asarray(self.scale.to(v))
