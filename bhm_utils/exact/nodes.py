"""What is kept at the nodes of the lattice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .algebra import total

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .algebra import Array, Matrix


@dataclass(frozen=True)
class Reduced:
    """What is left of the groups at each node of psi: X'V^-1 X and so on, times sigma^2."""

    log_determinant: Array
    XX: Matrix
    Xy: list[Array]
    yy: Array

    def take(self, nodes: NDArray[np.bool_]) -> Reduced:
        """Keep some of the nodes."""
        return Reduced(
            self.log_determinant[:, nodes],
            [[entry[:, nodes] for entry in row] for row in self.XX],
            [entry[:, nodes] for entry in self.Xy],
            self.yy[:, nodes],
        )

    @staticmethod
    def join(parts: list[Reduced]) -> Reduced:
        """Put the nodes of several together."""
        if len(parts) == 1:
            return parts[0]

        def all_of(arrays: Iterable[Array]) -> Array:
            return np.concatenate(list(arrays), axis=1)

        p = len(parts[0].Xy)
        return Reduced(
            all_of(part.log_determinant for part in parts),
            [[all_of(part.XX[a][b] for part in parts) for b in range(a + 1)] for a in range(p)],
            [all_of(part.Xy[a] for part in parts) for a in range(p)],
            all_of(part.yy for part in parts),
        )


@dataclass(frozen=True)
class Coefficients:
    """Normal distribution of the common coefficients at each node: b = mean + H'e."""

    mean: list[Array]
    H: Matrix

    @property
    def variance(self) -> list[Array]:
        """Variance of each coefficient."""
        return [total(row[a] ** 2 for row in self.H) for a in range(len(self.mean))]

    def stacked(self) -> tuple[Array, Array]:
        """Means (R, n, K, p) and covariances (R, n, K, p, p)."""
        mean = np.stack(np.broadcast_arrays(*self.mean), axis=-1)
        H = np.stack([np.stack(np.broadcast_arrays(*row), axis=-1) for row in self.H], axis=-2)
        return mean, np.einsum("...ba,...bc->...ac", H, H)
