"""A fitted model against the data: what it would have produced, and how well it predicts."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from .exact import exact_posterior
from .likelihoods import Gaussian, by_row
from .misfit import STATISTICS
from .model import Design

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import NDArray

    from .misfit import Statistic
    from .priors import Priors

    Array = NDArray[np.float64]


def stacked(tree: xr.DataTree, draws: int | None = None) -> xr.Dataset:
    """Put the chains of a posterior into one dimension, ``sample``.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws of any engine.
    draws : int, optional
        Keep so many, spread evenly over all; all by default.

    Raises
    ------
    ValueError
        If `draws` is not between 1 and what there is.
    """
    posterior = tree["posterior"].to_dataset().stack(sample=["chain", "draw"])
    size = posterior.sizes["sample"]
    if draws is None:
        return posterior
    if not 1 <= draws <= size:
        raise ValueError(f"draws must be between 1 and {size}, got {draws!r}")
    return posterior.isel(sample=np.linspace(0, size - 1, draws).astype(int))


def require_draws_of(posterior: xr.Dataset, design: Design) -> None:
    """Refuse draws that cannot be of `design`.

    Raises
    ------
    ValueError
        If they lack one of its coefficients, or one of its groups.
    """
    absent = [name for name in (*design.common, *design.varying) if name not in posterior]
    if absent:
        raise ValueError(f"posterior lacks {absent}, which design has")
    if design.varying:
        strange = sorted(set(design.labels) - set(posterior[design.group].to_numpy()))
        if strange:
            raise ValueError(f"posterior lacks the groups {strange}, which design has")


def linear_predictor(posterior: xr.Dataset, design: Design) -> Array:
    r"""Compute :math:`\mu_i = x_i^\top b + z_i^\top u_{j[i]}` of each row under each draw.

    Parameters
    ----------
    posterior : xarray.Dataset
        S draws, as `stacked` makes them.
    design : Design
        The rows; they need not be those of the fit.

    Returns
    -------
    numpy.ndarray, shape (S, N)

    Raises
    ------
    ValueError
        If the draws lack a coefficient or a group of `design`.
    """
    require_draws_of(posterior, design)
    mean = np.zeros((posterior.sizes["sample"], len(design.y)))
    for k, name in enumerate(design.common):
        mean += posterior[name].to_numpy()[:, None] * design.X[:, k]
    for i, name in enumerate(design.varying):
        mean += by_row(posterior, name, design) * design.Z[:, i]
    return mean


def replicate(
    tree: xr.DataTree,
    design: Design,
    likelihood: Gaussian,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Array:
    """Simulate the scores of the same students in the same schools, once for each draw.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws of any engine.
    design : Design
        The rows to simulate; they need not be those of the fit.
    likelihood : Gaussian
        The likelihood that the draws belong to.
    draws : int
        How many draws to use, S.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    numpy.ndarray, shape (S, N)

    Raises
    ------
    ValueError
        As `stacked` and `linear_predictor` say.
    """
    posterior = stacked(tree, draws)
    return likelihood.simulate(linear_predictor(posterior, design), posterior, design, rng)


def expected_gap(tree: xr.DataTree, likelihood: Gaussian, x: str) -> Array:
    r"""Subtract the expected score at x = 0 from that at x = 1, all varying effects 0: (S,).

    This is the coefficient of `x` where the likelihood is symmetric. Where a bound cuts it off, the
    coefficient lives on a scale that nobody sees, and this is what it means for the scores.

    Raises
    ------
    ValueError
        If the draws lack ``Intercept``, ``sigma`` or `x`.
    """
    posterior = stacked(tree)
    if absent := [name for name in ("Intercept", "sigma", x) if name not in posterior]:
        raise ValueError(f"tree must have draws of {absent}, got {list(posterior)}")
    low, sigma = posterior["Intercept"].to_numpy(), posterior["sigma"].to_numpy()
    high = low + posterior[x].to_numpy()
    return likelihood.expected(high, sigma) - likelihood.expected(low, sigma)


def with_log_likelihood(tree: xr.DataTree, design: Design, likelihood: Gaussian) -> xr.DataTree:
    """Put the log density of each score beside the draws, as ``arviz.loo`` wants it.

    Parameters
    ----------
    tree, design, likelihood
        As for `replicate`; the rows must be those of the fit.

    Returns
    -------
    xarray.DataTree
        Groups ``posterior`` and ``log_likelihood``.
    """
    import arviz as az

    posterior = stacked(tree)
    values = likelihood.logpdf(linear_predictor(posterior, design), posterior, design)
    sizes = tree["posterior"].sizes
    shape = sizes["chain"], sizes["draw"], len(design.y)
    result: xr.DataTree = az.from_dict({"log_likelihood": {design.outcome: values.reshape(shape)}})
    result["posterior"] = tree["posterior"].to_dataset()
    return result


def leave_one_out(tree: xr.DataTree, design: Design, likelihood: Gaussian) -> Any:
    """Estimate by PSIS-LOO how well each score is predicted from the others.

    ArviZ warns of large Pareto k. Here it does not: look at ``pareto_k`` of the result.

    Parameters
    ----------
    tree, design, likelihood
        As for `replicate`; the rows must be those of the fit.

    Returns
    -------
    arviz.ELPDData
        Pointwise: ``elpd_i`` and ``pareto_k`` have one value a row of `design`.

    References
    ----------
    Vehtari, Gelman and Gabry (2017), Statistics and Computing 27, 1413-1432.
    """
    import arviz as az

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Estimated shape parameter of Pareto")
        return az.loo(with_log_likelihood(tree, design, likelihood), pointwise=True)


def left_out(
    formula: str,
    data: pd.DataFrame,
    row: int,
    *,
    priors: Priors,
    rng: np.random.Generator,
    draws: int = 8000,
) -> float:
    """Compute the log predictive density of one score by a fit of the normal model without it.

    It is what `leave_one_out` estimates, by brute force.

    Parameters
    ----------
    formula, data, priors
        As for `exact_posterior`.
    row : int
        Position of the score in `data`; others of its group must stay.
    rng : numpy.random.Generator
        Where the randomness comes from.
    draws : int
        How many draws to average the density over.

    Raises
    ------
    ValueError
        If there is no such row, or nothing is left of its group.
    """
    design = Design.from_formula(formula, data)
    alone = design.take([row])
    rest = data.drop(index=data.index[row]).astype({design.group: str})
    posterior = stacked(
        exact_posterior(formula, rest, priors=priors).sample(draws, chains=1, rng=rng)
    )
    density = Gaussian().logpdf(linear_predictor(posterior, alone), posterior, alone)
    return float(np.log(np.exp(density).mean()))


def predictive_check(
    replicates: Array, design: Design, *, statistics: Mapping[str, Statistic] | None = None
) -> pd.DataFrame:
    """Hold statistics of the data against those of data that the model would have produced.

    Parameters
    ----------
    replicates : numpy.ndarray, shape (S, N)
        Scores by `replicate`.
    design : Design
        The rows, with the observed scores.
    statistics : mapping of str to callable, optional
        Functions of scores (..., N) and the design; `STATISTICS` by default.

    Returns
    -------
    pandas.DataFrame
        One row a statistic: ``observed``; mean and 95% interval of the replicates,
        ``replicated``, ``lower``, ``upper``; and ``p``, the posterior predictive p-value: the share
        of replicates whose statistic is at least the observed one.

    Raises
    ------
    ValueError
        If `replicates` has not one column a row of `design`.

    References
    ----------
    Gelman, Meng and Stern (1996), Statistica Sinica 6, 733-760.
    """
    if replicates.ndim != 2 or replicates.shape[1] != len(design.y):
        raise ValueError(f"replicates must have shape (S, {len(design.y)}), got {replicates.shape}")
    rows = {}
    for name, statistic in (STATISTICS if statistics is None else statistics).items():
        observed, values = float(statistic(design.y, design)), statistic(replicates, design)
        lower, upper = np.quantile(values, [0.025, 0.975])
        rows[name] = {
            "observed": observed,
            "replicated": values.mean(),
            "lower": lower,
            "upper": upper,
            "p": (values >= observed).mean(),
        }
    return pd.DataFrame(rows).T
