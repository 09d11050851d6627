"""Posterior moments of the effects of each group, and of their totals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .algebra import forward, total
from .density import CHUNK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .density import Density
    from .nodes import Coefficients
    from .quadrature import Lattice

    Array = NDArray[np.float64]


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
    b_means, b_covs = coefficients.stacked()
    b = (b_means[0] - offset) @ inverse.T
    b_cov = inverse @ b_covs[0] @ inverse.T
    b_mean = np.einsum("nk,nkp->np", conditional, b)
    b_second = np.einsum("nk,nkpr->npr", conditional, b_cov) + np.einsum(
        "nk,nkp,nkr->npr", conditional, b, b
    )
    variance = np.einsum("nk,nk->n", conditional, np.exp(2 * lattice.lam[0]))
    first = np.zeros((2 * q, J))
    second = np.zeros((2 * q, J))
    # u = A - D b with A = L M^-1 L'Z'y, D = L M^-1 L'Z'X, and cov = sigma^2 L M^-1 L'.
    size = max(1, CHUNK // J)
    for k in range(0, len(share), size):
        part = slice(k, k + size)
        C, WX, Wy = density.whiten(lattice.psi[:, part])
        L = density.factor(lattice.psi[:, part], shifted=False)
        G = forward(C, [[L[i][a][..., None] for i in range(q)] for a in range(q)])  # C^-1 L'
        for i, at in enumerate(density.design.counterparts):
            column = [G[a][i] for a in range(q)]
            A = total(column[a] * Wy[a] for a in range(q))[0]
            D = [total(column[a] * WX[a][x] for a in range(q))[0] for x in range(p)]
            own = total(column[a] ** 2 for a in range(q))[0] * variance[part, None]
            # The deviation A - D b, then its total with the coefficient that it varies, if any.
            for row, plus in [(i, np.zeros(p)), (q + i, np.zeros(p) if at is None else T[at])]:
                slope = [plus[x] - D[x] for x in range(p)]
                mean = A + total(slope[x] * b_mean[part, x, None] for x in range(p))
                square = own + A**2
                for x in range(p):
                    square = square + 2 * A * slope[x] * b_mean[part, x, None]
                    for z in range(p):
                        square = square + slope[x] * slope[z] * b_second[part, x, z, None]
                first[row] += share[part] @ mean
                second[row] += share[part] @ square
    moments: dict[str, list[Array]] = {"mean": [], "sd": [], "total_mean": [], "total_sd": []}
    for i, at in enumerate(density.design.counterparts):
        moments["mean"].append(first[i])
        moments["sd"].append(np.sqrt(np.maximum(second[i] - first[i] ** 2, 0)))
        base = offset[at] if at is not None else 0.0
        moments["total_mean"].append(first[q + i] + base)
        moments["total_sd"].append(np.sqrt(np.maximum(second[q + i] - first[q + i] ** 2, 0)))
    return moments
