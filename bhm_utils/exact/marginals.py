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
    # Change along the axes of the lattice, of psi and of the middle of the line: a narrow prior of
    # a group sd ties the two together.
    basis = lattice.basis  # (R, d, d)
    tilt = (line_slope(lattice) @ basis)[:, :, None, :]
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
        along = own[..., None] * basis[:, i, None, None, :] + slope[..., None] * tilt
        scale = squeezed(c, sigma[..., 0])
        found[name] = smooth(values, norm(along), line * slope, scale)
    if density.partials:
        for m, name in enumerate(design.correlations):
            values, gradient = _correlation(density, lattice, m)
            found[name] = smooth(values[..., None], gradient[..., None], none, ATANH)
    found["sigma"] = smooth(lattice.lam, norm(tilt), line, LOG)
    return found


def norm(vectors: Array) -> Array:
    """Length of vectors along the last axis."""
    return np.asarray(np.sqrt(np.einsum("...a,...a->...", vectors, vectors)))


def line_slope(lattice: Lattice) -> Array:
    """Slope of the middle of the line at the nodes psi, by a weighted quadratic fit: (R, n, d)."""
    root = np.sqrt(lattice.weights.sum(axis=-1))[..., None]
    psi = lattice.psi - (root**2 * lattice.psi).sum(axis=1, keepdims=True)
    middle = lattice.lam[..., lattice.lam.shape[-1] // 2, None]
    d = psi.shape[-1]
    first, second = np.triu_indices(d)
    terms = [np.ones_like(root), psi, psi[..., first] * psi[..., second]]
    coefficients = np.linalg.pinv(root * np.concatenate(terms, axis=-1)) @ (root * middle)
    curvature = np.zeros((len(psi), d, d))
    curvature[:, first, second] = coefficients[:, 1 + d :, 0]
    curvature += curvature.swapaxes(1, 2)
    return np.asarray(coefficients[:, None, 1 : 1 + d, 0] + psi @ curvature)


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
    return atanh_r(psi), np.maximum(norm(gradient), 1e-3)
