"""Draws: what they estimate, how far off, and where they cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from ..conjugate import Normal
from .style import PALETTE, panel_grid

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from ..conjugate import Normal

    Array = NDArray[np.float64]

MEAN = "school's mean (points)"
MARKS = "os^"


def running_means(draws: Array, exact: Normal, histogram_of: int = 1000) -> Figure:
    """Draws beside their density, and the mean of the first T of them against T.

    Parameters
    ----------
    draws : array, shape (runs, T)
        Independent draws; the histogram has the first ones of the first run.
    exact : Normal
        The distribution that they come from.
    histogram_of : int, default 1000
        How many draws the histogram shows.
    """
    figure, (left, right) = plt.subplots(1, 2, figsize=(5.6, 3.2), width_ratios=[1, 1.4])
    shown = draws[0, :histogram_of]
    left.hist(shown, bins=25, density=True, color=PALETTE["posterior"], alpha=0.35)
    grid = exact.mean + exact.sd * np.linspace(-4, 4, 201)
    left.plot(grid, exact.density(grid), color=PALETTE["posterior"], linewidth=2)
    left.axvline(exact.mean, color=PALETTE["truth"], linestyle="--", linewidth=1)
    left.set(xlabel=MEAN, ylabel="posterior density", title=f"{histogram_of:,} draws")

    steps = np.unique(np.geomspace(10, draws.shape[1], 300).astype(int))
    means = draws.cumsum(axis=1)[:, steps - 1] / steps
    right.plot(steps, means.T, color=PALETTE["posterior"], linewidth=0.8, alpha=0.55)
    for sign in (-1, 1):
        right.plot(
            steps,
            exact.mean + sign * 2 * exact.sd / np.sqrt(steps),
            color=PALETTE["truth"],
            linewidth=1.6,
            label="truth ± 2 standard errors" if sign > 0 else None,
        )
    right.axhline(exact.mean, color=PALETTE["truth"], linestyle="--", linewidth=1)
    right.set(xscale="log", xlabel="number of draws $T$", ylabel="mean of the draws (points)")
    right.set_title(f"{len(draws)} runs")
    right.legend(loc="upper right", fontsize="small")
    for ax in (left, right):
        ax.yaxis.set_major_locator(MaxNLocator(5))
    return figure


def two_limits(printed: Array, mended: Array, mean: float, sd: float) -> Figure:
    r"""Draw two ways to centre a sum of draws, one above the other, against the number of draws.

    Parameters
    ----------
    printed : array, shape (runs, T)
        :math:`T^{-1/2} (\sum_t h_t - \mathrm{E} h)` for 1 to T draws.
    mended : array, shape (runs, T)
        :math:`T^{-1/2} \sum_t (h_t - \mathrm{E} h)`.
    mean, sd : float
        Mean and standard deviation of :math:`h`.
    """
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.4, 5), sharex=True)
    steps = np.unique(np.geomspace(1, printed.shape[1], 300).astype(int))
    for ax, paths in [(upper, printed), (lower, mended)]:
        ax.plot(steps, paths[:, steps - 1].T, color=PALETTE["posterior"], linewidth=0.8, alpha=0.55)
        ax.set(xscale="log", ylabel="scaled sum (points)")
    upper.plot(
        steps,
        mean * np.sqrt(steps),
        color=PALETTE["truth"],
        linestyle="--",
        label=r"$\sqrt{T}\,E[h]$",
    )
    upper.set(title="Only the sum is centred")
    upper.legend(loc="upper left")
    for sign in (-2, 2):
        lower.axhline(
            sign * sd,
            color=PALETTE["truth"],
            linestyle="--",
            label=r"$\pm 2\sqrt{\omega}$" if sign > 0 else None,
        )
    lower.set(title="Each term is centred", ylim=(-5 * sd, 5 * sd))
    lower.legend(loc="upper left")
    figure.supxlabel("number of draws $T$", fontsize="medium")
    return figure


def quantile_errors(
    probabilities: Array, simulated: Array, formula: Callable[[Array], Array]
) -> Figure:
    """Draw standard errors of quantiles in units of that of the mean.

    Parameters
    ----------
    probabilities, simulated : array, shape (m,)
        Probability of the quantile, and its spread over runs: the points.
    formula : callable
        Probabilities to standard errors: the line.
    """
    figure, ax = plt.subplots(figsize=(5.4, 3.4))
    first, last = np.log(probabilities / (1 - probabilities))[[0, -1]]
    fine = 1 / (1 + np.exp(-np.linspace(first, last, 201)))
    ax.plot(fine, formula(fine), color=PALETTE["posterior"], label="quantile: formula")
    ax.plot(
        probabilities,
        simulated,
        "o",
        color=PALETTE["data"],
        markersize=5,
        label="quantile: spread over runs",
    )
    ax.axhline(1, color=PALETTE["truth"], linestyle="--", linewidth=1, label="mean")
    ax.set(
        xscale="logit",
        xlabel="probability $p$ of the quantile",
        ylabel="standard error\n(in units of the mean's)",
        title="Tails cost more",
        ylim=(0, None),
    )
    ax.set_xticks(probabilities, [f"{p:g}" for p in probabilities])
    ax.minorticks_off()
    ax.legend(loc="upper center")
    return figure


def difference(draws: Array, exact: Normal, labels: tuple[str, str]) -> Figure:
    """Draws of a difference and its density, with mean, 95% interval and zero."""
    figure, ax = plt.subplots(figsize=(5.4, 3.8))
    ax.hist(draws, bins=40, density=True, color=PALETTE["posterior"], alpha=0.35, label="draws")
    grid = exact.mean + exact.sd * np.linspace(-4, 4, 201)
    ax.plot(grid, exact.density(grid), color=PALETTE["posterior"], linewidth=2, label="exact")
    for value, line, label in [
        (draws.mean(), "--", "mean of the draws"),
        (np.quantile(draws, 0.025), ":", "2.5%, 97.5% of draws"),
        (np.quantile(draws, 0.975), ":", None),
    ]:
        ax.axvline(value, color=PALETTE["data"], linestyle=line, label=label)
    ax.axvline(0, color=PALETTE["truth"], linewidth=1)
    blank = {"facecolor": "white", "edgecolor": "none", "pad": 1}  # the label hides other lines
    top = ax.get_xaxis_transform()
    ax.text(-0.4, 0.96, "equal", transform=top, ha="right", va="top", bbox=blank)
    ax.set(
        xlabel=f"mean of {labels[0]} minus mean of {labels[1]} (points)",
        ylabel="posterior density",
        title="A difference of two means",
    )
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def unnamed_posterior(
    grid: Array, posterior: Array, stand_ins: Mapping[str, Normal], y: Array
) -> Figure:
    """Draw a posterior on a grid, normal stand-ins and scores; its left tail on a log scale."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.4, 5.4), height_ratios=[1.3, 1])
    upper.fill_between(grid, posterior, color=PALETTE["posterior"], alpha=0.2)
    for ax in (upper, lower):
        ax.plot(grid, posterior, color=PALETTE["posterior"], linewidth=2, label="posterior")
        for (label, normal), line in zip(stand_ins.items(), ["--", ":", "-."], strict=False):
            ax.plot(grid, normal.density(grid), color=PALETTE["data"], linestyle=line, label=label)
        ax.set(xlabel=MEAN)
    upper.plot(
        y, np.zeros_like(y), "|", color=PALETTE["data"], markersize=14, clip_on=False, label="score"
    )
    upper.set(ylabel="density", title="No name, and its stand-ins", xlim=(10, 95), ylim=(0, None))
    upper.legend(loc="upper left")
    lower.set(
        yscale="log",
        ylabel="density",
        title="The left tail, log scale",
        xlim=(45, 65),
        ylim=(1e-6, 0.2),
    )
    lower.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    return figure


