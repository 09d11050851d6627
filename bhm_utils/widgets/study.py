"""The study of priors: for any process, size and prior its posteriors, bias and coverage."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from ..exact import exact_posterior
from ..plots.style import PALETTE
from ..priors import PRIOR_DESIGNS
from ..simulate import SLOPE_FORMULA, SlopeDesign, Truth
from ..study import study_table
from .base import PRECISION, WIDTH, Widget, menu, table

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr

    from ..priors import Priors

PARAMETER = "x:u"  # gamma_1
REPLICATES, POINTS = 8, 41
DENSITY_DECIMALS = 4
PROCESSES = {"dgp1": "1: not centred", "dgp2": "2: centred"}


def prior_study(
    studies: Mapping[str, xr.Dataset], priors: Mapping[str, Priors] = PRIOR_DESIGNS
) -> Widget:
    r"""Choose a process, a size and a prior; see posteriors of :math:`\gamma_1` and the criteria.

    Above are the exact posterior densities in the first eight replicates, below the bias and the
    coverage of 95% intervals over all replicates under every prior, with two Monte Carlo errors.

    Parameters
    ----------
    studies : mapping of str to xarray.Dataset
        Designs, named as in `STUDY_DESIGNS`, to results of `run_study`.
    priors : mapping of str to Priors
        The priors of the studies.

    Raises
    ------
    ValueError
        If a study has another set of priors.
    """
    for name, study in studies.items():
        if list(study["prior"].values) != list(priors):
            raise ValueError(
                f"studies[{name!r}] must have the priors {list(priors)}, "
                f"got {list(study['prior'].values)}"
            )
    found = {name.split("-", 1)[0] for name in studies}
    sizes = list(dict.fromkeys(name.split("-", 1)[1] for name in studies))
    processes = [process for process in PROCESSES if process in found]
    controls = [
        menu("process", "process", processes, processes[0], [PROCESSES[p] for p in processes]),
        menu("size", "groups, size of each", sizes, sizes[0], [in_words(size) for size in sizes]),
        menu("prior", "prior", list(priors), next(iter(priors))),
    ]
    chosen = "datum.design == process + '-' + size"

    curves = pd.concat([densities(name, study, priors) for name, study in studies.items()])
    replicates = [str(name) for name in curves if str(name).startswith("r")]
    truth = (
        alt.Chart(alt.InlineData(values=[{"value": Truth().gamma_1}]))
        .mark_rule(strokeDash=[5, 3], color=PALETTE["truth"])
        .encode(alt.X("value:Q", title="γ1"))
    )
    bundle = (
        alt.Chart(table(curves))
        .transform_filter(f"{chosen} && datum.prior == prior")
        .transform_fold([*replicates], as_=["replicate", "density"])
        .mark_line(color=PALETTE["posterior"], strokeWidth=1.2, opacity=0.6)
        .encode(
            alt.X("value:Q", title="γ1", scale=alt.Scale(zero=False, nice=False)),
            alt.Y(
                "density:Q", title="density", axis=alt.Axis(labels=False, ticks=False, grid=False)
            ),
            detail="replicate:N",
        )
    )
    upper = (bundle + truth).properties(width=WIDTH - 70, height=150)

    criteria = alt.Chart(table(judged(studies))).transform_filter(chosen)
    panels = [
        criterion(criteria, list(priors), "bias", "bias of γ1", 0.0),
        criterion(criteria, list(priors), "coverage", "coverage of 95% intervals", 0.95),
    ]
    return Widget.of(
        alt.vconcat(upper, *panels).add_params(*controls),
        "Posterior densities of gamma 1 in eight replicates around the true value 1, and two rows "
        "of dots with bars for five priors: bias and coverage, with twice their Monte Carlo error. "
        "Menus choose the process, the size and the prior.",
    )


def criterion(
    criteria: alt.Chart, priors: list[str], name: str, title: str, aim: float
) -> alt.LayerChart:
    """One dot a prior, with twice its Monte Carlo error to either side; the chosen one filled."""
    x = alt.X(f"{name}:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=6))
    y = alt.Y("prior:N", title=None, sort=priors)
    colour = alt.condition(
        "datum.prior == prior", alt.value(PALETTE["posterior"]), alt.value(PALETTE["missing"])
    )
    bars = (
        criteria.transform_calculate(
            low=f"datum.{name} - 2 * datum.{name}_mcse",
            high=f"datum.{name} + 2 * datum.{name}_mcse",
        )
        .mark_rule(strokeWidth=2)
        .encode(alt.X("low:Q"), y, x2="high:Q", color=colour)
    )
    dots = criteria.mark_point(filled=True, size=50, opacity=1).encode(x, y, color=colour)
    goal = (
        alt.Chart(alt.InlineData(values=[{name: aim}]))
        .mark_rule(strokeDash=[5, 3], color=PALETTE["truth"])
        .encode(x)
    )
    layers: alt.LayerChart = goal + bars + dots
    return layers.properties(width=WIDTH - 70, height=90)


def judged(studies: Mapping[str, xr.Dataset]) -> pd.DataFrame:
    """Bias and coverage of `PARAMETER`, one row a design and prior."""
    wanted = ["bias", "bias_mcse", "coverage", "coverage_mcse"]
    tables = {
        name: study_table(study).xs(PARAMETER, level="parameter")[wanted]
        for name, study in studies.items()
    }
    return pd.concat(tables, names=["design"]).round(PRECISION).reset_index()


def densities(design: str, study: xr.Dataset, priors: Mapping[str, Priors]) -> pd.DataFrame:
    """Exact densities of `PARAMETER`: one column a replicate, one grid a prior."""
    story = json.loads(study.attrs["study"])
    plan = SlopeDesign(**story["design"])
    rng = np.random.default_rng(story["seed"])
    simulation = plan.simulate(Truth(**story["truth"]), replicates=story["replicates"], rng=rng)
    rows = []
    for name, prior in priors.items():
        posterior = exact_posterior(
            SLOPE_FORMULA, simulation.data, priors=prior, outcomes=simulation.outcomes[:REPLICATES]
        )
        ends = posterior.quantile(PARAMETER, [0.01, 0.99])
        grid = np.linspace(ends.min(), ends.max(), POINTS).round(DENSITY_DECIMALS)
        values = posterior.density(PARAMETER, grid).round(DENSITY_DECIMALS)
        columns = {f"r{k + 1}": row for k, row in enumerate(values)}
        rows.append(pd.DataFrame({"design": design, "prior": name, "value": grid, **columns}))
    return pd.concat(rows)


def in_words(size: str) -> str:
    """J10-N200: 10 groups of 200."""
    groups, members = size.split("-")
    return f"J = {groups[1:]}, N = {members[1:]}"
