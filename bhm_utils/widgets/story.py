"""From one line for all students to a line for each school, its uncertainty, and the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from ..exact import exact_posterior
from ..plots.style import COURSE, PALETTE
from ..pooling import separate_lines
from .base import PRECISION, WIDTH, Widget, menu, slider, table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..exact import ExactPosterior
    from ..priors import Priors

    Array = NDArray[np.float64]

STEPS = {
    "The prior: lines that we think possible": "prior",
    "Complete pooling: one line for all": "data",
    "No pooling: each school alone": "ML",
    "Varying intercepts: lines in parallel": "Bayes",
    "Varying intercepts and slopes": "Bayes",
    "The same, with 95% intervals": "Bayes",
}
POOLED = "course ~ female"
PARALLEL = "course ~ female + (1 | school)"
FULL = "course ~ female + (1 + female | school)"
DRAWS = 4000
ENDS = [0, 1]  # boys, girls


def pooling_story(data: pd.DataFrame, priors: Priors, school: str, seed: int = 9) -> Widget:
    r"""Tell in six steps how the lines of all schools, from boys to girls, come about.

    Prior draws, complete pooling, least squares in each school, posterior means with a varying
    intercept, with a varying slope too, and the 95% intervals of these.

    Parameters
    ----------
    data : pandas.DataFrame
        From `load_gcse`, with the outcome ``course``.
    priors : Priors
        Of ``course ~ female + (1 + female | school)``, proper but for the correlation.
    school : str
        The school to point out first.
    seed : int, default 9
        Seed of the draws that step 1 shows and step 6 summarises.

    Raises
    ------
    ValueError
        If there is no such school.
    """
    labels = [str(label) for label in data["school"].cat.categories]
    if school not in labels:
        raise ValueError(f"school must be one of the {len(labels)} in data, got {school!r}")
    step = slider("step", "step", 1, len(STEPS), 1, len(STEPS))
    which = menu("school", "school", labels, school)
    titles = alt.param(name="titles", value=list(STEPS))

    colours = [PALETTE[name] for name in STEPS.values()]
    scale = alt.Scale(domain=list(range(1, len(STEPS) + 1)), range=colours)
    colour = alt.Color("step:O", scale=scale, legend=None)
    across = alt.Scale(domain=[-0.25, 1.25])
    x = alt.X(
        "female:Q",
        title=None,
        scale=across,
        axis=alt.Axis(values=ENDS, labelExpr="datum.value ? 'girls' : 'boys'", grid=False),
    )
    y = alt.Y("score:Q", title=COURSE, scale=alt.Scale(domain=[20, 110]))
    now = alt.Chart(table(story_lines(data, priors, seed))).transform_filter("datum.step == step")
    mine = now.transform_filter("datum.school == school")
    everyone = now.mark_line(opacity=0.35, strokeWidth=1, clip=True).encode(
        x, y, colour, detail="school:N"
    )
    own = mine.mark_line(strokeWidth=4, clip=True).encode(x, y, colour)
    interval = mine.transform_filter("datum.step == 6")
    band = interval.mark_area(opacity=0.3).encode(x, alt.Y("low:Q"), colour, y2="high:Q")
    students = (
        alt.Chart(table(jittered(data)))
        .transform_filter("step > 1 && datum.school == school")
        .mark_circle(color=PALETTE["data"], size=22, opacity=0.6)
        .encode(alt.X("at:Q", scale=across), y)
    )
    possible = (
        alt.Chart(alt.InlineData(values=[{"score": 100}]))
        .mark_rule(color=PALETTE["missing"], strokeDash=[3, 3])
        .encode(y)
    )
    chart = (
        (possible + everyone + band + own + students)
        .properties(width=WIDTH, height=300, title=alt.Title(text=alt.ExprRef("titles[step - 1]")))
        .add_params(step, which, titles)
    )
    return Widget.of(
        chart,
        "Lines from the mean score of boys to that of girls, one a school, in six steps. Prior "
        "lines go everywhere, many beyond the highest possible score. Then there is one line for "
        "all, then a tangle of lines of single schools, then parallel lines, then lines of "
        "different slope, less tangled, and last the interval around the line of a chosen school "
        "with its students.",
    )


def story_lines(data: pd.DataFrame, priors: Priors, seed: int) -> pd.DataFrame:
    """Compute all lines: columns step, school, female, score, low and high."""
    labels = data["school"].cat.categories
    alone = data.groupby("school", observed=True)["female"].nunique() == 2
    both = data[data["school"].isin(labels[alone.to_numpy()])]
    own = separate_lines(both, outcome="course", x="female", group="school")
    pooled = exact_posterior(POOLED, data, priors=priors).summary()["mean"]
    parallel, full = (exact_posterior(f, data, priors=priors) for f in (PARALLEL, FULL))
    means = posterior_lines(full)
    draws = prior_lines(priors, len(labels), np.random.default_rng(seed))
    parts = [
        ends(1, [f"draw {k + 1}" for k in range(len(draws))], draws),
        ends(2, labels, np.tile(pooled[["Intercept", "female"]], (len(labels), 1))),
        ends(3, own.index, own.to_numpy()),
        ends(4, labels, posterior_lines(parallel)),
        ends(5, labels, means),
        ends(6, labels, means, intervals(full, seed)),
    ]
    return pd.concat(parts).round(PRECISION)


def ends(
    step: int, labels: pd.Index | list[str], lines: Array, spread: Array | None = None
) -> pd.DataFrame:
    """Both ends of lines (J, 2), given as intercept and slope, with intervals (2, J, 2)."""
    score = np.column_stack([lines[:, 0], lines.sum(axis=1)])
    low, high = (np.full_like(score, np.nan),) * 2 if spread is None else spread
    return pd.DataFrame(
        {
            "step": step,
            "school": np.repeat(np.asarray(labels, dtype=str), 2),
            "female": np.tile(ENDS, len(labels)),
            "score": score.ravel(),
            "low": low.ravel(),
            "high": high.ravel(),
        }
    )


def posterior_lines(posterior: ExactPosterior) -> Array:
    """Posterior mean of the intercept and slope of each school: (J, 2)."""
    common = posterior.summary()["mean"]
    total = posterior.group_effects()["total_mean"].unstack("effect")
    slope = total.get("female|school", common["female"])
    return np.column_stack([total["1|school"], np.broadcast_to(slope, len(total))])


def intervals(posterior: ExactPosterior, seed: int) -> Array:
    """Compute 2.5% and 97.5% quantiles of the means of boys and of girls of each school."""
    tree = posterior.sample(DRAWS, chains=1, rng=np.random.default_rng(seed))
    draws = tree["posterior"].dataset.isel(chain=0)
    boys = draws["Intercept"] + draws["1|school"]
    girls = boys + draws["female"] + draws["female|school"]
    means = np.stack([boys.to_numpy(), girls.to_numpy()], axis=-1)  # (draw, J, 2)
    return np.asarray(np.quantile(means, [0.025, 0.975], axis=0))


def prior_lines(priors: Priors, number: int, rng: np.random.Generator) -> Array:
    """Draw lines (number, 2), each of a school of another world, from the prior of `FULL`."""
    mean = [priors.common_prior(name) for name in ["Intercept", "female"]]
    sds = [
        priors.group_sd_prior(name).rvs(number, random_state=rng)
        for name in ["1|school", "female|school"]
    ]
    eta = priors.correlation_eta
    rho = np.zeros(number) if eta is None else 2 * rng.beta(eta, eta, number) - 1
    z = rng.normal(size=(4, number))
    effects = [z[2], rho * z[2] + np.sqrt(1 - rho**2) * z[3]]
    lines = [m.mean + m.sd * z[k] + sds[k] * effects[k] for k, m in enumerate(mean)]
    return np.column_stack(lines)


def jittered(data: pd.DataFrame) -> pd.DataFrame:
    """Spread the students of a school and gender sideways, in the order of the file."""
    groups = data.groupby(["school", "female"], observed=True)["course"]
    order, size = groups.cumcount(), groups.transform("size")
    at = data["female"] + 0.2 * ((order + 0.5) / size - 0.5)
    return pd.DataFrame(
        {"school": data["school"].astype(str), "at": at.round(3), "score": data["course"]}
    )
