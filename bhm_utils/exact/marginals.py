"""The marginal of every parameter, as a mixture over the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .algebra import squeeze, unsqueeze
from .mixture import ACROSS, ALONG, ATANH, KERNEL_ORDER, LOG, Mixture, Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .density import Density
    from .nodes import Coefficients
    from .quadrature import Lattice

    Array = NDArray[np.float64]


def marginals(density: Density, lattice: Lattice, coefficients: Coefficients) -> dict[str, Mixture]:
    """Collect the marginal of every parameter, by name."""
    design = density.design
    R = len(lattice.weights)
    weights = lattice.weights.reshape(R, -1)
    found: dict[str, Mixture] = {}
    variances = coefficients.variance
    for a, name in enumerate(design.common):
        found[name] = Mixture(
            coefficients.mean[a].reshape(R, -1),
            np.sqrt(variances[a]).reshape(R, -1),
            weights,
        )

    def smooth(values: Array, along_psi: Array, along_line: Array, scale: Scale) -> Mixture:
        """From values at the nodes and their change along psi and lambda, all (R, n, K)."""
        widths = np.hypot(
            ACROSS[min(density.dimension, 3)] * lattice.step * along_psi,
            ALONG * lattice.line_step * along_line,
        )
        w = lattice.weights
        if values.shape[-1] == 1:  # the same all along lambda
            w = w.sum(axis=-1, keepdims=True)
        values, widths = np.broadcast_to(values, w.shape), np.broadcast_to(widths, w.shape)
        return Mixture(
            values.reshape(R, -1), widths.reshape(R, -1), w.reshape(R, -1), KERNEL_ORDER, scale
        )

    line = lattice.line_sd[..., None]
    none = np.zeros((1, 1, 1))
    spread = np.sqrt((lattice.basis**2).sum(axis=-1))  # (R, d)
    for i, (name, ratio) in enumerate(
        zip(design.group_sds, density.log_ratios(lattice.psi), strict=True)
    ):
        # On the lattice's own scale, where the density is smooth: unsqueezed, sigma at its median.
        c, sigma = density.c[i], np.median(lattice.lam, axis=(1, 2), keepdims=True)
        tau, away = lattice.psi[..., i, None], lattice.lam - sigma
        near = tau + away / (1 + np.exp(c - tau))
        values = unsqueeze(ratio[..., None] + away, c, near)
        slope = 1 / (1 + np.exp(c - values))
        own = (1 + np.exp(c - tau)) * slope
        scale = squeezed(c, sigma[..., 0])
        found[name] = smooth(values, spread[:, i, None, None] * own, line * slope, scale)
    if density.partials:
        for m, name in enumerate(design.correlations):
            values, gradient = _correlation(density, lattice, m)
            found[name] = smooth(values[..., None], gradient[..., None], none, ATANH)
    found["sigma"] = smooth(lattice.lam, none, line, LOG)
    return found


def squeezed(c: float, log_sigma: Array) -> Scale:
    """Scale of a group sd: s = sigma exp(v - e^(c - v)), with sigma (R, 1)."""
    return Scale(
        to=lambda v: np.exp(squeeze(v, c) + log_sigma),
        back=lambda s: unsqueeze(np.log(s) - log_sigma, c),
        slope=lambda v: np.exp(squeeze(v, c) + log_sigma) * (1 + np.exp(c - v)),
    )


def _correlation(density: Density, lattice: Lattice, m: int) -> tuple[Array, Array]:
    """Compute atanh of correlation m at the nodes and the length of its gradient: (R, n)."""

    def atanh_r(psi: Array) -> Array:
        r = density.correlations(psi)[m]
        return np.asarray(np.arctanh(np.clip(r, -1 + 1e-15, 1 - 1e-15)))

    psi, e = lattice.psi, 1e-4
    slopes = np.zeros(psi.shape)
    for k in range(density.q, density.dimension):
        bump = e * np.eye(density.dimension)[k]
        slopes[..., k] = (atanh_r(psi + bump) - atanh_r(psi - bump)) / (2 * e)
    gradient = np.einsum("rnd,rdz->rnz", slopes, lattice.basis)
    return atanh_r(psi), np.maximum(np.sqrt((gradient**2).sum(axis=-1)), 1e-3)
