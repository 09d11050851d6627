"""Prior, data and posterior of a mean, with all that moves them on sliders."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt

from ..plots.style import PALETTE
from .base import WIDTH, Widget, slider

if TYPE_CHECKING:
    from ..conjugate import Normal

CURVES = ["prior", "likelihood", "posterior"]
COLOUR = alt.Color(
    "curve:N",
    scale=alt.Scale(domain=CURVES, range=[PALETTE[name] for name in CURVES]),
    legend=alt.Legend(columns=3),
)
DASH = alt.StrokeDash("curve:N", scale=alt.Scale(domain=CURVES, range=[[6, 4], [2, 2], [1, 0]]))


def prior_to_posterior(prior: Normal, n: int, mean: float, noise_sd: float) -> Widget:
    r"""Move prior, sample size and noise, and see the posterior and the weight of the data move.

    .. math::
        \mu \mid y \sim \mathcal{N}\bigl(\alpha \bar y + (1 - \alpha) \mu_0, \;
        (n / \sigma^2 + 1 / \sigma_0^2)^{-1}\bigr), \qquad
        \alpha = \frac{n}{n + \sigma^2 / \sigma_0^2}

    Parameters
    ----------
    prior : Normal
        Where the prior starts: a mean from 40 to 100, an sd from 1 to 30.
    n : int
        Number of scores to start with, from 0 to 100.
    mean : float
        Their mean :math:`\bar y`, which stays.
    noise_sd : float
        Spread of the scores to start with, from 1 to 30.

    Raises
    ------
    ValueError
        If a slider cannot start there.
    """
    sliders = [
        slider("mu_0", "prior mean μ₀", 40, 100, 1, 70),
        slider("sigma_0", "prior sd σ₀", 1, 30, 0.5, 10),
        slider("n", "number of scores n", 0, 100, 1, 10),
        slider("sigma", "noise sd σ", 1, 30, 0.5, 10),
    ]
    derived = [
        alt.param(name="ybar", value=float(mean)),
        alt.param(name="alpha", expr="n / (n + pow(sigma / sigma_0, 2))"),
        alt.param(name="centre", expr="alpha * ybar + (1 - alpha) * mu_0"),
        alt.param(name="spread", expr="1 / sqrt(n / pow(sigma, 2) + 1 / pow(sigma_0, 2))"),
    ]
    normals = (
        alt.Chart(alt.InlineData(values=[{"curve": name} for name in CURVES]))
        .transform_calculate(
            mean="{prior: mu_0, likelihood: ybar, posterior: centre}[datum.curve]",
            sd="{prior: sigma_0, likelihood: sigma / sqrt(n), posterior: spread}[datum.curve]",
        )
        .transform_filter("isFinite(datum.sd)")  # without scores there is no likelihood
    )
    x = alt.X("mu:Q", title="mean score μ (%)", scale=alt.Scale(domain=[40, 100]))
    y = alt.Y("density:Q", title="density", axis=alt.Axis(labels=False, ticks=False, grid=False))
    densities = (
        normals.transform_calculate(mu="sequence(40, 100.1, 0.25)")
        .transform_flatten(["mu"])
        .transform_calculate(density="densityNormal(datum.mu, datum.mean, datum.sd)")
        .mark_line(strokeWidth=2.5)
        .encode(x, y, COLOUR, DASH)
    )
    # The mean and one standard deviation to either side, where the curve bends.
    spreads = (
        normals.transform_calculate(
            density="densityNormal(datum.sd, 0, datum.sd)",
            low="datum.mean - datum.sd",
            high="datum.mean + datum.sd",
        )
        .mark_rule(strokeWidth=1, clip=True)
        .encode(alt.X("low:Q"), y, COLOUR, x2="high:Q")
    )
    weights = (
        alt.Chart(alt.InlineData(values=[{"curve": "likelihood"}, {"curve": "prior"}]))
        .transform_calculate(
            start="datum.curve == 'prior' ? alpha : 0",
            end="datum.curve == 'prior' ? 1 : alpha",
        )
        .mark_bar(height=18)
        .encode(
            alt.X("start:Q", title="weight of the scores, then of the prior"),
            COLOUR,
            x2="end:Q",
        )
        .properties(width=WIDTH, height=24)
    )
    words = alt.Title(
        text=alt.ExprRef(
            "'α = ' + format(alpha, '.2f') + ': posterior mean ' + format(centre, '.1f')"
            " + ', sd ' + format(spread, '.1f')"
        )
    )
    chart = alt.vconcat(
        (densities + spreads).properties(width=WIDTH, height=200, title=words), weights
    ).add_params(*sliders, *derived)
    return Widget.of(
        chart,
        "Three normal curves over the mean score of a school: the prior, the likelihood and, "
        "between them and narrower than both, the posterior. A bar below is divided by the weight "
        "alpha of the scores. Sliders move the prior's mean and sd, the number of scores and "
        "their noise.",
    ).at(mu_0=prior.mean, sigma_0=prior.sd, n=int(n), sigma=noise_sd)
