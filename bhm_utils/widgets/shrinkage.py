"""The means of all groups between complete and no pooling, with the group sd on a slider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from ..plots.style import PALETTE
from .base import PRECISION, WIDTH, Widget, slider, table

if TYPE_CHECKING:
    from ..exact import ExactPosterior

MAX_SD = 40.0


def shrinkage(data: pd.DataFrame, posterior: ExactPosterior, outcome: str) -> Widget:
    r"""Draw the estimate of each group against its own mean, for any group sd.

    .. math::
        \hat\alpha_j = \hat\mu + B_j (\bar y_j - \hat\mu), \qquad
        B_j = \frac{n_j \sigma_\alpha^2}{n_j \sigma_\alpha^2 + \sigma_y^2}, \qquad
        \hat\mu = \frac{\sum_j w_j \bar y_j}{\sum_j w_j}, \quad
        w_j = \frac{n_j}{n_j \sigma_\alpha^2 + \sigma_y^2}

    are posterior means given :math:`\sigma_\alpha`, with :math:`\sigma_y` at its own posterior mean
    and a flat prior of :math:`\mu`. Below them is the exact posterior density of
    :math:`\sigma_\alpha`, which says how much each position of the slider is to be believed.

    Parameters
    ----------
    data : pandas.DataFrame
        One row an individual.
    posterior : ExactPosterior
        Of ``outcome ~ 1 + (1 | group)`` on `data`.
    outcome : str
        Column of `data`.

    Raises
    ------
    ValueError
        If the posterior is of a model with more than a varying intercept.
    """
    design = posterior.design
    if [*design.common, *design.effects] != ["Intercept", "1"]:
        raise ValueError(
            "posterior must be of a varying intercept alone, got one with "
            f"{[*design.common, *design.effects]}"
        )
    by_group = data.groupby(design.group, observed=True)[outcome]
    answer = posterior.group_effects()["total_mean"].droplevel("effect").round(PRECISION)
    groups = pd.DataFrame({"n": by_group.size(), "mean": by_group.mean(), "answer": answer})
    name = design.group_sds[0]
    means = posterior.summary()["mean"]
    sigma_y = round(float(means["sigma"]), PRECISION)
    answer_sd = round(float(means[name]), PRECISION)

    sd = slider("sd", "σ_α (points)", 0, MAX_SD, 0.1, round(answer_sd, 1))
    given = [alt.param(name="sigma_y", value=sigma_y), alt.param(name="answer_sd", value=answer_sd)]
    schools = (
        alt.Chart(table(groups.reset_index(names="school")))
        .transform_calculate(weight="datum.n / (datum.n * sd * sd + sigma_y * sigma_y)")
        .transform_calculate(weighted="datum.weight * datum.mean")
        .transform_joinaggregate(weights="sum(weight)", sums="sum(weighted)")
        .transform_calculate(mu="datum.sums / datum.weights", pull="datum.weight * sd * sd")
        .transform_calculate(estimate="datum.mu + datum.pull * (datum.mean - datum.mu)")
    )
    span = [float(np.floor(groups["mean"].min() / 10) * 10), 100.0]
    scale = alt.Scale(domain=span)
    across = alt.Axis(tickCount=5)
    x = alt.X("mean:Q", title="mean of the school's own scores (%)", scale=scale, axis=across)
    estimate = alt.Y("estimate:Q", title="estimate (%)", scale=scale, axis=across)
    size = alt.Size("n:Q", scale=alt.Scale(domain=[0, 100], range=[12, 260]), legend=None)
    names = ["given σ_α", "posterior mean"]
    key = alt.Scale(domain=names, range=[PALETTE["data"], PALETTE["posterior"]])
    colour = alt.Color("kind:N", scale=key, legend=alt.Legend(columns=2))
    dots = (
        schools.transform_calculate(kind=f"'{names[0]}'")
        .mark_circle(opacity=0.55)
        .encode(x, estimate, size, colour, detail="school:N")
    )
    ticks = (
        schools.transform_calculate(kind=f"'{names[1]}'")
        .mark_tick(orient="horizontal", thickness=2, size=11)
        .encode(x, alt.Y("answer:Q", scale=scale), colour)
    )
    ends = pd.DataFrame({"mean": span, "estimate": span})
    none = alt.Chart(table(ends)).mark_line(strokeDash=[3, 3], color=PALETTE["missing"])
    complete = (
        schools.transform_aggregate(mu="mean(mu)")
        .mark_rule(strokeDash=[8, 4], color=PALETTE["missing"])
        .encode(alt.Y("mu:Q", scale=scale))
    )
    words = alt.Title(text=alt.ExprRef("'σ_α = ' + format(sd, '.1f') + ' points'"))
    upper = (none.encode(x, estimate) + complete + dots + ticks).properties(
        width=WIDTH, height=WIDTH * 0.8, title=words
    )

    grid = np.linspace(0, MAX_SD, 161)[1:]
    density = posterior.density(name, grid).round(PRECISION)
    x = alt.X("value:Q", title="σ_α (points)", scale=alt.Scale(domain=[0, MAX_SD]))
    y = alt.Y("density:Q", title="p(σ_α | y)", axis=alt.Axis(labels=False, ticks=False, grid=False))
    curve = (
        alt.Chart(table(pd.DataFrame({"value": grid, "density": density})))
        .mark_area(color=PALETTE["posterior"], opacity=0.35, line={"color": PALETTE["posterior"]})
        .encode(x, y)
    )
    rule = alt.Chart(alt.InlineData(values=[{}]))
    here = rule.transform_calculate(value="sd").mark_rule(strokeWidth=2, color=PALETTE["data"])
    there = rule.transform_calculate(value="answer_sd").mark_rule(
        strokeWidth=2, strokeDash=[4, 3], color=PALETTE["posterior"]
    )
    lower = (curve + there.encode(x) + here.encode(x)).properties(width=WIDTH, height=90)
    return Widget.of(
        alt.vconcat(upper, lower).add_params(sd, *given),
        "A circle for each school: its estimate against the mean of its own scores, larger for "
        "more students. At a group sd of 0 all circles lie on a horizontal line, far to the right "
        "they reach the diagonal, small schools last. Ticks mark the exact posterior means. Below, "
        "the posterior density of the group sd with the slider's position.",
    )
