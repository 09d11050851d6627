"""The integral over the variances: a lattice laid around the mode, where the density is."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaincc, logsumexp

from .mixture import ACROSS, KERNEL_ORDER
from .nodes import Reduced

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .algebra import Matrix
    from .density import Density

    Array = NDArray[np.float64]

# Beyond these the answer is no: lattice points of psi, and nodes in all, over all replicates.
MAX_POINTS, MAX_NODES = 1_000_000, 20_000_000


class QuadratureError(RuntimeError):
    """The integral did not reach its accuracy; the message says what was reached."""


@dataclass(frozen=True)
class Lattice:
    """Nodes and weights for R posteriors on one set of lattice points.

    Attributes
    ----------
    psi, lam : numpy.ndarray, shapes (R, n, d), (R, n, K)
        The nodes.
    weights : numpy.ndarray, shape (R, n, K)
        Their share of the posterior; adds up to 1.
    log_evidence : numpy.ndarray, shape (R,)
        Log of the integral.
    basis : numpy.ndarray, shape (R, d, d)
        Derivative of psi by lattice coordinates in units of the posterior's spread.
    line_sd : numpy.ndarray, shape (R, n)
        Spread of lambda at each psi.
    step, line_step : float
        Distances of the nodes in these units.
    parts
        What `Density.coefficients` needs.
    """

    psi: Array
    lam: Array
    weights: Array
    log_evidence: Array
    basis: Array
    line_sd: Array
    step: float
    line_step: float
    parts: tuple[Matrix, list[Array]]


def line_centres(density: Density, psi: Array, reduced: Reduced) -> tuple[Array, Array, Array]:
    """Mode, spread and top of lambda given psi: Newton from the generalised least squares value."""
    free = max(density.rows - density.p, 1.0)
    squares = np.nan_to_num(density.residual_squares(reduced), nan=1.0)
    squares = np.maximum(squares, np.finfo(float).tiny)
    lam = 0.5 * np.log(squares / free)
    sd = np.full(lam.shape, (2 * free) ** -0.5)
    for _ in range(10):
        step = 0.3 * sd
        f, _ = density.log_density(psi, np.stack([lam - step, lam, lam + step], axis=-1), reduced)
        with np.errstate(all="ignore"):  # where the density is 0
            slope = np.nan_to_num((f[..., 2] - f[..., 0]) / (2 * step))
            curvature = np.nan_to_num((f[..., 0] - 2 * f[..., 1] + f[..., 2]) / step**2)
            sd = np.clip(-curvature, 0.1, None) ** -0.5
            move = np.clip(slope * sd**2, -2, 2)
            lam, top = lam + move, f[..., 1] + 0.5 * slope * move  # of the parabola
        if (np.abs(move) < 0.5 * sd).all():
            break
    return lam, sd, top


def profile(density: Density, psi: Array) -> Array:
    """Log density of psi with lambda integrated out by Laplace's method: (R, n)."""
    _, sd, top = line_centres(density, psi, density.reduce(psi))
    return top + np.log(sd)


