"""Four chains of Metropolis-Hastings, to be scrubbed through, for several proposal widths."""

from __future__ import annotations

from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import pandas as pd

from ..convergence import running_rhat
from ..metropolis import metropolis_hastings
from ..plots.style import PALETTE
from ..proposals import GaussianWalk
from .base import PRECISION, WIDTH, Widget, menu, slider, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# The target of the slides, and starts to all sides of it.
MEAN = np.array([2.0, 2.0])
COVARIANCE = 0.5 * np.array([[1.0, 0.5], [0.5, 1.0]])
STARTS = np.array([[-1.0, -1.0], [5.0, -1.0], [-1.0, 5.0], [5.0, 5.0]])
COLOURS = [PALETTE[name] for name in ["ML", "girls", "likelihood", "posterior"]]
DECIMALS = 3  # of a draw: finer than a pixel


def log_target(x: Array) -> Array:
    """Log density of the target, up to a constant, at x (chains, 2)."""
    away = x - MEAN
    return np.asarray(-0.5 * np.einsum("ci,ij,cj->c", away, np.linalg.inv(COVARIANCE), away))


def run_chains(width: float, draws: int, seed: int) -> pd.DataFrame:
    """Run four chains: one row a draw, the start included, with R-hat of the first coordinate."""
    rng = np.random.default_rng(seed)
    tree = metropolis_hastings(log_target, GaussianWalk(width), STARTS, draws, rng=rng)
    moved = tree["posterior"]["x"].to_numpy()
    x = np.concatenate([STARTS[:, None], moved], axis=1).round(DECIMALS)
    accepted = np.zeros(x.shape[:2], dtype=int)
    accepted[:, 1:] = tree["sample_stats"]["accepted"].to_numpy()
    rhat = np.full(draws + 1, np.nan)
    rhat[2:] = running_rhat(moved[..., 0], range(2, draws + 1)).round(PRECISION)
    chain, step = np.indices(accepted.shape)
    return pd.DataFrame(
        {
            "stride": width,
            "chain": chain.ravel() + 1,
            "step": step.ravel(),
            "x": x[..., 0].ravel(),
            "y": x[..., 1].ravel(),
            "accepted": accepted.ravel(),
            "rhat": np.where(chain == 0, rhat, np.nan).ravel(),  # one for all chains
        }
    )


def chains(
    widths: Sequence[float] = (0.1, 0.4, 1.2, 4.0), draws: int = 300, seed: int = 3
) -> Widget:
    """Follow four chains step by step: their paths, traces, acceptance and running R-hat.

    The target is the slides' two-dimensional normal; all chains take Gaussian steps of one width.

    Parameters
    ----------
    widths : sequence of float
        Standard deviations of a step, to choose from.
    draws : int, default 300
        Steps of a chain, at least 2.
    seed : int, default 3
        Seed of the chains, the same for each width.

    Raises
    ------
    ValueError
        As for `metropolis_hastings` and `running_rhat`.
    """
    rows = pd.concat([run_chains(width, draws, seed) for width in widths])
    stride = menu("stride", "width of a step", list(widths), widths[len(widths) // 2])
    now = slider("now", "step", 0, draws, 1, draws // 3)
    past = (
        alt.Chart(table(rows))
        .transform_filter("datum.stride == stride && datum.step <= now")
        .properties(width=WIDTH)
    )
    colour = alt.Color("chain:O", scale=alt.Scale(domain=[1, 2, 3, 4], range=COLOURS), legend=None)
    x = alt.X("x:Q", title="x", scale=alt.Scale(domain=[-2, 6]))
    y = alt.Y("y:Q", title="y", scale=alt.Scale(domain=[-2, 6]))
    hill = (
        alt.Chart(table(contours()))
        .mark_line(color=PALETTE["missing"], strokeWidth=1)
        .encode(x, y, order="turn:Q", detail="level:O")
    )
    path = past.mark_line(strokeWidth=1, opacity=0.8, clip=True).encode(
        x, y, colour, order="step:Q"
    )
    last = past.transform_filter("datum.step == now")
    heads = last.mark_circle(size=60, opacity=1).encode(x, y, colour)
    rate = (
        past.transform_filter("datum.step > 0")
        .transform_aggregate(rate="mean(accepted)")
        .transform_calculate(words="'accepted: ' + format(datum.rate, '.0%')")
        .mark_text(x=6, y=10)
        .encode(text="words:N", detail="rate:Q")
    )
    plane = (hill + path + heads + rate).properties(height=WIDTH * 0.75)

    steps = alt.X("step:Q", title="step", scale=alt.Scale(domain=[0, draws]))
    trace = (
        past.mark_line(strokeWidth=1, interpolate="step-after")
        .encode(steps, alt.Y("x:Q", title="x", scale=alt.Scale(domain=[-2, 6])), colour)
        .properties(height=80)
    )
    ratio = alt.Y(
        "rhat:Q",
        title="R-hat of x",
        scale=alt.Scale(domain=[1, 3], clamp=True),
        axis=alt.Axis(tickCount=3),
    )
    running = past.transform_filter("isValid(datum.rhat)")
    line = running.mark_line(color=PALETTE["data"]).encode(steps, ratio)
    number = (
        running.transform_filter("datum.step == now")
        .transform_calculate(words="'R-hat: ' + format(datum.rhat, '.2f')")
        .mark_text(x=WIDTH - 90, y=10)
        .encode(text="words:N", detail="rhat:Q")
    )
    goal = (
        alt.Chart(alt.InlineData(values=[{"rhat": 1.01}]))
        .mark_rule(strokeDash=[4, 3], color=PALETTE["ML"])
        .encode(ratio)
    )
    lower = (goal + line + number).properties(height=80)
    return Widget.of(
        alt.vconcat(plane, trace, lower).add_params(stride, now),
        "Four chains from four corners walk to a hill drawn by contours. Below, the trace of "
        "their first coordinate and R-hat after so many steps, with the goal 1.01 dashed. Short "
        "steps are nearly all accepted and the chains stay apart for long; long steps are mostly "
        "refused; in between R-hat falls towards 1.",
    )


def contours() -> pd.DataFrame:
    """Ellipses that hold 50%, 80% and 95% of the target."""
    turn = np.linspace(0, 2 * np.pi, 61)
    circle = np.column_stack([np.cos(turn), np.sin(turn)]) @ np.linalg.cholesky(COVARIANCE).T
    rings = {
        level: MEAN + np.sqrt(-2 * np.log(1 - level)) * circle  # chi-squared with 2 df
        for level in (0.5, 0.8, 0.95)
    }
    parts = [
        pd.DataFrame(ring.round(DECIMALS), columns=["x", "y"]).assign(
            level=level, turn=turn.round(3)
        )
        for level, ring in rings.items()
    ]
    return pd.concat(parts)
