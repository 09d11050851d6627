"""Markov chains: where they walk, how fast they forget, and what their draws are worth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from .style import PALETTE, panel_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

    Array = NDArray[np.float64]

CONTOURS = (0.5, 0.8, 0.95)  # probability inside each
ENGINE_MARKS = "os^D"
PLAIN = "{x:g}"  # 0.1 rather than a power of ten
LINE_CYCLE = ["-", "--", ":", "-."]


def walk_stages(
    mean: ArrayLike,
    covariance: ArrayLike,
    independent: Array,
    path: Array,
    stages: Sequence[int] = (10, 70, 500),
) -> Figure:
    """Independent draws of a normal target in the plane, then a chain after so many states.

    Parameters
    ----------
    mean, covariance : array_like, shape (2,) and (2, 2)
        Of the target, for its contours.
    independent : numpy.ndarray, shape (n, 2)
        Independent draws.
    path : numpy.ndarray, shape (states, 2)
        The states of the chain, from its start.
    stages : sequence of int
        How many states each panel shows.
    """
    angle = np.linspace(0, 2 * np.pi, 200)
    factor = np.linalg.cholesky(np.asarray(covariance))
    circle = np.column_stack([np.cos(angle), np.sin(angle)]) @ factor.T
    figure, axes = panel_grid(1 + len(stages), 2, (5.4, 2.7), sharex=True, sharey=True)
    for ax, states in zip(axes.flat, [0, *stages], strict=False):
        ax.plot(*independent.T, ".", color=PALETTE["missing"], alpha=0.12, markersize=3, zorder=0)
        for probability in CONTOURS:
            radius = np.sqrt(-2 * np.log(1 - probability))
            ax.plot(*(np.asarray(mean) + radius * circle).T, color=PALETTE["truth"], linewidth=0.9)
        if states:
            ax.plot(*path[:states].T, ".-", color=PALETTE["posterior"], linewidth=0.9, markersize=4)
            ax.plot(*path[0], "s", color=PALETTE["posterior"], markersize=7)
        ax.set(
            title=f"the first {states} states" if states else "the target",
            aspect="equal",
        )
        ax.set(xlabel="first coordinate" if ax in axes[-1] else "")
        ax.set(ylabel="second coordinate" if ax in axes[:, 0] else "")
    return figure


def trace_and_density(start: Array, kept: Array, grid: Array, density: Array, label: str) -> Figure:
    """How chains find the target, and what they draw there against its density.

    Parameters
    ----------
    start : numpy.ndarray, shape (chains, draws)
        The chains from their first draw on.
    kept : numpy.ndarray, shape (chains, draws)
        The draws after the warm-up.
    grid, density : numpy.ndarray, shape (k,)
        The density of the target.
    label : str
        What the draws are of, with the unit.
    """
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.4, 5.6))
    for chain, line in zip(start, LINE_CYCLE, strict=False):
        upper.plot(chain, color=PALETTE["posterior"], linewidth=1.1, linestyle=line)
    upper.set(xlabel="draw", ylabel=label, title="On the way")
    lower.hist(
        kept.ravel(),
        bins=60,
        density=True,
        histtype="stepfilled",
        color=PALETTE["posterior"],
        alpha=0.4,
        label="draws",
    )
    lower.plot(grid, density, color=PALETTE["truth"], linestyle="--", label="closed form")
    lower.set(xlabel=label, ylabel="density", title="Arrived", ylim=(0, 1.3 * density.max()))
    lower.legend(loc="upper right")
    return figure


def draws_and_density(
    right: Array, wrong: Array, grid: Array, density: Array, labels: tuple[str, str], xlabel: str
) -> Figure:
    """Histograms of right and of wrong draws over the density that both were meant for."""
    figure, ax = plt.subplots(figsize=(5.4, 3.6))
    bins = np.linspace(grid[0], grid[-1], 61).tolist()
    for draws, label, colour, line in [
        (right, labels[0], PALETTE["posterior"], "-"),
        (wrong, labels[1], PALETTE["missing"], ":"),
    ]:
        ax.hist(
            np.ravel(draws),
            bins=bins,
            weights=np.full(np.size(draws), 1 / np.size(draws) / (bins[1] - bins[0])),
            histtype="step",
            color=colour,
            linestyle=line,
            linewidth=2,
            label=label,
        )
    ax.plot(grid, density, color=PALETTE["truth"], linestyle="--", label="closed form")
    ax.set(xlabel=xlabel, ylabel="density", title="Right and wrong draws", xlim=grid[[0, -1]])
    ax.legend(loc="upper right")
    return figure


def step_sizes(
    traces: Mapping[str, Array], correlations: Mapping[str, Sequence[float]], ylabel: str
) -> Figure:
    """Trace and autocorrelation of chains that differ in the length of their steps."""
    figure, axes = panel_grid(2 * len(traces), 2, (5.4, 1.9), sharex="col", sharey="col")
    for (left, right), (label, trace) in zip(axes, traces.items(), strict=True):
        left.plot(trace, color=PALETTE["posterior"], linewidth=0.9)
        left.set(title=label, ylabel=ylabel)
        rho = correlations[label]
        right.vlines(range(len(rho)), 0, rho, color=PALETTE["posterior"])
        right.axhline(0, color=PALETTE["truth"], linewidth=0.8)
        right.set(title="", ylabel="autocorrelation", ylim=(-0.1, 1.05))
    axes[0, 1].set(title="Its memory")
    axes[-1, 0].set(xlabel="draw")
    axes[-1, 1].set(xlabel="lag (draws)")
    return figure


def step_size_curves(measured: pd.DataFrame, acceptance: Array, best: float) -> Figure:
    """Draw acceptance, and the worth of a draw, against the length of a step.

    Parameters
    ----------
    measured : pandas.DataFrame
        Index: the step, in posterior sds. Columns: acceptance, ESS per draw.
    acceptance : numpy.ndarray, shape (steps,)
        What theory says of the acceptance at each step.
    best : float
        The acceptance to mark.
    """
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.4, 5.4), sharex=True)
    columns = list(measured.columns)
    upper.plot(measured.index, acceptance, color=PALETTE["truth"], linestyle="--", label="theory")
    upper.plot(
        measured.index, measured[columns[0]], "o", color=PALETTE["posterior"], label="measured"
    )
    upper.set(ylim=(0, 1), ylabel="acceptance", title="Short steps are accepted ...")
    upper.axhline(best, color=PALETTE["truth"], linewidth=0.8, linestyle=":")
    upper.annotate(
        f"{best:g}", (measured.index[0], best), xytext=(0, 3), textcoords="offset points"
    )
    upper.legend(loc="upper right")
    lower.plot(measured.index, measured[columns[1]], "o-", color=PALETTE["posterior"])
    lower.set(ylim=(0, None), ylabel="effective draws per draw", title="... but lead nowhere")
    for ax in (upper, lower):
        ax.set_xscale("log")
    lower.set(xlabel="step (posterior sds)")
    lower.xaxis.set_major_formatter(PLAIN)
    return figure


def dimension_curves(measured: pd.DataFrame, limits: tuple[float, float]) -> Figure:
    """Draw the acceptance of the best walk, and the worth of its draws, against the dimension.

    Parameters
    ----------
    measured : pandas.DataFrame
        Index: dimension. Columns: acceptance, ESS per draw.
    limits : tuple of float
        The best acceptance in one dimension and in many.
    """
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(5.4, 5.4), sharex=True)
    columns = list(measured.columns)
    upper.plot(measured.index, measured[columns[0]], "o-", color=PALETTE["posterior"])
    for limit, line, shift in zip(limits, [":", "--"], [3, -11], strict=True):
        upper.axhline(limit, color=PALETTE["truth"], linewidth=0.9, linestyle=line)
        upper.annotate(
            f"{limit:g}",
            (measured.index[-1], limit),
            xytext=(0, shift),
            textcoords="offset points",
            ha="right",
        )
    upper.set(ylim=(0, 0.6), ylabel="acceptance", title="The best walk is often refused")
    lower.plot(measured.index, measured[columns[1]], "o-", color=PALETTE["posterior"])
    lower.set(
        yscale="log",
        ylim=(1e-3, 1),
        ylabel="effective draws per draw",
        title="A draw is worth less",
    )
    for ax in (upper, lower):
        ax.set(xscale="log", xticks=measured.index)
        ax.xaxis.set_major_formatter(PLAIN)
        ax.minorticks_off()
    lower.set(xlabel="dimension")
    lower.yaxis.set_major_formatter(PLAIN)
    return figure


def engines_side_by_side(table: pd.DataFrame, data: pd.Series, exact: str, xlabel: str) -> Figure:
    """One row a parameter: posterior mean and two sds of each engine, and what the data alone say.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a parameter; columns (engine, "mean") and (engine, "sd"), as `compare` has them.
    data : pandas.Series
        Estimates without a model, for some of the rows.
    exact : str
        The engine without Monte Carlo error: drawn as the truth.
    xlabel : str
        The scale of all rows.
    """
    engines = table.columns.get_level_values(0).unique()
    figure, ax = plt.subplots(figsize=(5.4, 0.9 + 0.42 * len(table)))
    positions = np.arange(len(table))
    shifts = np.linspace(-0.25, 0.25, len(engines))
    for engine, shift, marker in zip(engines, shifts, ENGINE_MARKS, strict=False):
        colour = PALETTE["truth" if engine == exact else "posterior"]
        ax.errorbar(
            table[engine, "mean"],
            positions + shift,
            xerr=2 * table[engine, "sd"],
            fmt=marker,
            color=colour,
            markerfacecolor="white" if marker == "s" else colour,
            markersize=5,
            linewidth=1.2,
            label=engine,
        )
    ax.plot(
        data,
        table.index.get_indexer(data.index),
        "x",
        color=PALETTE["likelihood"],
        markersize=8,
        markeredgewidth=2,
        label="data alone",
    )
    ax.set(yticks=positions, yticklabels=table.index, xlabel=xlabel, ylabel="")
    ax.set(ylim=(len(table) - 0.4, -0.6), title="Posterior mean and two posterior sds")
    ax.xaxis.grid(visible=True, alpha=0.4)
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    return figure