def two_modes(grid: Array, posterior: Array, stand_in: Array) -> Figure:
    """Draw contours of a posterior of two means, and draws of a normal that should stand for it.

    Parameters
    ----------
    grid : array, shape (m,)
        Values of either mean.
    posterior : array, shape (m, m)
        Density; the first mean along the first axis.
    stand_in : array, shape (draws, 2)
        Draws to set against it.
    """
    figure, ax = plt.subplots(figsize=(5, 5.4))
    ax.scatter(
        stand_in[:, 0],
        stand_in[:, 1],
        s=8,
        color=PALETTE["data"],
        alpha=0.45,
        linewidth=0,
        label="stand-in",
    )
    levels = posterior.max() * np.array([0.05, 0.2, 0.4, 0.6, 0.8])
    ax.contour(grid, grid, posterior.T, levels=levels, colors=PALETTE["posterior"], linewidths=1.4)
    ax.plot([], [], color=PALETTE["posterior"], label="posterior")
    limits = (grid[0], grid[-1])
    ax.plot(limits, limits, color=PALETTE["truth"], linewidth=0.8, linestyle="--", label="equal")
    ax.set(
        xlabel="mean of the first kind (points)",
        ylabel="mean of the second kind (points)",
        title="Two modes, and a normal",
        xlim=limits,
        ylim=limits,
        aspect="equal",
    )
    figure.legend(loc="outside lower center", ncols=3, markerscale=2)
    return figure


