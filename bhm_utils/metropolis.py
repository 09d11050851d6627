r"""Metropolis-Hastings, written for reading: many chains at once, log densities only.

From the state :math:`x` a candidate :math:`y \sim q(\cdot \mid x)` is drawn and accepted with
probability

.. math:: \mathcal{A}(x, y) = \min \left\{
    \frac{\pi(y)}{\pi(x)} \, \frac{q(x \mid y)}{q(y \mid x)}, \; 1 \right\},

otherwise the chain stays where it is. Both ratios are computed on the log scale. The second one,
the Hastings ratio, is 1 if the proposal is symmetric.

References
----------
Metropolis, Rosenbluth, Rosenbluth, Teller and Teller (1953), Journal of Chemical Physics 21,
1087-1092. Hastings (1970), Biometrika 57, 97-109.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .progress import steps
from .proposals import AdaptiveProposal

if TYPE_CHECKING:
    from collections.abc import Callable

    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    from .proposals import Proposal

    Array = NDArray[np.float64]


def metropolis_hastings(
    log_target: Callable[[Array], ArrayLike],
    proposal: Proposal,
    initial: ArrayLike,
    draws: int,
    *,
    warmup: int = 0,
    rng: np.random.Generator,
) -> xr.DataTree:
    r"""Draw from the density whose logarithm is `log_target`, up to a constant.

    Parameters
    ----------
    log_target : callable
        Maps states (chains, d) to :math:`\log \pi` (chains,), row by row. ``-inf`` is outside the
        support.
    proposal : Proposal
        Draws the candidates, such as `GaussianWalk`. One that has a method ``adapted`` is replaced
        by what the method returns after each step of the warm-up, and fixed from then on.
    initial : array_like, shape (chains, d)
        Where the chains start: inside the support.
    draws : int
        Number of draws to keep from each chain, at least 1.
    warmup : int, default 0
        Number of draws before those, which are thrown away.
    rng : numpy.random.Generator
        The only source of randomness.

    Returns
    -------
    xarray.DataTree
        ``posterior["x"]`` with dimensions (chain, draw, dimension); ``sample_stats["accepted"]``,
        whether the draw is a new candidate, and ``sample_stats["lp"]``, its log target.

    Raises
    ------
    ValueError
        If `initial` is not a finite matrix inside the support, `draws` or `warmup` are too small,
        `log_target` returns NaN, +inf or a wrong shape, or so does `proposal`.
    """
    for name, value, least in [("draws", draws, 1), ("warmup", warmup, 0)]:
        if not (isinstance(value, int | np.integer) and value >= least):
            raise ValueError(f"{name} must be an integer of at least {least}, got {value!r}")
    x, lp = _start(log_target, initial)
    kept_x = np.empty((draws, *x.shape))
    kept_lp = np.empty((draws, len(x)))
    kept_accepted = np.empty((draws, len(x)), dtype=bool)

    for step in steps(warmup + draws, "Metropolis-Hastings"):
        candidate, log_ratio = _propose(proposal, x, rng)
        candidate_lp = _evaluate(log_target, candidate)
        log_acceptance = candidate_lp - lp + log_ratio
        log_uniform = -rng.standard_exponential(len(x))

        accepted = log_uniform < log_acceptance
        x = np.where(accepted[:, None], candidate, x)
        lp = np.where(accepted, candidate_lp, lp)

        if step >= warmup:
            kept_x[step - warmup] = x
            kept_lp[step - warmup] = lp
            kept_accepted[step - warmup] = accepted
        elif isinstance(proposal, AdaptiveProposal):
            proposal = proposal.adapted(x, np.exp(np.minimum(log_acceptance, 0)), step)

    import arviz as az

    tree: xr.DataTree = az.from_dict(
        {
            "posterior": {"x": kept_x.swapaxes(0, 1)},
            "sample_stats": {"accepted": kept_accepted.T, "lp": kept_lp.T},
        },
        dims={"x": ["dimension"]},
        check_conventions=False,  # more chains than draws are no mistake here
    )
    return tree


def _start(log_target: Callable[[Array], ArrayLike], initial: ArrayLike) -> tuple[Array, Array]:
    x = np.array(initial, dtype=float)
    if x.ndim != 2 or x.size == 0:
        raise ValueError(f"initial must have shape (chains, d), got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"initial must be finite, got {initial!r}")
    lp = _evaluate(log_target, x)
    if (lp == -np.inf).any():
        raise ValueError(
            f"initial must be inside the support, got {x[lp == -np.inf][0]} "
            "where log_target is -inf"
        )
    return x, lp


def _propose(proposal: Proposal, x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Call the proposal and check what it answers."""
    candidate, log_ratio = map(np.asarray, proposal(_read_only(x), rng))
    if candidate.shape != x.shape:
        raise ValueError(
            f"proposal must return candidates of shape {x.shape}, got {candidate.shape}"
        )
    if not np.isfinite(candidate).all():
        bad = ~np.isfinite(candidate).all(axis=1)
        raise ValueError(f"proposal must return finite candidates, got {candidate[bad][0]}")
    if log_ratio.shape not in [(), (len(x),)]:
        raise ValueError(
            f"proposal must return a log ratio of shape ({len(x)},) or (), got {log_ratio.shape}"
        )
    if not log_ratio.max() < np.inf:
        raise ValueError(f"proposal must return a log ratio below infinity, got {log_ratio!r}")
    return candidate, log_ratio


def _evaluate(log_target: Callable[[Array], ArrayLike], x: Array) -> Array:
    """Call the log target and check what it answers."""
    lp = np.array(log_target(_read_only(x)), dtype=float)
    if lp.shape != (len(x),):
        raise ValueError(f"log_target must return shape ({len(x)},), got {lp.shape}")
    if not lp.max() < np.inf:  # NaN, too
        bad = ~(lp < np.inf)
        raise ValueError(f"log_target must be below infinity, got {lp[bad][0]} at {x[bad][0]}")
    return lp


def _read_only(x: Array) -> Array:
    """View of x for functions of others: one that changed its argument would go unnoticed."""
    view = x.view()
    view.setflags(write=False)
    return view
