r"""The two-level Gaussian model when its standard deviations are given: all in closed form.

With :math:`V_j = \sigma^2 I + Z_j \Sigma Z_j^\top` the outcomes of group j are
:math:`\mathcal{N}(X_j b, V_j)`. Writing :math:`\Sigma = L L^\top` and
:math:`M_j = I + L^\top Z_j^\top Z_j L / \sigma^2`, the Woodbury identity gives

.. math::
    V_j^{-1} & = \sigma^{-2} I - \sigma^{-4} Z_j L M_j^{-1} L^\top Z_j^\top \\
    |V_j| & = \sigma^{2 n_j} |M_j|,

so that sums within groups are all that is needed of the rows, and a standard deviation of 0 is
nothing special.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from .model import Design


@dataclass(frozen=True)
class Conditional:
    """Common coefficients and varying effects given the standard deviations, under flat priors.

    Attributes
    ----------
    loglik, reml_loglik : float
        Log-likelihood at the best b, and the restricted one, in which b is integrated out.
    b, b_cov : numpy.ndarray
        Generalised least squares estimate (p,) and its covariance (p, p).
    u, u_cov : numpy.ndarray
        Predicted effects of each group (J, q) and the covariance of what they predict (J, q, q),
        the uncertainty in b included.
    u_cov_given_b : numpy.ndarray
        The same with b held fixed, which is what lme4 and statsmodels report, (J, q, q).
    ub_cov : numpy.ndarray
        Covariance of the effects with b, (J, q, p).
    """

    loglik: float
    reml_loglik: float
    b: NDArray[np.float64]
    b_cov: NDArray[np.float64]
    u: NDArray[np.float64]
    u_cov: NDArray[np.float64]
    u_cov_given_b: NDArray[np.float64]
    ub_cov: NDArray[np.float64]


def condition(design: Design, sigma: float, covariance: NDArray[np.float64]) -> Conditional:
    """Solve the model for its coefficients, given its standard deviations.

    Parameters
    ----------
    design : Design
        The model's matrices.
    sigma : float
        Residual standard deviation, positive.
    covariance : numpy.ndarray, shape (q, q)
        Covariance of the varying effects, positive semi-definite.
    """
    L = _factor(covariance)
    y, X, ZL = design.y, design.X, design.Z @ L
    n, p, q = len(y), X.shape[1], L.shape[0]
    groups = len(design.labels)
    precision = sigma**-2

    ZZ = _sum_products(ZL, ZL, design.codes, groups)
    ZX = _sum_products(ZL, X, design.codes, groups)
    Zy = _sum_products(ZL, y[:, None], design.codes, groups)[..., 0]
    M = np.eye(q) + precision * ZZ
    gain = precision * np.linalg.solve(M, ZX)  # M^-1 L'Z'X / sigma^2

    b_precision = precision * (X.T @ X - np.einsum("jqp,jqr->pr", ZX, gain))
    b_cov = np.linalg.inv(b_precision)
    b = b_cov @ (precision * (X.T @ y - np.einsum("jqp,jq->p", gain, Zy)))

    Zr = Zy - ZX @ b
    v = precision * np.linalg.solve(M, Zr[..., None])[..., 0]  # u = L v
    residual = y - X @ b
    squares = precision * (residual @ residual - np.einsum("jq,jq->", Zr, v))
    loglik = -0.5 * (n * math.log(2 * math.pi * sigma**2) + np.linalg.slogdet(M)[1].sum() + squares)

    u_cov_given_b = L @ np.linalg.inv(M) @ L.T
    ub_cov = -(L @ gain) @ b_cov
    return Conditional(
        loglik=float(loglik),
        reml_loglik=float(
            loglik + 0.5 * (p * math.log(2 * math.pi) - np.linalg.slogdet(b_precision)[1])
        ),
        b=b,
        b_cov=b_cov,
        u=v @ L.T,
        u_cov=u_cov_given_b - ub_cov @ (L @ gain).swapaxes(-1, -2),
        u_cov_given_b=u_cov_given_b,
        ub_cov=ub_cov,
    )


def conditional_effects(design: Design, given: Conditional) -> pd.DataFrame:
    """Arrange the varying effects of `condition` as every engine does.

    Returns
    -------
    pandas.DataFrame
        Index (group, effect). ``mean`` and ``sd`` are of the deviation u_j, ``total_mean`` and
        ``total_sd`` of the deviation plus the common coefficient that it varies. The sds include
        the uncertainty in the common coefficients and leave out that in the standard deviations.
    """
    effects, variances = given.u.T, np.einsum("jqq->qj", given.u_cov)
    totals, total_variances = effects.copy(), variances.copy()
    for i, k in enumerate(design.counterparts):
        if k is not None:
            totals[i] += given.b[k]
            total_variances[i] += given.b_cov[k, k] + 2 * given.ub_cov[:, i, k]
    return design.effects_frame(
        mean=effects,
        sd=np.sqrt(variances),
        total_mean=totals,
        total_sd=np.sqrt(total_variances),
    )


def effects_given(design: Design, values: Mapping[str, float]) -> pd.DataFrame:
    """Varying effects if the standard deviations and correlations were known to be `values`.

    Parameters
    ----------
    design : Design
        The model's matrices.
    values : mapping of str to float
        At least ``sigma`` and what `Design.group_sds` and `Design.correlations` name: a row of
        draws, or the ``mean`` column of a summary. Effects whose correlation is missing are
        independent.

    Returns
    -------
    pandas.DataFrame
        As from `conditional_effects`.

    Raises
    ------
    ValueError
        If a standard deviation is missing, not positive, or a correlation is beyond 1.
    """
    names = [*design.group_sds, "sigma"]
    sds = np.array([values.get(name, np.nan) for name in names], dtype=float)
    if not (sds > 0).all():
        bad = int(np.argmin(sds > 0))
        raise ValueError(f"values[{names[bad]!r}] must be positive, got {sds[bad]}")
    q = len(design.effects)
    correlation = np.eye(q)
    for (i, k), name in zip(combinations(range(q), 2), design.correlations, strict=True):
        correlation[i, k] = correlation[k, i] = values.get(name, 0.0)
        if not abs(correlation[i, k]) <= 1:
            raise ValueError(f"values[{name!r}] must be between -1 and 1, got {values[name]}")
    covariance = correlation * np.outer(sds[:-1], sds[:-1])
    return conditional_effects(design, condition(design, sds[-1], covariance))


def _factor(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Find an L with L L' = covariance; unlike Cholesky's, it exists for a singular one too."""
    eigenvalues, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.clip(eigenvalues, 0, None))


def _sum_products(
    A: NDArray[np.float64], B: NDArray[np.float64], codes: NDArray[np.intp], groups: int
) -> NDArray[np.float64]:
    """Sum the outer products of the rows of A and B within each group: (J, columns, columns)."""
    sums = np.zeros((groups, A.shape[1], B.shape[1]))
    np.add.at(sums, codes, A[:, :, None] * B[:, None, :])
    return sums
