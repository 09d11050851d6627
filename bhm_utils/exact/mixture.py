"""One-dimensional marginals as weighted sums of kernels: densities, quantiles, moments."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.polynomial import Polynomial
from numpy.polynomial.hermite_e import herme2poly
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

    def blur(self) -> float:
        """Mean width of the kernels in standard deviations, on their scale; the largest of R."""
        _, spread = self._moments(self.centres)
        return float(np.max(np.einsum("rm,rm->r", self.weights, self.widths) / spread))

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
        square = x * x
        phi = np.exp(-0.5 * square) / math.sqrt(2 * math.pi)
        below, density = ndtr(x), phi / h
        if self.order > 1:
            kernel, tail = kernel_polynomials(self.order)
            below -= phi * x * tail(square)
            density *= kernel(square)
        w = np.broadcast_to(w, x.shape)
        return np.einsum("rmk,rmk->rk", w, below), np.einsum("rmk,rmk->rk", w, density)

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
        with np.errstate(all="ignore"):  # not near at all: the change will not be small either
            v = self.scale.back(x)
            cdf, pdf = self.cdf_pdf(v)
            moved = v + (p - cdf) / np.maximum(pdf, np.finfo(float).tiny)
            return np.asarray(self.scale.to(moved))

    def quantile(self, probability: ArrayLike) -> Array:
        """Quantiles of the parameter at probabilities (k,): (R, k), by safeguarded Newton steps."""
        p = np.atleast_1d(np.asarray(probability, dtype=float))
        mean, spread = (moment[:, None] for moment in self._moments(self.centres))
        away = (self.centres - mean) / spread
        skewness = np.einsum("rm,rm,rm,rm->r", self.weights, away, away, away)[:, None]
        z = ndtri(p)
        v = mean + spread * (z + skewness * (z**2 - 1) / 6)  # Cornish and Fisher's
        low, high = np.full(v.shape, -np.inf), np.full(v.shape, np.inf)
        rows = np.arange(len(v))  # of which a quantile is still moving
        for _ in range(60):
            at, lowest, highest = v[rows], low[rows], high[rows]
            cdf, pdf = self.take(rows).cdf_pdf(at)
            low[rows] = lowest = np.where(cdf < p, at, lowest)
            high[rows] = highest = np.where(cdf < p, highest, at)
            with np.errstate(divide="ignore", invalid="ignore"):
                moved = at + (p - cdf) / pdf
                halved = 0.5 * (lowest + highest)
            stuck = ~((moved >= lowest) & (moved <= highest))
            away = np.where(np.isfinite(halved), halved, at + np.sign(p - cdf) * spread[rows])
            v[rows] = following = np.where(stuck, away, moved)
            # The error left is about the square of the step.
            moving = (np.abs(following - at) > 5e-3 * spread[rows]).any(axis=1)
            rows = rows[moving]
            if not len(rows):
                break
        return np.asarray(self.scale.to(v))

    def take(self, rows: NDArray[np.intp]) -> Mixture:
        """Keep some of the posteriors, on the scale of the kernels."""
        if len(rows) == len(self.centres):
            return self
        parts = self.centres[rows], self.widths[rows], self.weights[rows]
        return Mixture(*parts, order=self.order)


@cache
def kernel_polynomials(order: int) -> tuple[Polynomial, Polynomial]:
    """Polynomials in x^2: K / phi for the kernel, (Phi - integral of K) / (x phi) for its tail."""
    factors = [(-0.5) ** k / math.factorial(k) for k in range(order)]
    even, odd = np.zeros(2 * order), np.zeros(2 * order)
    even[::2] = factors
    odd[1:-2:2] = factors[1:]
    return Polynomial(herme2poly(even)[::2]), Polynomial(herme2poly(odd)[1::2])
