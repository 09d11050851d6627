"""Schools compared: pooling, ranks and pairs, from draws of the posterior.

All start from `expected_outcomes`: for each draw and each group the outcome to expect of a member
with given predictors. What is not sure about a rank or a difference is then read off its draws.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr
from scipy.stats import rankdata

from .criticism import require_draws_of
from .model import INTERCEPT
from .tables import summary_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .likelihoods import Gaussian
    from .model import Design

OVER = ["chain", "draw"]


def expected_outcomes(
    tree: xr.DataTree,
    design: Design,
    at: Mapping[str, float | pd.Series[float]],
    likelihood: Gaussian | None = None,
) -> xr.DataArray:
    r"""Compute the outcome to expect of each group at given predictors, draw by draw.

    .. math::
        \theta_j = x_j^\top b + z_j^\top u_j,

    so that :math:`\theta_j = \alpha_j + \beta_j x_j` in a model of one predictor. A likelihood
    that is not symmetric turns this into its own expectation.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws, such as ``BayesFit.tree`` or ``ExactPosterior.sample(...)``.
    design : Design
        The model that they are of.
    at : mapping of str to float or pandas.Series
        Value of each predictor of the model, but the intercept: one for all groups, or one a group
        with the labels as index.
    likelihood : Gaussian, optional
        The likelihood that the draws belong to.

    Returns
    -------
    xarray.DataArray
        Dimensions (chain, draw, group), in the unit of the outcome.

    Raises
    ------
    ValueError
        If `at` leaves a predictor out, names another, or has no finite value for a group; or if
        the draws lack a coefficient or a group of `design`.
    """
    needed = sorted({*design.common, *design.effects} - {INTERCEPT, "1"})
    if sorted(at) != needed:
        raise ValueError(f"at must give values of {needed}, got {sorted(at)}")
    values = dict.fromkeys([INTERCEPT, "1"], np.ones(len(design.labels)))
    for name, value in at.items():
        column = value.reindex(design.labels) if isinstance(value, pd.Series) else value
        values[name] = np.broadcast_to(np.asarray(column, dtype=float), len(design.labels))
        if not np.isfinite(values[name]).all():
            lost = list(design.labels[~np.isfinite(values[name])])
            raise ValueError(f"at[{name!r}] has no finite value for the groups {lost}")
    posterior = tree["posterior"].to_dataset()
    require_draws_of(posterior, design)
    labels = design.labels.to_list()
    if design.varying:
        posterior = posterior.sel({design.group: labels})
    columns = {k: xr.DataArray(v, {design.group: labels}, design.group) for k, v in values.items()}
    names = zip([*design.common, *design.varying], [*design.common, *design.effects], strict=True)
    total = sum(posterior[name] * columns[of] for name, of in names)
    outcomes = xr.DataArray(total).transpose(*OVER, design.group)
    if likelihood is None:
        return outcomes
    sigma = posterior[likelihood.scale_name(design)].broadcast_like(outcomes)
    scale = sigma.transpose(*outcomes.dims).to_numpy()
    return outcomes.copy(data=likelihood.expected(outcomes.to_numpy(), scale))


def summarise_groups(values: xr.DataArray, ci_prob: float = 0.95) -> pd.DataFrame:
    """Posterior mean, sd and equal-tailed interval of each group.

    Parameters
    ----------
    values : xarray.DataArray
        As `expected_outcomes` returns them.
    ci_prob : float, default 0.95
        Probability of the interval.

    Returns
    -------
    pandas.DataFrame
        One row a group, columns as in every summary of this library.

    Raises
    ------
    ValueError
        If `values` has other dimensions, or `ci_prob` is not between 0 and 1.
    """
    group = _group_of(values)
    columns = summary_columns(ci_prob)
    bounds = values.quantile([(1 - ci_prob) / 2, (1 + ci_prob) / 2], dim=OVER)
    rows = [values.mean(OVER), values.std(OVER), *bounds]
    return pd.DataFrame(
        {name: row.to_numpy() for name, row in zip(columns, rows, strict=True)},
        index=pd.Index(values[group].to_numpy(), name=group),
    )


def rank_draws(values: xr.DataArray) -> xr.DataArray:
    """Rank the groups within each draw; 1 is the largest.

    Parameters
    ----------
    values : xarray.DataArray
        As `expected_outcomes` returns them.

    Raises
    ------
    ValueError
        If `values` has other dimensions.
    """
    _group_of(values)
    return values.copy(data=rankdata(-values.to_numpy(), method="ordinal", axis=-1))


def rank_groups(values: xr.DataArray, *, best: int = 10, ci_prob: float = 0.95) -> pd.DataFrame:
    """Posterior of each group's rank, 1 being the largest.

    Parameters
    ----------
    values : xarray.DataArray
        As `expected_outcomes` returns them.
    best : int, default 10
        How many ranks count as the top, and as the bottom.
    ci_prob : float, default 0.95
        Probability of the interval.

    Returns
    -------
    pandas.DataFrame
        One row a group: mean, sd and interval of its rank, and the probabilities ``top`` and
        ``bottom`` that it is among the `best` first and last.

    Raises
    ------
    ValueError
        If `best` is not between 1 and the number of groups, or as for `summarise_groups`.

    References
    ----------
    Goldstein and Spiegelhalter (1996), Journal of the Royal Statistical Society A 159, 385-443.
    """
    ranks = rank_draws(values)
    groups = ranks.sizes[_group_of(values)]
    if not 1 <= best <= groups:
        raise ValueError(f"best must be between 1 and the {groups} groups, got {best!r}")
    return summarise_groups(ranks, ci_prob).assign(
        top=(ranks <= best).mean(OVER).to_numpy(),
        bottom=(ranks > groups - best).mean(OVER).to_numpy(),
    )


def pairwise_difference(
    values: xr.DataArray, first: str, second: str, ci_prob: float = 0.95
) -> pd.Series[float]:
    """Posterior of the difference of two groups, `first` less `second`.

    Parameters
    ----------
    values : xarray.DataArray
        As `expected_outcomes` returns them.
    first, second : str
        Labels of the groups.
    ci_prob : float, default 0.95
        Probability of the interval.

    Returns
    -------
    pandas.Series
        ``mean``, ``sd`` and interval of the difference, ``above``, the probability that it is
        positive, and the Monte Carlo errors ``mcse_mean`` and ``mcse_sd``.

    Raises
    ------
    ValueError
        If a label is unknown or both are the same, or as for `summarise_groups`.
    """
    import arviz as az

    group = _group_of(values)
    known = values[group].to_numpy().tolist()
    if unknown := [label for label in (first, second) if label not in known]:
        raise ValueError(f"there is no {group} {unknown[0]!r}")
    if first == second:
        raise ValueError(f"first and second must differ, got {first!r} twice")
    difference = values.sel({group: first}, drop=True) - values.sel({group: second}, drop=True)
    row = summarise_groups(difference.expand_dims({group: [first]}, axis=-1), ci_prob).iloc[0]
    draws = difference.to_numpy()
    row["above"] = (draws > 0).mean()
    row["mcse_mean"] = float(az.mcse(draws, method="mean"))
    row["mcse_sd"] = float(az.mcse(draws, method="sd"))
    return row.rename(f"{first} - {second}")


def pairwise_probabilities(values: xr.DataArray) -> pd.DataFrame:
    r"""Posterior probability :math:`P(\theta_j > \theta_k)` of each pair of groups.

    Parameters
    ----------
    values : xarray.DataArray
        As `expected_outcomes` returns them.

    Returns
    -------
    pandas.DataFrame, shape (J, J)
        Row j, column k; groups sorted by posterior mean, the largest first. NaN on the diagonal.

    Raises
    ------
    ValueError
        If `values` has other dimensions.
    """
    group = _group_of(values)
    draws = values.to_numpy().reshape(-1, values.sizes[group])
    order = np.argsort(-draws.mean(axis=0))
    draws = np.ascontiguousarray(draws[:, order].T)
    above = np.array([(own > draws).mean(axis=1) for own in draws])
    np.fill_diagonal(above, np.nan)
    labels = pd.Index(values[group].to_numpy()[order], name=group)
    return pd.DataFrame(above, index=labels, columns=labels)


def pooling_estimates(
    tree: xr.DataTree, design: Design, data: pd.DataFrame, ci_prob: float = 0.95
) -> pd.DataFrame:
    """Complete, no and partial pooling of each group, at both values of a predictor that is 0 or 1.

    A line through two points has two heights. Complete pooling is the mean of all rows with this
    value, no pooling the mean of those of the group, partial pooling the posterior.

    Parameters
    ----------
    tree : xarray.DataTree
        Draws, as for `expected_outcomes`.
    design : Design
        The model that they are of, with one predictor.
    data : pandas.DataFrame
        What it was fitted to.
    ci_prob : float, default 0.95
        Probability of the interval of partial pooling.

    Returns
    -------
    pandas.DataFrame
        Index (group, value). ``n``, the number of rows; ``complete``; ``none``, which is NaN where
        there is no row; ``partial``, with ``sd`` and interval bounds.

    Raises
    ------
    ValueError
        If the model has not one predictor, 0 in some rows, 1 in some and nothing else.
    """
    predictors = [name for name in design.common if name != INTERCEPT]
    if len(predictors) != 1 or set(data[predictors[0]]) != {0, 1}:
        raise ValueError(f"design must have one predictor that is 0 or 1, got {predictors}")
    (name,) = predictors
    labels = data[design.group].astype(str)
    complete = data.groupby(name)[design.outcome].mean()
    own = data.groupby([labels, name])[design.outcome].agg(["size", "mean"])
    tables = {}
    for value in (0, 1):
        table = summarise_groups(expected_outcomes(tree, design, {name: value}), ci_prob)
        table = table.rename(columns={"mean": "partial"})
        cells = own.xs(value, level=name).reindex(table.index)
        table.insert(0, "none", cells["mean"])
        table.insert(0, "complete", complete[value])
        table.insert(0, "n", cells["size"].fillna(0).astype(int))
        tables[value] = table
    return pd.concat(tables, names=[name]).swaplevel().sort_index()


def _group_of(values: xr.DataArray) -> str:
    """Name of the dimension that is neither chain nor draw."""
    if len(values.dims) != 3 or list(values.dims[:2]) != OVER:
        raise ValueError(f"values must have dimensions chain, draw and a group, got {values.dims}")
    return str(values.dims[2])
