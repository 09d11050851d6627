"""Independent draws from the exact posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from .algebra import forward, total
from .density import CHUNK, Density

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .quadrature import Lattice

    Array = NDArray[np.float64]

DEGREES = 4.0  # of freedom of the proposal: heavier tails than the posterior's
BATCH = 4000


def sample_all(
    density: Density, lattice: Lattice, size: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Draw all parameters: (size,), and (size, J) for varying effects, by name."""
    psi, lam = sample_variances(density, lattice, size, rng)
    nodes = psi[None]
    _, parts = density.log_density(nodes, lam[None, :, None], density.reduce(nodes))
    mean, cov = density.coefficients(parts).stacked()
    p, q = density.p, density.q
    root = np.linalg.cholesky(cov[0, :, 0])
    b = mean[0, :, 0] + np.einsum("npr,nr->np", root, rng.normal(size=(size, p)))

    sigma = np.exp(lam)
    shifted = (b - density.offset[0]) @ np.linalg.inv(density.T).T
    J = len(density.design.labels)
    u = np.empty((q, size, J))
    chunk = max(1, CHUNK // J)
    for k in range(0, size, chunk):
        part = slice(k, k + chunk)
        C, WX, Wy = density.whiten(nodes[:, part])
        L = density.factor(psi[part], shifted=False)
        # u = L C'^-1 (C^-1 L'Z'(y - X b) + sigma e), e standard normal
        residual = [
            [
                (Wy[a] - total(WX[a][x] * shifted[part, x, None] for x in range(p)))[0]
                + sigma[part, None] * rng.normal(size=(len(sigma[part]), J))
            ]
            for a in range(q)
        ]
        G = forward(C, [[L[i][a][None, :, None] for i in range(q)] for a in range(q)])
        for i in range(q):
            u[i, part] = total(G[a][i][0] * residual[a][0] for a in range(q))

    design = density.design
    values = {name: b[:, k] for k, name in enumerate(design.common)}
    for name, ratio in zip(design.group_sds, density.log_ratios(psi), strict=True):
        values[name] = np.exp(ratio + lam)
    if density.partials:
        values |= dict(zip(design.correlations, density.correlations(psi), strict=True))
    values["sigma"] = sigma
    return values | dict(zip(design.varying, u, strict=True))


def sample_variances(
    density: Density, lattice: Lattice, size: int, rng: np.random.Generator
) -> tuple[Array, Array]:
    """Draw psi (size, d) and lambda (size,) by rejection from a multivariate t distribution."""
    w = lattice.weights[0].ravel()
    psi, lam = lattice.psi[0], lattice.lam[0]
    nodes = np.concatenate([np.repeat(psi, lam.shape[1], axis=0), lam.reshape(-1, 1)], axis=1)
    mean = w @ nodes
    root = np.linalg.cholesky((nodes - mean).T @ (w[:, None] * (nodes - mean)))
    log_p = np.full(len(w), -np.inf)
    log_p[w > 0] = np.log(w[w > 0]) - np.log(np.repeat(lattice.line_sd[0], lam.shape[1]))[w > 0]
    log_p += lattice.log_evidence[0] - _log_volume(lattice)
    bound = float(np.max(log_p - _log_t(nodes, mean, root)))
    accepted: list[Array] = []
    while sum(map(len, accepted)) < size:
        z = rng.normal(size=(BATCH, len(mean))) / np.sqrt(
            rng.chisquare(DEGREES, size=(BATCH, 1)) / DEGREES
        )
        x = mean + z @ root.T
        at = x[None, :, :-1]
        f, _ = density.log_density(at, x[None, :, -1:], density.reduce(at))
        ratio = f[0, :, 0] - _log_t(x, mean, root)
        if ratio.max() > bound:  # the bound was too low: what was accepted does not count
            bound, accepted = float(ratio.max()) + 0.1, []
            continue
        accepted.append(x[np.log(rng.uniform(size=BATCH)) < ratio - bound])
    draws = np.concatenate(accepted)[:size]
    return draws[:, :-1], draws[:, -1]


def _log_volume(lattice: Lattice) -> float:
    d = lattice.basis.shape[-1]
    log_det = float(np.linalg.slogdet(lattice.basis[0])[1])
    return log_det + float(d * np.log(lattice.step) + np.log(lattice.line_step))


def _log_t(x: Array, mean: Array, root: Array) -> Array:
    """Log density of a multivariate t distribution at x (n, d)."""
    d = len(mean)
    z = np.linalg.solve(root, (x - mean).T)
    constant = gammaln((DEGREES + d) / 2) - gammaln(DEGREES / 2) - 0.5 * d * np.log(DEGREES * np.pi)
    constant -= np.log(np.diag(root)).sum()
    return np.asarray(constant - 0.5 * (DEGREES + d) * np.log1p((z**2).sum(axis=0) / DEGREES))