def find_mode(density: Density, replicates: int) -> tuple[Array, Array]:
    """Find the mode of psi and, from its covariance there, a basis: (R, d), (R, d, d)."""
    d, q = density.dimension, density.q
    if d == 0:  # no varying effects: lambda is all there is
        return np.zeros((replicates, 0)), np.zeros((replicates, 0, 0))
    starts = np.zeros((replicates, 5, d))
    starts[..., :q] = np.array([-3.0, -1.5, 0.0, 1.0, 2.5])[:, None]
    best = np.argmax(profile(density, starts), axis=1)
    mode = starts[np.arange(replicates), best]
    eye = np.eye(d)
    pairs = list(itertools.combinations(range(d), 2))
    offsets = np.array([np.zeros(d), *eye, *-eye, *(eye[a] + eye[b] for a, b in pairs)])

    def around(centre: Array) -> Array:
        f = profile(density, centre[:, None, :] + e * offsets)
        # Beyond the support of a prior the density is 0; a large penalty still has a slope.
        top = f.max(axis=1, keepdims=True)
        return np.maximum(f, np.where(np.isfinite(top), top, 0.0) - 1e6)

    e = 0.05
    f = around(mode)
    for _ in range(60):
        up, down = f[:, 1 : d + 1], f[:, d + 1 : 2 * d + 1]
        gradient = (up - down) / (2 * e)
        H = np.zeros((replicates, d, d))
        H[:, range(d), range(d)] = (up - 2 * f[:, :1] + down) / e**2
        for m, (a, b) in enumerate(pairs):
            H[:, a, b] = H[:, b, a] = (f[:, 2 * d + 1 + m] - up[:, a] - up[:, b] + f[:, 0]) / e**2
        eigenvalues, vectors = np.linalg.eigh(-H)
        sds = np.clip(eigenvalues, 0.1, None) ** -0.5
        step = np.einsum("rab,rb,rcb,rc->ra", vectors, sds**2, vectors, gradient)
        if (np.einsum("ra,ra->r", step, gradient) < 1e-2).all():
            break
        length = np.sqrt((step**2).sum(axis=1, keepdims=True))
        step *= np.minimum(1.0, 2.0 / np.maximum(length, 1e-12))
        e = min(0.05, 0.3 * float(sds.min()))  # many groups make a narrow peak
        moved = around(mode + step)
        if (moved[:, 0] >= f[:, 0]).all():
            mode, f = mode + step, moved
            continue
        tries = np.array([1.0, 0.5, 0.2, 0.05, 0.0])
        candidates = mode[:, None, :] + tries[:, None] * step[:, None, :]
        chosen = np.argmax(profile(density, candidates), axis=1)
        mode = candidates[np.arange(replicates), chosen]
        f = around(mode)
    sds = not_wider_than_the_peak(density, mode, vectors, sds)
    covariance = np.einsum("rab,rb,rcb->rac", vectors, sds**2, vectors)
    factor = np.linalg.cholesky(covariance)
    return mode, factor @ rotation(factor[0])


def not_wider_than_the_peak(density: Density, mode: Array, vectors: Array, sds: Array) -> Array:
    """Shrink spreads that the curvature overstates, as that of a flat top does.

    Two sds from its mode a normal log density is down by 2. Where both sides are down by more than
    4.5, the sd is too large.
    """
    axes = vectors.swapaxes(1, 2)
    for _ in range(10):
        away = 2 * sds[..., None] * axes
        f = profile(density, np.concatenate([mode[:, None], mode[:, None] + away], axis=1))
        g = profile(density, mode[:, None] - away)
        wide = np.maximum(f[:, 1:], g) < f[:, :1] - 4.5
        if not wide.any():
            break
        sds = np.where(wide, 0.7 * sds, sds)
    return sds


def rotation(factor: Array) -> Array:
    """Choose a rotation of the lattice that keeps its gaps out of sight from every axis of psi.

    Seen along an axis, a lattice of step h adds to the Fourier transform of a normal marginal
    copies of size exp(-2 (pi / h)^2 c), where c is the squared distance of a dual vector k from
    the axis, at the frequency 2 pi / h times its projection; high frequencies the kernels of
    `Mixture` take away. Of some rotations we take the one whose largest remaining copy is least.
    """
    d = len(factor)
    if d == 1:
        return np.eye(1)
    axes = factor / np.linalg.norm(factor, axis=1, keepdims=True)
    candidates, dual = candidate_rotations(d)
    along = ((axes @ candidates) @ dual.T) ** 2  # (candidates, axes, dual vectors)
    copies = np.exp(-2 * np.pi**2 * ((dual**2).sum(axis=1) - along))
    seen = copies > 1e-6  # the others are too small to be the largest
    copies[seen] *= gammaincc(KERNEL_ORDER, 2 * np.pi**2 * ACROSS[min(d, 3)] ** 2 * along[seen])
    return np.asarray(candidates[int(np.argmin(copies.max(axis=(1, 2))))])


