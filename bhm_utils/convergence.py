"""Has the sampler converged? The R-hat of the slides, and the gate that every fit passes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import xarray as xr
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]


class ConvergenceError(RuntimeError):
    """A sampler or an optimiser has not converged; its numbers are not to be used."""


@dataclass(frozen=True, eq=False)
class GelmanRubin:
    r"""The terms of :math:`\hat R`, from M chains of N draws.

    Attributes
    ----------
    within : numpy.ndarray, shape (...)
        :math:`W`, the mean of the chains' variances.
    between : numpy.ndarray, shape (...)
        :math:`B`; ``between / N`` is the variance of the chains' means.
    total : numpy.ndarray, shape (...)
        :math:`\widehat{\mathrm{Var}}^+`.
    rhat : numpy.ndarray, shape (...)
        :math:`\hat R`.
    chain_means, chain_variances : numpy.ndarray, shape (chains, ...)
        :math:`\bar\theta_m` and :math:`s_m^2`.
    """

    within: Array
    between: Array
    total: Array
    rhat: Array
    chain_means: Array
    chain_variances: Array


def gelman_rubin(draws: ArrayLike) -> GelmanRubin:
    r"""Compare the spread of the chains' means with the spread within chains.

    With the mean :math:`\bar\theta_m` of chain :math:`m` and the mean :math:`\bar\theta` of these,

    .. math::
        s_m^2 &= \frac{1}{N-1} \sum_{n=1}^N (\theta_m^{(n)} - \bar\theta_m)^2 \\
        W &= \frac{1}{M} \sum_{m=1}^M s_m^2 \\
        \frac{B}{N} &= \frac{1}{M-1} \sum_{m=1}^M (\bar\theta_m - \bar\theta)^2 \\
        \widehat{\mathrm{Var}}^+ &= \frac{N-1}{N} W + \frac{B}{N} \\
        \hat R &= \sqrt{\widehat{\mathrm{Var}}^+ / W}.

    This is the plain form: neither split nor rank-normalised, and without the paper's correction
    for degrees of freedom.

    Parameters
    ----------
    draws : array_like, shape (chains, draws, ...)
        Finite draws of at least two chains, at least two of each; any shape of parameter.

    Returns
    -------
    GelmanRubin
        One number for each parameter, in the shape of the parameter. :math:`\hat R` is infinite
        where no chain moves, and they stand in different places.

    Raises
    ------
    ValueError
        If there are too few chains or draws, if a draw is not finite, or if all draws of a
        parameter are the same number, for which :math:`\hat R` is 0 / 0.

    References
    ----------
    Gelman and Rubin (1992), Statistical Science 7, 457-472. Gelman, Carlin, Stern, Dunson, Vehtari
    and Rubin (2013), Bayesian Data Analysis, third edition, section 11.4.
    """
    x = _chains(draws)
    first = x[:, :1]
    x = x - first  # so that the variance of a constant chain is 0, not a rounding error
    n = x.shape[1]
    moved = x.mean(axis=1)
    chain_means = first[:, 0] + moved
    chain_variances = x.var(axis=1, ddof=1)
    within = chain_variances.mean(axis=0)
    between = n * (chain_means - chain_means[0]).var(axis=0, ddof=1)
    if ((within == 0) & (between == 0)).any():
        where = np.argwhere((within == 0) & (between == 0))[0].tolist()
        at = f" at {where}" if where else ""
        raise ValueError(f"draws must differ, got the same number in every chain{at}")
    total = (n - 1) / n * within + between / n
    with np.errstate(divide="ignore"):
        rhat = np.sqrt(total / within)
    return GelmanRubin(within, between, total, rhat, chain_means, chain_variances)


def running_rhat(draws: ArrayLike, at: Iterable[int]) -> Array:
    r"""Return the :math:`\hat R` of `gelman_rubin` after the first so many draws.

    Parameters
    ----------
    draws : array_like, shape (chains, draws, ...)
        As for `gelman_rubin`.
    at : iterable of int
        Numbers of draws, each at least 2 and at most what there is.

    Returns
    -------
    numpy.ndarray, shape (len(at), ...)
        One row for each number.

    Raises
    ------
    ValueError
        As for `gelman_rubin`, or if a number in `at` is out of range.
    """
    x = _chains(draws)
    numbers = list(at)
    if bad := [n for n in numbers if not 2 <= n <= x.shape[1]]:
        raise ValueError(f"at must be between 2 and the {x.shape[1]} draws, got {bad[0]!r}")
    rows = [gelman_rubin(x[:, :n]).rhat for n in numbers]
    return np.array(rows).reshape(len(rows), *x.shape[2:])


def _chains(draws: ArrayLike) -> Array:
    """Draws (chain, draw, ...) that can be compared."""
    x = np.asarray(draws, dtype=float)
    if x.ndim < 2:
        raise ValueError(f"draws must have shape (chains, draws, ...), got {x.shape}")
    if x.shape[0] < 2:
        raise ValueError(f"draws must have at least two chains, got {x.shape[0]}")
    if x.shape[1] < 2:
        raise ValueError(f"draws must have at least two draws a chain, got {x.shape[1]}")
    if not np.isfinite(x).all():
        where = np.argwhere(~np.isfinite(x))[0].tolist()
        raise ValueError(f"draws must be finite, got {x[tuple(where)]} at {where}")
    return x


def require_converged(
    tree: xr.DataTree,
    *,
    max_rhat: float = 1.01,
    min_ess: float = 400,
    max_divergences: int = 0,
    var_names: Sequence[str] | None = None,
) -> xr.DataTree:
    r"""Return `tree` if its chains have converged, raise if they have not.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws in ArviZ's form: a group ``posterior`` and, if there is one, ``sample_stats``.
    max_rhat : float, default 1.01
        Largest rank-normalised split :math:`\hat R`.
    min_ess : float, default 400
        Smallest effective sample size, in the bulk and in the tails.
    max_divergences : int, default 0
        Largest number of divergent transitions after warm-up.
    var_names : sequence of str, optional
        Variables to look at; all of the posterior by default.

    Raises
    ------
    ConvergenceError
        Naming the worst parameter. A chain that never moved, and a draw that is not finite, fail.
    ValueError
        If there is no posterior, fewer than two chains, or an unknown variable.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter and Buerkner (2021), Bayesian Analysis 16, 667-718.
    """
    import arviz as az

    if "posterior" not in tree.children:
        raise ValueError(f"tree must have a group 'posterior', got {list(tree.children)}")
    if isinstance(var_names, str):
        raise ValueError(f"var_names must be a sequence of names, got {var_names!r}")
    posterior = tree["posterior"].dataset
    if not {"chain", "draw"} <= set(posterior.sizes) or 0 in posterior.sizes.values():
        raise ValueError(f"tree must have draws in chains, got sizes {dict(posterior.sizes)}")
    unknown = sorted(set(var_names or []) - set(posterior.data_vars))
    if unknown:
        raise ValueError(f"var_names has {unknown}; the posterior has {list(posterior.data_vars)}")
    posterior = posterior[list(var_names or posterior.data_vars)].astype(float)
    if posterior.sizes["chain"] < 2:
        raise ValueError(f"tree must have at least two chains, got {posterior.sizes['chain']}")

    if "sample_stats" in tree.children and "diverging" in tree["sample_stats"].data_vars:
        divergences = int(tree["sample_stats"].dataset["diverging"].sum())
        if not divergences <= max_divergences:
            raise ConvergenceError(
                f"{divergences} divergent transitions, at most {max_divergences} allowed"
            )
    for name, draws in posterior.data_vars.items():
        if not np.isfinite(draws).all():
            raise ConvergenceError(f"{name} has draws that are not finite")
        if (draws.max("draw") == draws.min("draw")).any():
            raise ConvergenceError(f"a chain of {name} never moved")
    name, worst = _largest(az.rhat(posterior))
    if not worst <= max_rhat:
        raise ConvergenceError(f"R-hat of {name} is {worst:.3f}, at most {max_rhat} allowed")
    for method in ["bulk", "tail"]:
        name, worst = _largest(-az.ess(posterior, method=method))
        if not -worst >= min_ess:
            raise ConvergenceError(
                f"{method} ESS of {name} is {-worst:.0f}, at least {min_ess:g} needed"
            )
    return tree


def _largest(diagnostic: xr.Dataset) -> tuple[str, float]:
    """Label and value of the largest entry; NaN beats all."""
    filled = diagnostic.fillna(np.inf)
    name = max(filled.data_vars, key=lambda variable: float(filled[variable].max()))
    values = filled[name]
    worst = values.isel(values.argmax(list(values.dims)))
    where = ", ".join(str(worst[dim].item()) for dim in values.dims)
    return (f"{name}[{where}]" if where else str(name)), float(worst)
