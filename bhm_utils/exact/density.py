r"""The posterior density of the variances, everything else integrated out in closed form.

The variances enter as :math:`\lambda = \log \sigma` and
:math:`\psi = (\tau_1, \dots, \mathrm{atanh}(r_1), \dots)`: the partial correlations r of the
varying effects, and the ratios of their standard deviations to the residual one by way of

.. math:: \log(s_i / \sigma) = \tau_i - e^{c_i - \tau_i},

which is the log ratio, except that the far left, where data cannot tell a standard deviation from
0, is drawn together (as in double exponential quadrature). With
:math:`\Sigma = \sigma^2 L L^\top`, where L depends on :math:`\psi` alone, the work on the groups,

.. math::
    M_j = I + L^\top Z_j^\top Z_j L, \qquad
    V_j^{-1} = \sigma^{-2} (I - Z_j L M_j^{-1} L^\top Z_j^\top), \qquad
    |V_j| = \sigma^{2 n_j} |M_j|,

is done once for each :math:`\psi`; after that a value of :math:`\lambda` costs p x p algebra only.
Arrays have the axes (replicate, node of psi, node of lambda); matrices of q or p rows are lists of
such arrays, so that NumPy works on whole batches.
"""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import betaln

from ..model import INTERCEPT
from .algebra import cholesky, forward, squeeze, total
from .nodes import Coefficients, Reduced

if TYPE_CHECKING:
    from ..priors import Priors
    from .algebra import Array, Matrix
    from .statistics import GroupStatistics

# Elements (replicates x nodes x groups) worked on at once: a few arrays of this size fit the cache.
CHUNK = 200_000


