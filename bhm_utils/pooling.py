"""A line for each group, by complete, no and partial pooling, and how far it is from the truth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .exact import exact_posterior
from .simulate import SCHOOL_FORMULA

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .engines.fits import Fit
    from .exact import ExactPosterior
    from .priors import Priors
    from .simulate import SchoolSimulation

COLUMNS = ["intercept", "slope"]
# What partial pooling can mean for a school system: without and with the group-level predictor.
PARTIAL = {
    "partial": "score ~ income + (1 + income | school)",
    "partial + teachers": SCHOOL_FORMULA,
}


def separate_lines(data: pd.DataFrame, *, outcome: str, x: str, group: str) -> pd.DataFrame:
    """Fit a least-squares line to each group alone: no pooling.

    Parameters
    ----------
    data : pandas.DataFrame
        One row an individual.
    outcome, x, group : str
        Columns of `data`.

    Returns
    -------
    pandas.DataFrame
        Columns ``intercept`` and ``slope``, one row a group.

    Raises
    ------
    ValueError
        If `x` takes a single value in a group, which then has no line.
    """
    groups = data.groupby(group, observed=True)
    bad = groups[x].nunique() < 2
    if bad.any():
        raise ValueError(f"x takes a single value in the group {bad.idxmax()!r}")
    centred = data[[x, outcome]] - groups[[x, outcome]].transform("mean")
    sums = pd.DataFrame({"xx": centred[x] ** 2, "xy": centred[x] * centred[outcome]})
    sums = sums.groupby(data[group], observed=True).sum()
    slope = sums["xy"] / sums["xx"]
    means = groups[[x, outcome]].mean()
    return pd.DataFrame({"intercept": means[outcome] - slope * means[x], "slope": slope})


def group_lines(
    fit: Fit | ExactPosterior, *, x: str, u: pd.Series[float] | None = None
) -> pd.DataFrame:
    r"""Posterior mean of the line of each group.

    .. math::
        \alpha_j & = \gamma_{0\alpha} + \gamma_\alpha u_j + \eta_{\alpha j} \\
        \beta_j & = \gamma_{0\beta} + \gamma_\beta u_j + \eta_{\beta j}

    What the model does not have counts as 0. Means add, so these are the exact means of the sums.

    Parameters
    ----------
    fit
        Of a model with varying effects.
    x : str
        Name of the predictor whose slope the line has.
    u : pandas.Series, optional
        The predictor of each group: labels as index, its column in the formula as name.

    Returns
    -------
    pandas.DataFrame
        Columns ``intercept`` and ``slope``, one row a group.

    Raises
    ------
    ValueError
        If the model has no varying effects, a coefficient that no line has a place for, or groups
        that `u` lacks.
    """
    design = fit.design
    effects = fit.group_effects()["mean"].unstack("effect")
    name = str(u.name) if u is not None else ""
    places = {"Intercept", x} | ({name, f"{x}:{name}"} if u is not None else set())
    lost = sorted(set(design.common) - places)
    if lost:
        raise ValueError(f"the model has {lost}, which are no part of a line in {x!r} and u")
    if u is not None and not set(effects.index) <= set(u.index):
        raise ValueError(f"u lacks the groups {sorted(set(effects.index) - set(u.index))}")
    common = fit.summary()["mean"]
    of_group = u[effects.index] if u is not None else 0.0
    lines = {}
    for column, base, moved, effect in [
        ("intercept", "Intercept", name, "1"),
        ("slope", x, f"{x}:{name}", x),
    ]:
        deviation = effects.get(f"{effect}|{design.group}", 0.0)
        lines[column] = common.get(base, 0.0) + common.get(moved, 0.0) * of_group + deviation
    return pd.DataFrame(lines, index=effects.index)


def pooling_errors(
    simulation: SchoolSimulation, *, priors: Priors, partial: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Estimate the line of every school in every replicate, and subtract the true one.

    Complete pooling is the posterior mean of ``score ~ income``, no pooling is least squares in
    each school, partial pooling the posterior mean of a hierarchical model.

    Parameters
    ----------
    simulation : SchoolSimulation
        Scores with known lines.
    priors : Priors
        The priors of all models.
    partial : mapping of str to str, optional
        Names and formulas of the hierarchical models; `PARTIAL` by default.

    Returns
    -------
    pandas.DataFrame
        Index (method, replicate, school), columns ``intercept`` and ``slope``, in points.
    """
    partial = PARTIAL if partial is None else partial
    u, data = simulation.teachers, simulation.data
    errors = {}
    for r, scores in enumerate(simulation.outcomes):
        rows = data.assign(score=scores)
        pooled = exact_posterior("score ~ income", rows, priors=priors).summary()["mean"]
        one = pooled[["Intercept", "income"]].to_numpy()
        lines = {
            "complete": pd.DataFrame(np.tile(one, (len(u), 1)), index=u.index, columns=COLUMNS),
            "none": separate_lines(rows, outcome="score", x="income", group="school"),
        }
        for name, formula in partial.items():
            posterior = exact_posterior(formula, rows, priors=priors)
            lines[name] = group_lines(posterior, x="income", u=u)
        truth = np.column_stack([simulation.intercepts[r], simulation.slopes[r]])
        for name, line in lines.items():
            errors[name, r] = line.loc[u.index] - truth
    return pd.concat(errors, names=["method", "replicate"]).sort_index()


def root_mean_square(errors: pd.DataFrame) -> pd.DataFrame:
    """Summarise `pooling_errors`: root mean square error over schools, with its Monte Carlo error.

    Replicates are independent, schools within one are not; so the Monte Carlo error comes from the
    replicates' mean squares, by the delta method.

    Returns
    -------
    pandas.DataFrame
        One row a method; columns (``intercept`` or ``slope``, ``mean`` or ``sd``).
    """
    squares = (errors**2).groupby(level=["method", "replicate"]).mean()
    by_method = squares.groupby(level="method")
    rmse = np.sqrt(by_method.mean())
    mcse = by_method.std() / np.sqrt(by_method.count()) / (2 * rmse)
    table = pd.concat({"mean": rmse, "sd": mcse}, axis=1).swaplevel(axis=1)
    ordered: pd.DataFrame = table.reindex(
        columns=pd.MultiIndex.from_product([errors.columns, ["mean", "sd"]])
    )
    return ordered