def rejection(candidates: Array, heights: Array, kept: NDArray[np.bool_]) -> Figure:
    """Rejection sampling: candidates under the prior's curve, those under the target kept.

    Parameters
    ----------
    candidates, heights : array, shape (n,)
        Points under the prior's density.
    kept : array of bool, shape (n,)
        Whether the point lies under the target as well.
    """
    figure, ax = plt.subplots(figsize=(5.4, 3.4))
    for rows, marker, colour, label in [
        (~kept, "x", PALETTE["prior"], "rejected"),
        (kept, "o", PALETTE["posterior"], "kept"),
    ]:
        ax.scatter(
            candidates[rows], heights[rows], s=12, marker=marker, color=colour, linewidth=0.8,
            label=f"{label}: {rows.sum()}",
        )  # fmt: skip
    ax.set(
        xlabel=f"candidate for the {MEAN}",
        ylabel="height under the prior's density",
        title=f"{len(kept):,} candidates from the prior",
        ylim=(0, None),
    )
    ax.legend(loc="upper left")
    return figure


def useful_share(exact: Mapping[str, Array], simulated: Mapping[str, Array], xlabel: str) -> Figure:
    """Share of draws that are of use against the dimension: lines exact, markers simulated.

    Parameters
    ----------
    exact, simulated : mapping of str to array
        Label to shares in dimension 1, 2, ...; labels are those of `exact`.
    xlabel : str
        What is counted along the axis.
    """
    figure, ax = plt.subplots(figsize=(5.4, 3.8))
    colours = [PALETTE["data"], PALETTE["prior"], PALETTE["posterior"]]
    for (label, shares), colour, line, marker in zip(
        exact.items(), colours, ["-.", "--", "-"], MARKS, strict=False
    ):
        ax.plot(
            np.arange(1, len(shares) + 1), shares, color=colour, linestyle=line, linewidth=1.8,
            label=label,
        )  # fmt: skip
        points = simulated.get(label, np.array([]))
        ax.plot(np.arange(1, len(points) + 1), points, marker, color=colour, markersize=5)
    ax.set(
        yscale="log", xlabel=xlabel, ylabel="share of draws", title="Lines exact, markers simulated"
    )
    ax.yaxis.grid(visible=True, alpha=0.4)
    ax.legend(loc="lower left")
    return figure


def calibration(z_scores: Mapping[str, Array]) -> Figure:
    """Draw histograms of z-scores, one below the other, against the standard normal density."""
    figure, axes = panel_grid(len(z_scores), 1, (5.4, 2.1), 0.6, sharex=True, sharey=True)
    end = max(float(np.abs(z).max()) for z in z_scores.values())
    bins = np.linspace(-end, end, 61).tolist()
    grid = np.linspace(-4, 4, 201)
    normal = Normal(0, 1).density(grid)
    for ax, (label, z) in zip(axes.flat, z_scores.items(), strict=True):
        ax.hist(z, bins=bins, density=True, color=PALETTE["posterior"], alpha=0.35)
        ax.plot(grid, normal, color=PALETTE["truth"], linestyle="--", label="standard normal")
        ax.set(title=f"{label}: sd {z.std():.2f}", ylabel="density over runs")
    axes[0, 0].legend(loc="upper left")
    figure.supxlabel("error / standard error", fontsize="medium")
    return figure
