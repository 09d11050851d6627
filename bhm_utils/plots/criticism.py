"""Models against the data: replicated scores, predictive checks, and what follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

from .style import COURSE, GENDERS, MARKERS, PALETTE, WRITTEN, panel_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray


def replicated_scores(y: ArrayLike, replicates: Mapping[str, NDArray[np.float64]]) -> Figure:
    """Draw one panel a model: the histogram of the scores on the band that the model expects.

    Parameters
    ----------
    y : array_like, shape (N,)
        Observed scores.
    replicates : mapping of str to numpy.ndarray, shape (S, N)
        Name of the model to scores by `replicate`.
    """
    figure, axes = panel_grid(len(replicates), 1, (5.6, 2.4), 0.4, sharex=True)
    width = 100 / 27  # four marks of 108, so that each bar holds as many steps of the scores
    edges = width * np.arange(37)
    middle = edges[:-1] + width / 2

    def counts(scores: ArrayLike) -> NDArray[np.intp]:
        # A score of exactly 100 belongs to the bin below the line.
        return np.histogram(np.asarray(scores) - 1e-9, edges)[0]

    for ax, (label, scores) in zip(axes[:, 0], replicates.items(), strict=True):
        expected = np.array([counts(row) for row in scores])
        low, high = np.quantile(expected, [0.025, 0.975], axis=0)
        ax.axvspan(100, edges[-1], color=PALETTE["missing"], alpha=0.18, linewidth=0)
        ax.bar(middle, counts(y), 0.85 * width, color=PALETTE["data"], alpha=0.45, label="observed")
        ax.vlines(middle, low, high, color=PALETTE["posterior"], linewidth=3, label="replicated")
        ax.annotate("impossible", (102, 0.8), xycoords=("data", "axes fraction"), fontsize="small")
        ax.set(title=label, ylabel="students", xlim=(10, 132))
        ax.legend(loc="upper left", fontsize="small")
    axes[-1, 0].set_xlabel(COURSE)
    return figure


def checks(tables: Mapping[str, pd.DataFrame], columns: int = 2) -> Figure:
    """Draw one panel a statistic: what each model expects of it, and the observed value as a line.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Name of the model to the table of `predictive_check`.
    columns : int, default 2
        Panels in a row.
    """
    statistics = list(next(iter(tables.values())).index)
    figure, axes = panel_grid(
        len(statistics), columns, (5.6, 0.9 + 0.24 * len(tables)), sharey=True
    )
    for ax, statistic in zip(axes.flat, statistics, strict=False):
        for position, table in enumerate(tables.values()):
            row = table.loc[statistic]
            ax.hlines(position, row["lower"], row["upper"], color=PALETTE["posterior"], lw=2)
            ax.plot(row["replicated"], position, "o", color=PALETTE["posterior"], markersize=5)
        observed = next(iter(tables.values())).loc[statistic, "observed"]
        ax.axvline(observed, color=PALETTE["truth"], linestyle="--", linewidth=1.2)
        ax.set(title=statistic, yticks=range(len(tables)), yticklabels=list(tables))
        ax.set_ylim(len(tables) - 0.5, -0.5)
        ax.xaxis.set_major_locator(MaxNLocator(4))
        ax.xaxis.grid(visible=True, alpha=0.4)
    figure.supxlabel("dashed: observed; dot and line: replicated, 95%", fontsize="medium")
    return figure


def pareto_shapes(sizes: ArrayLike, k: ArrayLike, threshold: float, title: str) -> Figure:
    """Draw the Pareto k of each student against the number of scores of the school."""
    figure, ax = plt.subplots(figsize=(5.6, 3.2))
    sizes, k = np.asarray(sizes), np.asarray(k)
    bad = k > threshold
    ax.scatter(sizes[~bad], k[~bad], s=9, alpha=0.4, color=PALETTE["data"], linewidth=0)
    ax.scatter(sizes[bad], k[bad], s=34, marker="D", color=PALETTE["ML"], label="not to be trusted")
    ax.axhline(threshold, color=PALETTE["truth"], linestyle="--", linewidth=1)
    ax.set(xlabel="course scores in the school", ylabel="Pareto $k$", title=title)
    ax.legend(loc="upper right")
    return figure


def imputed_scores(students: pd.DataFrame, filled: NDArray[np.float64]) -> Figure:
    """Draw course against written scores, imputed ones with half of their copies as a line.

    Parameters
    ----------
    students : pandas.DataFrame
        All students, as `load_gcse` has them.
    filled : numpy.ndarray, shape (M, N)
        Copies of the course scores, by `impute`.
    """
    lacks = students["course"].isna().to_numpy()
    figure, ax = plt.subplots(figsize=(5.6, 3.8))
    ax.scatter(
        students["written"],
        students["course"],
        s=7,
        alpha=0.3,
        color=PALETTE["data"],
        linewidth=0,
        label="both scores",
    )
    low, middle, high = np.quantile(filled[:, lacks], [0.25, 0.5, 0.75], axis=0)
    for gender, code in GENDERS.items():
        rows = students.loc[lacks, "female"].to_numpy() == code
        written, colour = students.loc[lacks, "written"].to_numpy()[rows], PALETTE[gender]
        ax.vlines(written, low[rows], high[rows], color=colour, alpha=0.35, linewidth=1)
        ax.scatter(
            written,
            middle[rows],
            s=14,
            marker=MARKERS[gender],
            color=colour,
            label=f"{gender}, imputed",
        )
    ax.axhline(100, color=PALETTE["truth"], linewidth=0.8)
    ax.set(xlabel=WRITTEN, ylabel=COURSE, title="Imputed: median and middle half")
    ax.legend(loc="lower right", markerscale=1.5, fontsize="small")
    return figure


def intercepts_by_predictor(
    u: pd.Series[float], intercepts: pd.DataFrame, line: NDArray[np.float64], xlabel: str
) -> Figure:
    """Draw each school's intercept against its predictor, and the regression of one on the other.

    Parameters
    ----------
    u : pandas.Series
        The predictor, by school.
    intercepts : pandas.DataFrame
        Columns ``mean`` and ``sd``, by school.
    line : numpy.ndarray, shape (S, 2)
        Draws of the intercept and the slope of the regression.
    xlabel : str
        What the predictor is.
    """
    figure, ax = plt.subplots(figsize=(5.6, 3.6))
    grid = np.linspace(u.min() - 0.2, u.max() + 0.2, 60)
    lines = line[:, :1] + line[:, 1:] * grid
    low, high = np.quantile(lines, [0.025, 0.975], axis=0)
    ax.fill_between(grid, low, high, color=PALETTE["posterior"], alpha=0.2, linewidth=0)
    ax.plot(grid, lines.mean(axis=0), color=PALETTE["posterior"], linewidth=2)
    ax.errorbar(
        u[intercepts.index],
        intercepts["mean"],
        intercepts["sd"],
        fmt="o",
        markersize=4,
        color=PALETTE["data"],
        alpha=0.6,
        linewidth=1,
    )
    ax.set(xlabel=xlabel, ylabel="expected score of a boy (%)", title="Schools by their predictor")
    return figure