class Density:
    """Joint posterior density of psi and lambda for R outcomes on one design."""

    def __init__(self, statistics: GroupStatistics, priors: Priors) -> None:
        design = statistics.design
        priors.require_names_of(design)
        self.statistics, self.priors, self.design = statistics, priors, design
        self.p, self.q = len(design.common), len(design.effects)
        self.eta = priors.correlation_eta if self.q > 1 else None
        self.partials = (
            [] if self.eta is None else [(i, k) for i in range(1, self.q) for k in range(i)]
        )
        self.dimension = self.q + len(self.partials)
        self.rows = float(statistics.counts.sum())
        self._shift_and_sum()
        # Ratios s_i / sigma far below 1 / sqrt(z'z) leave no trace in the data.
        z_means, z_squares = (
            statistics.means[:, self.p :],
            statistics.products[:, self.p :, self.p :],
        )
        squares = np.einsum("jii->ji", z_squares) + statistics.counts[:, None] * z_means**2
        self.c = np.log(0.25) - 0.5 * np.log(np.maximum(squares.mean(axis=0), 1e-300))
        self._shift_priors()

    def _shift_and_sum(self) -> None:
        """Move the columns to their means where an intercept can take that up, and sum.

        A sum of squares around a distant 0 would cost the digits that the statistics kept.
        """
        s, p, q = self.statistics, self.p, self.q
        n = s.counts
        grand = (n @ s.means) / self.rows
        has_intercept = INTERCEPT in self.design.common
        self.x_shift = grand[:p] * has_intercept
        self.z_shift = grand[p:] * ("1" in self.design.effects)
        if has_intercept:
            self.intercept = self.design.common.index(INTERCEPT)
            self.x_shift[self.intercept] = 0.0
        if "1" in self.design.effects:
            self.z_shift[self.design.effects.index("1")] = 0.0
        self.y_shift = (s.y_means @ n) / self.rows * has_intercept  # (R,)
        shift = np.concatenate([self.x_shift, self.z_shift])
        mean = s.means - shift
        y_mean = s.y_means - self.y_shift[:, None]
        WW = s.products + n[:, None, None] * mean[:, :, None] * mean[:, None, :]
        Wy = s.y_products + (n * y_mean)[..., None] * mean  # (R, J, p + q)
        self.ZZ = [[np.ascontiguousarray(WW[:, p + i, p + k]) for k in range(q)] for i in range(q)]
        self.ZX = [[np.ascontiguousarray(WW[:, p + i, a]) for a in range(p)] for i in range(q)]
        self.Zy = [np.ascontiguousarray(Wy[..., p + i]) for i in range(q)]  # (R, J)
        self.XX = WW[:, :p, :p].sum(axis=0)
        self.Xy = Wy[..., :p].sum(axis=1)  # (R, p)
        self.yy = (s.y_squares + n * y_mean**2).sum(axis=1)  # (R,)

    def _shift_priors(self) -> None:
        """Write the normal prior of b for the coefficients of the shifted columns.

        The map back is b = T b' + t.
        """
        normals = [self.priors.common_prior(name) for name in self.design.common]
        precision = np.array([prior.precision for prior in normals])
        means = np.array([prior.mean for prior in normals])
        self.T = np.eye(self.p)
        offset = np.zeros((len(self.y_shift), self.p))
        if INTERCEPT in self.design.common:
            self.T[self.intercept] -= self.x_shift
            offset[:, self.intercept] = self.y_shift
        self.offset = offset
        self.P0 = self.T.T @ np.diag(precision) @ self.T
        centre = np.linalg.solve(self.T, (means - offset).T).T  # (R, p)
        self.P0m0 = centre @ self.P0
        self.m0P0m0 = np.einsum("ra,ra->r", centre, self.P0m0)
        proper = precision > 0
        self.log_constant = (
            -0.5 * self.rows * math.log(2 * math.pi)
            + 0.5 * self.p * math.log(2 * math.pi)
            + 0.5 * float(np.log(precision[proper]).sum() - proper.sum() * math.log(2 * math.pi))
        )

    def log_ratios(self, psi: Array) -> list[Array]:
        """Log of s_i / sigma at nodes psi (..., d)."""
        return [squeeze(psi[..., i], self.c[i]) for i in range(self.q)]

    def correlation_factor(self, psi: Array) -> Matrix:
        """Cholesky factor of the correlation matrix at the nodes psi (..., d)."""
        zero, one = np.zeros(psi.shape[:-1]), np.ones(psi.shape[:-1])
        rows = [[one if i == k else zero for k in range(self.q)] for i in range(self.q)]
        left: dict[int, Array] = {}
        for m, (i, k) in enumerate(self.partials):
            r, remaining = np.tanh(psi[..., self.q + m]), left.get(i, one)
            rows[i][k] = r * np.sqrt(remaining)
            left[i] = remaining * (1 - r) * (1 + r)
            rows[i][i] = np.sqrt(left[i])
        return rows

    def correlations(self, psi: Array) -> list[Array]:
        """Correlations of the varying effects at psi (..., d), in the order of their names."""
        pairs = combinations(self.correlation_factor(psi), 2)
        return [total(x * y for x, y in zip(a, b, strict=True)) for a, b in pairs]

    def factor(self, psi: Array, *, shifted: bool = True) -> Matrix:
        """Build L, Sigma = sigma^2 L L', at psi (..., d): for shifted or for the user's columns."""
        R = self.correlation_factor(psi)
        ratios = [np.exp(log_ratio) for log_ratio in self.log_ratios(psi)]
        L = [[ratios[i] * R[i][k] for k in range(self.q)] for i in range(self.q)]
        if shifted and "1" in self.design.effects:
            one = self.design.effects.index("1")
            for i, shift in enumerate(self.z_shift):
                if shift != 0:
                    L[one] = [a + shift * b for a, b in zip(L[one], L[i], strict=True)]
        return L

    def whiten(self, psi: Array) -> tuple[Matrix, Matrix, list[Array]]:
        """Find the Cholesky factors C of M_j, C^-1 L'Z'X and C^-1 L'Z'y at psi (R, n, d)."""
        L = [[entry[..., None] for entry in row] for row in self.factor(psi)]
        q, p = self.q, self.p
        U = [[total(self.ZZ[i][k] * L[k][b] for k in range(q)) for b in range(q)] for i in range(q)]
        M = [
            [total(L[i][a] * U[i][b] for i in range(q)) + float(a == b) for b in range(a + 1)]
            for a in range(q)
        ]
        C = cholesky(M)
        WX = forward(
            C,
            [
                [total(L[i][a] * self.ZX[i][x] for i in range(q)) for x in range(p)]
                for a in range(q)
            ],
        )
        Wy = forward(
            C, [[total(L[i][a] * self.Zy[i][:, None, :] for i in range(q))] for a in range(q)]
        )
        return C, WX, [row[0] for row in Wy]

    def reduce(self, psi: Array) -> Reduced:
        """Sum over the groups at nodes psi (R, n, d), a chunk of nodes at a time."""
        replicates, nodes = psi.shape[:2]
        size = max(1, CHUNK // (replicates * len(self.statistics.counts)))
        parts = [self._reduce(psi[:, k : k + size]) for k in range(0, nodes, size)]
        return Reduced.join(parts)

    def _reduce(self, psi: Array) -> Reduced:
        C, WX, Wy = self.whiten(psi)
        product = math.prod((C[a][a] for a in range(self.q)), start=np.ones((*psi.shape[:2], 1)))

        def explained(a: list[Array], b: list[Array]) -> Any:
            sums = (np.einsum("...j,...j->...", x, y) for x, y in zip(a, b, strict=True))
            return total(sums, start=np.zeros(psi.shape[:2]))

        columns = [[WX[i][a] for i in range(self.q)] for a in range(self.p)]
        return Reduced(
            2 * np.log(product).sum(axis=-1),
            [
                [self.XX[a, b] - explained(columns[a], columns[b]) for b in range(a + 1)]
                for a in range(self.p)
            ],
            [self.Xy[:, None, a] - explained(columns[a], Wy) for a in range(self.p)],
            self.yy[:, None] - explained(Wy, Wy),
        )

    def residual_squares(self, reduced: Reduced) -> Array:
        """y'V^-1 y around the generalised least squares fit, times sigma^2: (R, n)."""
        with np.errstate(all="ignore"):
            solved = forward(cholesky(reduced.XX), [[x] for x in reduced.Xy])
            return np.asarray(reduced.yy - total(row[0] ** 2 for row in solved))

    def log_density(
        self, psi: Array, lam: Array, reduced: Reduced
    ) -> tuple[Array, tuple[Matrix, list[Array]]]:
        """Log posterior density, up to nothing: its integral is the evidence.

        Parameters
        ----------
        psi : numpy.ndarray, shape (R, n, d)
        lam : numpy.ndarray, shape (R, n, K)
        reduced : Reduced
            Of psi.

        Returns
        -------
        numpy.ndarray, shape (R, n, K)
            The log density; then what `coefficients` needs.
        """
        with np.errstate(all="ignore"):
            precision = np.exp(-2 * lam)
            B = [
                [reduced.XX[a][b][..., None] * precision + self.P0[a, b] for b in range(a + 1)]
                for a in range(self.p)
            ]
            C = cholesky(B)
            r = [
                [reduced.Xy[a][..., None] * precision + self.P0m0[:, a, None, None]]
                for a in range(self.p)
            ]
            w = [row[0] for row in forward(C, r)]
            quadratic = (
                reduced.yy[..., None] * precision
                + self.m0P0m0[:, None, None]
                - total((x**2 for x in w), start=np.zeros(()))
            )
            log_B = 2 * total((np.log(C[a][a]) for a in range(self.p)), start=np.zeros(()))
            value = (
                self.log_constant
                - self.rows * lam
                - 0.5 * (reduced.log_determinant[..., None] + log_B + quadratic)
            )
            value = value + self.log_prior(psi, lam)
        # Very far out, where cancellation leaves no number, the density counts as 0.
        return np.nan_to_num(value, nan=-np.inf, posinf=-np.inf, neginf=-np.inf), (C, w)

    def log_prior(self, psi: Array, lam: Array) -> Array:
        """Log prior density of (psi, lambda), Jacobians included: (R, n, K)."""
        value = self.priors.residual_sd.logpdf(np.exp(lam)) + lam
        for i, (name, ratio) in enumerate(
            zip(self.design.varying, self.log_ratios(psi), strict=True)
        ):
            log_sd = ratio[..., None] + lam
            stretch = np.logaddexp(0, self.c[i] - psi[..., i])[..., None]
            prior = self.priors.group_sd_prior(name)
            value = value + prior.logpdf(np.exp(log_sd)) + log_sd + stretch
        for m, (_, k) in enumerate(self.partials):
            assert self.eta is not None
            a = self.eta + (self.q - 2 - k) / 2
            t = psi[..., self.q + m, None]
            # Beta(a, a) on (-1, 1) and the Jacobian of tanh: (1 - r^2)^a, 1 - r^2 = cosh^-2
            log_cosh = np.logaddexp(t, -t) - math.log(2)
            value = value - 2 * a * log_cosh - (2 * a - 1) * math.log(2) - betaln(a, a)
        return np.asarray(value)

    def coefficients(self, parts: tuple[Matrix, list[Array]]) -> Coefficients:
        """Distribution of b at each node, in the user's columns."""
        C, w = parts
        p = self.p
        eye = [[np.ones(()) * float(a == b) for b in range(p)] for a in range(p)]
        G = forward(C, eye)  # C^-1: b' has mean G'w and covariance G'G
        H = [
            [total(self.T[a, c] * G[b][c] for c in range(b + 1) if self.T[a, c]) for a in range(p)]
            for b in range(p)
        ]
        H = [[np.broadcast_to(entry, w[0].shape) for entry in row] for row in H]
        mean = [
            total(H[b][a] * w[b] for b in range(p)) + self.offset[:, a, None, None]
            for a in range(p)
        ]
        return Coefficients(mean, H)
