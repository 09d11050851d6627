"""A normal mean whose variance is unknown, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from ..conjugate import Normal, NormalInverseGamma
from .style import PALETTE
from .thinking import DENSITY, MEAN_SCORE

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def unknown_variance(
    prior: NormalInverseGamma, y: ArrayLike, few: int, known: Normal, rng: np.random.Generator
) -> Figure:
    """Draw how an unknown variance makes a Student t, and what it changes after all scores.

    Parameters
    ----------
    prior : NormalInverseGamma
        Prior of mean and variance.
    y : array_like, shape (n,)
        The scores.
    few : int
        How many of them the first panel uses.
    known : Normal
        The posterior of the mean after all scores if the variance is taken as known.
    rng : numpy.random.Generator
        Draws the variances of the thin lines.
    """
    scores = np.asarray(y, dtype=float)
    early, late = prior.update(scores[:few]), prior.update(scores)
    figure, (left, right) = plt.subplots(2, 1, figsize=(5.4, 5.6))
    mu = np.linspace(known.mean - 27, known.mean + 27, 541)
    for _, variance in early.sample(25, rng):
        sd = float(np.sqrt(variance / early.worth))
        left.plot(mu, Normal(early.mean, sd).density(mu), color=PALETTE["data"], lw=0.8, alpha=0.5)
    left.plot([], [], color=PALETTE["data"], lw=0.8, label="variance given, 25 draws")
    t_label = "variance averaged out: $t$"
    left.plot(mu, early.marginal_mean.pdf(mu), color=PALETTE["posterior"], lw=2.6, label=t_label)
    left.set(title=f"After {few} students", ylabel=DENSITY, xlabel=MEAN_SCORE)
    near = mu[np.abs(mu - known.mean) <= 11]
    right.plot(
        near, known.density(near), "--", color=PALETTE["truth"], lw=2, label="variance known"
    )
    right.plot(
        near, late.marginal_mean.pdf(near), color=PALETTE["posterior"], lw=2.6, label="unknown: $t$"
    )
    right.set(title=f"After all {scores.size}", xlabel=MEAN_SCORE, ylabel=DENSITY)
    for ax in (left, right):
        ax.set_ylim(0, 1.35 * ax.get_ylim()[1])
        ax.legend(loc="upper left")
    return figure


def interval_ratios(table: pd.DataFrame, marked: str, name: str) -> Figure:
    """Width of each school's interval with unknown variance over that with known variance.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a school: ``n`` (scores), ``tail`` (factor of the heavier tails) and ``ratio`` (of
        the widths).
    marked : str
        The school to point at.
    name : str
        What the text calls it.
    """
    figure, ax = plt.subplots(figsize=(5.4, 3.8))
    ordered = table.sort_values("n")
    ax.axhline(1, color=PALETTE["truth"], lw=0.8)
    ax.plot(
        ordered["n"],
        ordered["tail"],
        ls="--",
        lw=1.8,
        color=PALETTE["likelihood"],
        label="tails alone",
    )
    ax.plot(
        table["n"],
        table["ratio"],
        "o",
        ms=6,
        alpha=0.65,
        color=PALETTE["posterior"],
        label="a school",
    )
    spot = table.loc[marked]
    ax.plot(spot["n"], spot["ratio"], "D", ms=9, mfc="none", mew=2, color=PALETTE["truth"])
    ax.annotate(
        f"school {name}",
        (spot["n"], spot["ratio"]),
        (-9, -4),
        ha="right",
        textcoords="offset points",
    )
    ticks = [0.6, 0.8, 1, 1.25, 1.6, 2]
    ax.set_yscale("log")
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_yticks([], minor=True)
    ax.set(
        xlabel="students with a course score",
        ylabel="width, unknown over known",
        title=f"95% intervals of {len(table)} school means",
        ylim=(0.55, 2.1),
    )
    ax.legend(loc="upper right")
    return figure
