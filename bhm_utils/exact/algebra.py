"""Small matrices whose entries are arrays, and the scale of the group sds."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import wrightomega

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]
    Matrix = list[list[Array]]


def total(terms: Iterable[Any], start: Any = 0) -> Any:
    """Add up arrays that broadcast."""
    return sum(terms, start)


def squeeze(tau: Array, c: Any) -> Array:
    """Map tau to a log ratio: tau - exp(c - tau)."""
    return np.asarray(tau - np.exp(np.minimum(c - tau, 700.0)))


def unsqueeze(log_ratio: Array, c: Any, near: Array | None = None) -> Array:
    """Its inverse: Wright's omega function, or two Newton steps from a value that is near."""
    if near is None:
        return np.asarray(log_ratio + wrightomega(c - log_ratio))
    for _ in range(2):
        e = np.exp(np.minimum(c - near, 700.0))
        near = near + (log_ratio - near + e) / (1 + e)
    return near


def cholesky(M: Matrix) -> Matrix:
    """Cholesky factor of small symmetric matrices whose entries are arrays; lower halves only."""
    C: Matrix = []
    for i in range(len(M)):
        C.append([])
        for k in range(i):
            rest = M[i][k] - total(C[i][m] * C[k][m] for m in range(k))
            C[i].append(rest / C[k][k])
        C[i].append(np.sqrt(M[i][i] - total(C[i][m] ** 2 for m in range(i))))
    return C


def forward(C: Matrix, T: Matrix) -> Matrix:
    """Solve C W = T for a lower triangular C."""
    W: Matrix = []
    for i, row in enumerate(T):
        W.append(
            [
                (entry - total(C[i][m] * W[m][x] for m in range(i))) / C[i][i]
                for x, entry in enumerate(row)
            ]
        )
    return W
