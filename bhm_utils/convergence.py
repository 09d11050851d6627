"""Has the sampler converged? The gate that every fit of the course passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr


class ConvergenceError(RuntimeError):
    """A sampler or an optimiser has not converged; its numbers are not to be used."""


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
