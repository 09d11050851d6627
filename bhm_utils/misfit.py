"""Statistics of scores that show where a model of them fails."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats as st

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .model import Design

    Array = NDArray[np.float64]
    Statistic = Callable[[Array, Design], Array]

SMALLEST = 10  # scores of a group whose own sd is worth looking at


def share_above(y: Array, design: Design) -> Array:
    """Share of scores above 100, in per cent."""
    values: Array = 100 * (y > 100).mean(axis=-1)
    return values


def share_at(y: Array, design: Design) -> Array:
    """Share of scores of exactly 100, in per cent."""
    values: Array = 100 * (y == 100).mean(axis=-1)
    return values


def skewness(y: Array, design: Design) -> Array:
    """Skewness of the `deviations`; 0 for normal scores."""
    values: Array = st.skew(deviations(y, design), axis=-1)
    return values


def kurtosis(y: Array, design: Design) -> Array:
    """Excess kurtosis of the `deviations`; 0 for normal scores."""
    values: Array = st.kurtosis(deviations(y, design), axis=-1)
    return values


def sd_ratio(y: Array, design: Design) -> Array:
    """Ninth over first decile of the groups' `own_sds`."""
    low, high = np.quantile(own_sds(y, design), [0.1, 0.9], axis=-1)
    values: Array = high / low
    return values


STATISTICS: Mapping[str, Statistic] = {
    "above 100 (%)": share_above,
    "exactly 100 (%)": share_at,
    "skewness": skewness,
    "excess kurtosis": kurtosis,
    "ratio of school sds": sd_ratio,
}


def deviations(y: Array, design: Design) -> Array:
    """Deviations of scores (..., N) from a least-squares fit of the varying terms in each group.

    In the model of the course these are the means of the girls and the boys of each school.
    """
    residual = np.array(y, dtype=float)
    for rows in _groups(design):
        Z = design.Z[rows]
        residual[..., rows] -= residual[..., rows] @ (Z @ np.linalg.pinv(Z)).T
    return residual


def own_sds(y: Array, design: Design) -> Array:
    """Sds of the `deviations` in each group with at least `SMALLEST` scores, (..., groups).

    Raises
    ------
    ValueError
        If there is no such group.
    """
    residual = deviations(y, design)
    large = [rows for rows in _groups(design) if len(rows) >= SMALLEST]
    if not large:
        largest = int(np.bincount(design.codes).max())
        raise ValueError(
            f"design must have a group of {SMALLEST} scores, its largest has {largest}"
        )
    sds = [
        np.sqrt(
            (residual[..., rows] ** 2).sum(axis=-1)
            / (len(rows) - np.linalg.matrix_rank(design.Z[rows]))
        )
        for rows in large
    ]
    return np.stack(sds, axis=-1)


def _groups(design: Design) -> list[NDArray[np.intp]]:
    order = np.argsort(design.codes, kind="stable")
    return np.split(order, np.cumsum(np.bincount(design.codes))[:-1])
