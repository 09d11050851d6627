"""Bayes' theorem and the conjugate posterior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from ..conjugate import Normal
from .style import COURSE, PALETTE, Z95

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

MEAN_SCORE = r"mean score $\mu$ (% of the maximum)"
DENSITY = "density (per point)"


def bayes_mosaic(table: pd.DataFrame, what: str, event: str) -> Figure:
    """Draw Bayes' theorem as areas, and what it does to the probability of each hypothesis.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a hypothesis; columns ``prior`` (its probabilities sum to 1) and ``likelihood``
        (probability of the event under the hypothesis).
    what : str
        What the hypotheses are, for the horizontal axes.
    event : str
        The event, for the vertical axis.

    Raises
    ------
    ValueError
        If the priors do not sum to 1.
    """
    if not np.isclose(table["prior"].sum(), 1):
        raise ValueError(f"table must have priors that sum to 1, got {table['prior'].sum()!r}")
    figure, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.2), width_ratios=[1.15, 1])
    joint = table["prior"] * table["likelihood"]
    posterior = joint / joint.sum()
    edges = 100 * np.concatenate([[0.0], table["prior"].cumsum()])
    for start, width, height, name in zip(
        edges, np.diff(edges), 100 * table["likelihood"], table.index, strict=False
    ):
        left.bar(start, 100, width, align="edge", color="white", edgecolor=PALETTE["data"])
        left.bar(
            start,
            height,
            width,
            align="edge",
            color=PALETTE["posterior"],
            alpha=0.55,
            hatch="///",
            edgecolor="white",
        )
        left.plot([start, start + width], [height, height], color=PALETTE["likelihood"], lw=3)
        left.plot([start, start + width], [0, 0], color=PALETTE["prior"], lw=5, clip_on=False)
        left.annotate(name, (start + width / 2, 100), (0, 3), ha="center", **_POINTS)
    left.set(xlim=(0, 100), ylim=(0, 100))
    left.set_title("Prior × likelihood = area", pad=20)
    left.set_xlabel(f"prior: {what} (%)", color=PALETTE["prior"])
    left.set_ylabel(f"likelihood: {event} (%)", color=PALETTE["likelihood"])
    places = np.arange(len(table))
    for shift, values, name, hatch in [
        (-0.2, table["prior"], "prior", ""),
        (0.2, posterior, "posterior", "///"),
    ]:
        bars = right.bar(
            places + shift,
            100 * values,
            0.4,
            label=name,
            color=PALETTE[name],
            hatch=hatch,
            edgecolor="white",
        )
        right.bar_label(bars, fmt="%.0f", padding=2)
    right.set(xticks=places, xticklabels=table.index, xlabel="school", ylim=(0, 100))
    right.set_ylabel("probability (%)")
    right.set_title("Shares of the shaded area", pad=20)
    right.legend(loc="upper right")
    return figure


def prior_to_posterior(prior: Normal, likelihood: Normal, y: ArrayLike, noise_sd: float) -> Figure:
    """Prior, likelihood (scaled to area 1) and posterior of a mean, over the scores themselves.

    Parameters
    ----------
    prior : Normal
        Prior of the mean.
    likelihood : Normal
        The likelihood of the scores as a function of the mean, scaled to area 1.
    y : array_like, shape (n,)
        The scores, drawn as ticks.
    noise_sd : float
        Known standard deviation of one score.
    """
    posterior = prior.update(y, noise_sd)
    figure, ax = plt.subplots(figsize=(5.4, 3.5))
    widest = max(prior.sd, likelihood.sd)
    mu = np.linspace(prior.mean - 3.4 * widest, prior.mean + 3.4 * widest, 601)
    for name, curve in [("prior", prior), ("likelihood", likelihood), ("posterior", posterior)]:
        ax.plot(mu, curve.density(mu), _LINES[name], color=PALETTE[name], lw=2, label=name)
    ax.fill_between(mu, posterior.density(mu), color=PALETTE["posterior"], alpha=0.15)
    scores = np.asarray(y, dtype=float)
    ax.plot(scores, np.zeros(scores.size), "|", color=PALETTE["data"], ms=11, label="scores")
    ax.set(
        xlabel=MEAN_SCORE, ylabel=DENSITY, title="Where is the school's mean?", ylim=(-0.008, None)
    )
    ax.legend(loc="upper right")
    return figure


def one_by_one(prior: Normal, y: ArrayLike, noise_sd: float) -> Figure:
    """Posterior mean and central 95% interval of a mean after each further score."""
    scores = np.asarray(y, dtype=float)
    counts = np.arange(scores.size + 1)
    after = [prior.update(scores[:n], noise_sd) for n in counts]
    figure, ax = plt.subplots(figsize=(5.4, 3.5))
    _band(ax, counts, after)
    ax.plot(
        counts[1:], scores, "|", color=PALETTE["data"], ms=9, mew=1.6, label="score of student $n$"
    )
    ax.plot(
        counts[1:],
        np.cumsum(scores) / counts[1:],
        "s:",
        ms=3.5,
        color=PALETTE["likelihood"],
        label=r"mean of the scores, $\bar y$",
    )
    ax.plot(0, prior.mean, "D", color=PALETTE["prior"], ms=7, label="prior mean", zorder=4)
    ax.set(xlabel="number of students $n$", ylabel=COURSE, title="One student after the other")
    ax.set_xticks(range(0, scores.size + 1, max(1, scores.size // 5)))
    ax.legend(loc="upper right", ncols=2)
    ax.set_ylim(None, 1.12 * ax.get_ylim()[1])
    return figure


def what_alpha_does(prior: Normal, n: int, mean: float, noise_sd: float) -> Figure:
    """Draw the data's weight, and posterior mean and 95% interval, as n, sigma and sigma_0 move.

    Parameters
    ----------
    prior : Normal
        Prior of the mean.
    n : int
        Number of scores.
    mean : float
        Their mean.
    noise_sd : float
        Known standard deviation of one score.

    Notes
    -----
    Each row moves one of the three and holds the other two; a dot marks the values given.
    """
    held = {"n": float(n), "noise": noise_sd, "sd": prior.sd}
    moves = [
        ("n", "More scores", "number of scores $n$", np.arange(0.0, 61.0)),
        ("noise", "More noise", r"noise $\sigma$ (points)", np.linspace(0.5, 40, 160)),
        ("sd", "A wider prior", r"prior sd $\sigma_0$ (points)", np.linspace(0.25, 20, 160)),
    ]
    figure, axes = plt.subplots(3, 2, figsize=(5.4, 7.4), sharey="col")
    for (left, right), (moved, title, label, values) in zip(axes, moves, strict=True):
        given = held[moved]
        weights, posteriors = [], []
        for value in [*values, given]:
            at = held | {moved: float(value)}
            belief, size = Normal(prior.mean, at["sd"]), int(at["n"])
            weights.append(belief.data_weight(size, at["noise"]))
            posteriors.append(belief.update(np.full(size, mean), at["noise"]))
        left.plot(values, weights[:-1], color=PALETTE["posterior"], lw=2)
        left.plot(given, weights[-1], "o", color=PALETTE["posterior"], ms=7)
        left.set(
            title=f"{title}: the weight",
            xlabel=label,
            ylim=(0, 1.03),
            ylabel=r"weight of the data, $\alpha$",
        )
        right.axhline(mean, color=PALETTE["likelihood"], ls=":", lw=1.8, label=r"$\bar y$")
        right.axhline(prior.mean, color=PALETTE["prior"], ls="--", lw=1.8, label=r"$\mu_0$")
        _band(right, values, posteriors[:-1], label="posterior")
        right.plot(given, posteriors[-1].mean, "o", color=PALETTE["posterior"], ms=7)
        right.set(title="… and the posterior", xlabel=label, ylabel=r"$\mu$ (% of the maximum)")
    axes[0, 1].legend(
        loc="upper right", ncols=3, columnspacing=0.7, handlelength=1.1, handletextpad=0.4
    )
    axes[0, 1].set_ylim(prior.mean - 24, prior.mean + 28)
    return figure


def against_grid(
    mu: NDArray[np.float64], density: NDArray[np.float64], claims: Mapping[str, Normal]
) -> Figure:
    """Posterior on a grid (dots) with the curves that formulas claim for it.

    Parameters
    ----------
    mu : array of float, shape (m,)
        Grid points.
    density : array of float, shape (m,)
        Posterior density at these points.
    claims : mapping of str to Normal
        Label to claimed posterior: the first solid in the colour of the posterior, others dashed.
    """
    figure, ax = plt.subplots(figsize=(5.4, 3.4))
    seen = np.flatnonzero(density > 1e-3 * density.max())
    dots = seen[:: max(1, seen.size // 40)]
    ax.plot(mu[dots], density[dots], "o", ms=4.5, mfc="white", color=PALETTE["data"], label="grid")
    for number, (label, claim) in enumerate(claims.items()):
        ax.plot(
            mu[seen],
            claim.density(mu[seen]),
            "--" if number else "-",
            color=PALETTE["truth" if number else "posterior"],
            lw=2,
            label=label,
            zorder=1,
        )
    ax.set(xlabel=MEAN_SCORE, ylabel=DENSITY, title="Formula against grid")
    ax.set_ylim(0, 1.2 * ax.get_ylim()[1])
    ax.legend(loc="upper center", ncols=3)
    return figure


_LINES = {"prior": "--", "likelihood": ":", "posterior": "-"}
_POINTS: dict[str, Any] = {"textcoords": "offset points"}


def _band(
    ax: Axes, x: ArrayLike, posteriors: list[Normal], label: str = "posterior mean, 95% interval"
) -> None:
    mean = np.array([posterior.mean for posterior in posteriors])
    half = Z95 * np.array([posterior.sd for posterior in posteriors])
    ax.fill_between(x, mean - half, mean + half, color=PALETTE["posterior"], alpha=0.2, lw=0)
    ax.plot(x, mean, color=PALETTE["posterior"], lw=2, label=label)
