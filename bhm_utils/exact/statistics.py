"""What a two-level Gaussian model needs of its rows: counts, means and products within groups."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy.sparse import csc_array

from ..model import Design

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike, NDArray

CHUNK = 1_000_000  # numbers worked on at once


@dataclass(frozen=True)
class GroupStatistics:
    r"""Sufficient statistics of a two-level Gaussian model, group by group.

    The columns of a row are :math:`w_i = (x_i, z_i, y_i)`. For each group j are kept the number
    of rows :math:`n_j`, the mean :math:`\bar w_j` and the products of deviations from it,

    .. math:: T_j = \sum_{i \in j} (w_i - \bar w_j)(w_i - \bar w_j)^\top .

    Products are taken after centring, so that a large mean costs no digits. Statistics of disjoint
    sets of rows add up, :math:`T = T_a + T_b + \tfrac{n_a n_b}{n} \delta \delta^\top` with
    :math:`\delta = \bar w_b - \bar w_a` (Chan, Golub and LeVeque 1983): ``a + b``.

    Attributes
    ----------
    design : Design
        The model: names and labels; of its rows nothing is used any more.
    counts : numpy.ndarray, shape (J,)
        Rows in each group.
    means : numpy.ndarray, shape (J, p + q)
        Means of the columns of X and Z.
    products : numpy.ndarray, shape (J, p + q, p + q)
        Products of their deviations.
    y_means, y_products, y_squares : numpy.ndarray, shapes (R, J), (R, J, p + q), (R, J)
        The same of R outcomes, with the columns and with themselves.
    """

    design: Design
    counts: NDArray[np.float64]
    means: NDArray[np.float64]
    products: NDArray[np.float64]
    y_means: NDArray[np.float64]
    y_products: NDArray[np.float64]
    y_squares: NDArray[np.float64]

    @classmethod
    def from_rows(
        cls, formula: str, data: pd.DataFrame, *, outcomes: ArrayLike | None = None
    ) -> Self:
        """Form the statistics from rows, once.

        Parameters
        ----------
        formula, data
            As for `Design.from_formula`.
        outcomes : array_like, shape (R, N), optional
            Outcomes to use instead of the one in `data`, all on the same rows.

        Raises
        ------
        ValueError
            As `Design.from_formula`, or if `outcomes` has the wrong shape or is not finite.
        """
        design = Design.from_formula(formula, data)
        Y = design.y[None] if outcomes is None else np.asarray(outcomes, dtype=float)
        if Y.ndim != 2 or Y.shape[1] != len(design.y) or not len(Y):
            raise ValueError(
                f"outcomes must have shape (replicates, {len(design.y)}), got {Y.shape}"
            )
        if not np.isfinite(Y).all():
            raise ValueError(f"outcomes must be finite, got {Y[~np.isfinite(Y)][0]}")
        J, k = len(design.labels), design.X.shape[1] + design.Z.shape[1]
        rows = range(0, len(design.codes), max(1, CHUNK // (k + len(Y))))

        def block(start: int) -> tuple[Any, NDArray[np.float64], NDArray[np.intp]]:
            part = slice(start, start + rows.step)
            codes = design.codes[part]
            # One column a row, a 1 at its group: what it multiplies is summed within groups.
            members = csc_array(
                (np.ones(len(codes)), codes, np.arange(len(codes) + 1)), (J, len(codes))
            )
            return members, np.column_stack([design.X[part], design.Z[part], Y[:, part].T]), codes

        counts = np.bincount(design.codes, minlength=J).astype(float)
        means = np.zeros((J, k + len(Y)))
        for members, W, _ in map(block, rows):
            means += members @ W
        means /= counts[:, None]
        products = np.zeros((J, k, k + len(Y)))
        y_squares = np.zeros((J, len(Y)))
        for members, W, codes in map(block, rows):
            W -= means[codes]
            for a in range(k):
                products[:, a] += members @ (W * W[:, a, None])
            y_squares += members @ W[:, k:] ** 2
        return cls(
            design=design.take([]),  # the names
            counts=counts,
            means=means[:, :k],
            products=products[..., :k],
            y_means=means[:, k:].T,
            y_products=products[..., k:].transpose(2, 0, 1),
            y_squares=y_squares.T,
        )

    def __add__(self, other: GroupStatistics) -> GroupStatistics:
        """Statistics of both sets of rows together; groups are matched by label."""
        mine, theirs = self.design, other.design
        if (mine.common, mine.effects, mine.group) != (theirs.common, theirs.effects, theirs.group):
            raise ValueError(
                f"statistics to add must be of one model, got {mine.formula!r} with columns "
                f"{mine.common + mine.effects} and {theirs.formula!r} with "
                f"{theirs.common + theirs.effects}"
            )
        if len(self.y_means) != len(other.y_means):
            raise ValueError(
                "statistics to add must have equally many outcomes, got "
                f"{len(self.y_means)} and {len(other.y_means)}"
            )
        labels = mine.labels.union(theirs.labels)
        a = self._spread_over(labels)
        b = other._spread_over(labels)
        counts = a.counts + b.counts
        share = b.counts / counts
        cross = a.counts * share
        delta, y_delta = b.means - a.means, b.y_means - a.y_means
        return GroupStatistics(
            design=replace(mine, labels=labels),
            counts=counts,
            means=a.means + share[:, None] * delta,
            products=a.products
            + b.products
            + cross[:, None, None] * delta[:, :, None] * delta[:, None, :],
            y_means=a.y_means + share * y_delta,
            y_products=a.y_products + b.y_products + (cross * y_delta)[..., None] * delta,
            y_squares=a.y_squares + b.y_squares + cross * y_delta**2,
        )

    def _spread_over(self, labels: pd.Index) -> GroupStatistics:
        """Place the groups among `labels`; a group without rows here counts 0."""
        at = labels.get_indexer(self.design.labels)

        def place(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
            shape = list(values.shape)
            shape[axis] = len(labels)
            placed = np.zeros(shape)
            placed[(slice(None),) * axis + (at,)] = values
            return placed

        return GroupStatistics(
            self.design,
            place(self.counts, 0),
            place(self.means, 0),
            place(self.products, 0),
            place(self.y_means, 1),
            place(self.y_products, 1),
            place(self.y_squares, 1),
        )