@cache
def candidate_rotations(d: int) -> tuple[Array, Array]:
    """Rotations (m, d, d) to choose from, fixed for one d, and the short dual vectors (k, d)."""
    reach = 2 if d <= 3 else 1
    dual = np.array([k for k in itertools.product(range(-reach, reach + 1), repeat=d) if any(k)])
    # A vector and its opposite say the same.
    dual = dual[: len(dual) // 2].astype(float)
    return np.linalg.qr(np.random.default_rng(1).normal(size=(400, d, d)))[0], dual


def lay(
    density: Density, mode: Array, basis: Array, step: float, line_step: float, depth: float
) -> Lattice:
    """Lay a lattice over all of psi and lambda where the density is within exp(-depth) of its top.

    The lattice starts as a ball and grows wherever its edge is not low enough, so that skewed and
    heavy-tailed posteriors get what they need.
    """
    replicates, d = mode.shape
    reach = (2 * depth) ** 0.5
    top = np.full(replicates, -np.inf)
    seen = np.empty(0, dtype=np.int64)
    kept: list[tuple[Array, Reduced, Array, Array]] = []
    frontier = ball(d, reach / step + (1.0 if d < 5 else 0.0))
    while len(frontier):
        seen = np.concatenate([seen, encode(frontier)])
        if replicates * len(seen) > MAX_POINTS or np.abs(frontier).max(initial=0) > 500:
            raise QuadratureError(too_many(replicates * len(seen)))
        psi = mode[:, None, :] + step * np.einsum("rab,nb->rna", basis, frontier)
        reduced = density.reduce(psi)
        centre, sd, peak = line_centres(density, psi, reduced)
        top = np.maximum(top, peak.max(axis=1))
        high = (peak > top[:, None] - depth).any(axis=0)
        kept.append((psi[:, high], reduced.take(high), centre[:, high], sd[:, high]))
        frontier = neighbours(frontier[high], seen)
    psi, centre, sd = (np.concatenate([part[k] for part in kept], axis=1) for k in (0, 2, 3))
    reduced = Reduced.join([part[1] for part in kept])
    if not psi.shape[1] or not np.isfinite(top).all():
        raise QuadratureError("the posterior has no density where its mode was sought")

    m = int(np.ceil(reach / line_step)) + 1
    while True:
        if centre.size * (2 * m + 1) > MAX_NODES:
            raise QuadratureError(too_many(centre.size * (2 * m + 1)))
        lam = centre[..., None] + line_step * sd[..., None] * np.arange(-m, m + 1)
        f, parts = density.log_density(psi, lam, reduced)
        edge = np.maximum(f[..., 0], f[..., -1]).max(axis=1)
        if (edge < f.max(axis=(1, 2)) - depth).all() or m > 200:
            break
        m += max(1, m // 4)
    log_weights = f + np.log(sd)[..., None]
    total = logsumexp(log_weights, axis=(1, 2))
    volume = np.linalg.slogdet(basis)[1] + d * np.log(step) + np.log(line_step)
    return Lattice(
        psi=psi,
        lam=lam,
        weights=np.exp(log_weights - total[:, None, None]),
        log_evidence=total + volume,
        basis=basis,
        line_sd=sd,
        step=step,
        line_step=line_step,
        parts=parts,
    )


def too_many(nodes: int) -> str:
    """Say why not."""
    return (
        f"no lattice of {nodes:,} nodes covers the posterior of the variances: it is too spread "
        "out, as under heavy-tailed priors with few groups, or too narrow a ridge, or there are "
        "too many outcomes for one call"
    )


def ball(d: int, radius: float) -> NDArray[np.int64]:
    """Integer points within `radius` of the origin: (n, d)."""
    axis = np.arange(-int(radius), int(radius) + 1)
    points = np.zeros((1, 0), dtype=np.int64)
    for _ in range(d):  # axis by axis, so that no cube is ever built
        points = np.concatenate(
            [np.repeat(points, len(axis), axis=0), np.tile(axis, len(points))[:, None]], axis=1
        )
        points = points[(points**2).sum(axis=1) <= radius**2]
    return points


def encode(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """One number for each lattice point; its coordinates are within 500 of the origin."""
    return np.asarray((points + 512) @ (1024 ** np.arange(points.shape[1])))


def neighbours(points: NDArray[np.int64], seen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Lattice neighbours of `points` that have not been seen: (n, d)."""
    d = points.shape[1]
    steps = np.concatenate([np.eye(d, dtype=np.int64), -np.eye(d, dtype=np.int64)])
    around = (points[:, None, :] + steps).reshape(len(points) * len(steps), d)
    codes, first = np.unique(encode(around), return_index=True)
    return np.asarray(around[first[~np.isin(codes, seen)]])
