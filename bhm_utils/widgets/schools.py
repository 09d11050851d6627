"""Any two schools compared: their difference, and the rank of each among all."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from ..plots.style import PALETTE
from .base import WIDTH, Widget, menu, table

if TYPE_CHECKING:
    from ..exact import ExactPosterior

DRAWS = 500
DECIMALS = 2  # of a draw, in points: ties are rare
COLOURS = {"first": PALETTE["posterior"], "second": PALETTE["ML"]}


def two_schools(posterior: ExactPosterior, first: str, second: str, seed: int = 11) -> Widget:
    r"""Compare the intercepts :math:`\alpha_j` of two schools, and their ranks among all.

    All numbers come from 500 independent draws of the joint posterior, which the chart carries: the
    difference of two schools and the rank of each are found draw by draw. Rank 1 is the highest.

    Parameters
    ----------
    posterior : ExactPosterior
        Of a model with an intercept that varies by school.
    first, second : str
        The schools to start with.
    seed : int, default 11
        Seed of the draws.

    Raises
    ------
    ValueError
        If there is no such school.
    """
    draws = intercepts(posterior, seed)
    labels = [str(label) for label in draws]
    for argument, label in [("first", first), ("second", second)]:
        if label not in labels:
            raise ValueError(f"{argument} must be one of {len(labels)} schools, got {label!r}")
    controls = [
        menu("first", "first school", labels, first),
        menu("second", "second school", labels, second),
    ]
    source = alt.Chart(table(draws.rename_axis("draw").reset_index()))
    apart = source.transform_calculate(difference="datum[first] - datum[second]")
    bars = (
        apart.transform_calculate(low="floor(datum.difference)", high="datum.low + 1")
        .transform_aggregate(count="count()", groupby=["low", "high"])
        .transform_calculate(
            share=f"datum.count / {DRAWS}", ahead="datum.low >= 0 ? 'first' : 'second'"
        )
        .mark_bar(binSpacing=1)
        .encode(
            alt.X(
                "low:Q", bin="binned", title="first − second (points)", axis=alt.Axis(tickCount=8)
            ),
            alt.Y("share:Q", title="share of draws"),
            school_colour("ahead"),
            x2="high:Q",
        )
    )
    words = (
        apart.transform_calculate(ahead="datum.difference > 0 ? 1 : 0")
        .transform_aggregate(
            mean="mean(difference)", sd="stdev(difference)", probability="mean(ahead)"
        )
        .transform_calculate(
            error=f"sqrt(datum.probability * (1 - datum.probability) / {DRAWS})",
            words="'mean ' + format(datum.mean, '.1f') + ', sd ' + format(datum.sd, '.1f')"
            " + ', P(first ahead) = ' + format(datum.probability, '.2f')"
            " + ' ± ' + format(datum.error, '.2f')",
        )
        .mark_text(x=0, y=-8)
        .encode(text="words:N", detail=["mean:Q", "sd:Q", "probability:Q", "error:Q"])
    )
    upper = (bars + words).properties(width=WIDTH, height=140)

    ranks = (
        source.transform_fold([*labels], as_=["school", "value"])
        .transform_window(
            rank="rank()", groupby=["draw"], sort=[alt.SortField("value", order="descending")]
        )
        .transform_filter("datum.school == first || datum.school == second")
        .transform_aggregate(count="count()", groupby=["school", "rank"])
        .transform_calculate(
            share=f"datum.count / {DRAWS}", role="datum.school == first ? 'first' : 'second'"
        )
        .mark_bar(opacity=0.65, width=3.5)
        .encode(
            alt.X(
                "rank:Q",
                title=f"rank among {len(labels)} schools, 1 the highest",
                scale=alt.Scale(domain=[1, len(labels)], nice=False),
            ),
            alt.Y("share:Q", title="share of draws", stack=None),
            school_colour("role"),
            detail="school:N",
        )
        .properties(width=WIDTH, height=110)
    )
    return Widget.of(
        alt.vconcat(upper, ranks).add_params(*controls),
        "Above, a histogram of the difference between two schools in 500 draws, with its mean, its "
        "sd and the probability that the first is ahead. Below, histograms of the ranks of both "
        "among all schools, which are wide: a school's place is uncertain by tens of ranks.",
    )


def school_colour(field: str) -> alt.Color:
    """Blue for the first school, orange for the second."""
    scale = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    return alt.Color(f"{field}:N", scale=scale, legend=alt.Legend(columns=2))


def intercepts(posterior: ExactPosterior, seed: int) -> pd.DataFrame:
    """Draw the intercepts of all schools jointly: a row a draw, a column a school."""
    design = posterior.design
    tree = posterior.sample(DRAWS, chains=1, rng=np.random.default_rng(seed))
    sampled = tree["posterior"].dataset.isel(chain=0)
    values = sampled["Intercept"] + sampled[f"1|{design.group}"]
    columns = [str(label) for label in design.labels]
    return pd.DataFrame(values.to_numpy().round(DECIMALS), columns=columns)
