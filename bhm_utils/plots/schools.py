"""Schools compared: intervals, ranks, pairs, and what uncertainty is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from ..conjugate import Normal
from .pooling import METHODS
from .style import COURSE, GENDERS, MARKERS, PALETTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike


def caterpillar(table: pd.DataFrame, reference: float, ylabel: str) -> Figure:
    """Mean and interval of each group, sorted; strong where the interval excludes `reference`.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a group: ``mean``, and the interval bounds in the last two columns.
    reference : float
        Where to draw a line.
    ylabel : str
        What the numbers are, with the unit.
    """
    rows = table.sort_values("mean")
    lower, upper = rows.iloc[:, -2], rows.iloc[:, -1]
    apart = ((lower > reference) | (upper < reference)).to_numpy()
    at = np.arange(1, len(rows) + 1)
    figure, ax = plt.subplots(figsize=(6.4, 3.9))
    for some, colour, marker, label in [
        (apart, PALETTE["posterior"], "o", f"interval excludes the line ({apart.sum()})"),
        (~apart, PALETTE["missing"], "s", f"interval includes it ({(~apart).sum()})"),
    ]:
        ax.vlines(at[some], lower[some], upper[some], color=colour, linewidth=1.6)
        ax.plot(at[some], rows["mean"][some], marker, color=colour, markersize=4, label=label)
    ax.axhline(reference, color=PALETTE["truth"], linestyle="--", linewidth=1)
    ax.set(
        xlabel=f"the {len(rows)} schools, sorted by posterior mean",
        ylabel=ylabel,
        title="Posterior mean and 95% interval",
        xlim=(0, len(rows) + 1),
    )
    ax.legend(loc="upper left")
    return figure


def shrinkage_by_size(estimates: pd.DataFrame) -> Figure:
    """Draw where no pooling was and where partial pooling is, by number of students.

    Parameters
    ----------
    estimates : pandas.DataFrame
        As `pooling_estimates` returns it.
    """
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 4), sharex=True, sharey=True)
    for ax, (gender, code) in zip(axes, GENDERS.items(), strict=True):
        cells = estimates.xs(code, level=1)
        size = np.sqrt(cells["n"])
        ax.vlines(size, cells["none"], cells["partial"], color=PALETTE["missing"], linewidth=1)
        for method, label in [("none", "no pooling"), ("partial", "partial pooling")]:
            look = METHODS[method] | {"linestyle": "", "markersize": 4}
            ax.plot(size, cells[method], label=label, **look)
        look = METHODS["complete"] | {"marker": ""}
        ax.axhline(cells["complete"].iloc[0], label="complete pooling", **look)
        ticks = [n for n in (0, 1, 4, 10, 20, 40, 70) if n <= 1.1 * estimates["n"].max()]
        ax.set_xticks(np.sqrt(ticks), [str(n) for n in ticks])
        ax.set(xlabel=f"{gender} with a score in the school", title=gender.capitalize())
    axes[0].set(ylabel=COURSE)
    figure.legend(
        *axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=3, fontsize="small"
    )
    return figure


def rank_intervals(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Mean and interval of each group's rank, one panel a table, each sorted by itself.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        Title to what `rank_groups` returns.
    """
    figure, axes = plt.subplots(1, len(tables), figsize=(6, 5.4), sharex=True, sharey=True)
    for ax, (title, table) in zip(np.atleast_1d(axes), tables.items(), strict=True):
        rows = table.sort_values("mean")
        at = np.arange(1, len(rows) + 1)
        colour = PALETTE.get(title, PALETTE["posterior"])
        ax.hlines(at, rows.iloc[:, 2], rows.iloc[:, 3], color=colour, linewidth=1.4, alpha=0.7)
        ax.plot(rows["mean"], at, MARKERS.get(title, "D"), color=colour, markersize=2.6)
        ax.axvline((len(rows) + 1) / 2, color=PALETTE["truth"], linestyle="--", linewidth=1)
        ax.set(xlabel="rank", title=title.capitalize(), xlim=(0, len(rows) + 1))
        ends = [1, (len(rows) + 1) // 2, len(rows)]
        ax.set(xticks=ends, yticks=ends)
    first = np.atleast_1d(axes)[0]
    first.set(ylabel="the schools, sorted by mean rank", ylim=(len(rows) + 1, 0))
    return figure


def pair_difference(
    draws: Mapping[str, ArrayLike], printed: tuple[float, float], xlabel: str
) -> Figure:
    """Draws of a difference, with mean and 95% interval, and what a label printed says of it.

    Parameters
    ----------
    draws : mapping of str to array_like
        Label to draws; the first are filled and summarised.
    printed : tuple of float
        Mean and standard deviation of the label.
    xlabel : str
        What the difference is, with the unit.
    """
    figure, ax = plt.subplots(figsize=(6.4, 4))
    first, *others = ((label, np.ravel(values)) for label, values in draws.items())
    low, high = np.quantile(first[1], [0.0005, 0.9995])
    bins = np.linspace(low, high, 45).tolist()
    ax.hist(
        first[1], bins=bins, density=True, color=PALETTE["posterior"], alpha=0.35, label=first[0]
    )
    for label, values in others:
        ax.hist(
            values, bins=bins, density=True, histtype="step", color=PALETTE["data"], label=label
        )
    marks = [first[1].mean(), *np.quantile(first[1], [0.025, 0.975])]
    for value, name in zip(marks, ["mean, 2.5% and 97.5%", None, None], strict=True):
        ax.axvline(value, color=PALETTE["posterior"], linestyle="--", linewidth=1.4, label=name)
    mean, sd = printed
    x = np.linspace(bins[0], bins[-1], 300)
    density = Normal(mean, sd).density(x)
    ax.plot(x, density, color=PALETTE["truth"], linestyle=":", linewidth=2, label="printed label")
    ax.axvline(0, color=PALETTE["truth"], linewidth=1)
    ax.set(xlabel=xlabel, ylabel="posterior density", title="A difference of two schools")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def pairs(probabilities: pd.DataFrame, level: float = 0.975) -> Figure:
    """Heat map of the probability that the school of the row is above that of the column.

    Parameters
    ----------
    probabilities : pandas.DataFrame
        As `pairwise_probabilities` returns it.
    level : float, default 0.975
        Probability from which a field is dark.
    """
    p = probabilities.to_numpy()
    shade = np.where(np.isnan(p), np.nan, np.searchsorted([1 - level, 0.5, level], p))
    colours = ListedColormap([PALETTE["missing"], "#E6E6E6", "#CFE0EC", PALETTE["posterior"]])
    figure, ax = plt.subplots(figsize=(5.8, 5.8))
    size = len(p)
    ax.imshow(shade, cmap=colours, vmin=-0.5, vmax=3.5, extent=(0.5, size + 0.5, size + 0.5, 0.5))
    percent = f"{100 * level:g}%"
    words = [
        f"below, with {percent} or more",
        "more likely below",
        "more likely above",
        f"above, with {percent} or more",
    ]
    handles = [Rectangle((0, 0), 1, 1, facecolor=colour) for colour in colours(np.arange(4))]
    order = [3, 2, 0, 1]
    figure.legend(
        [handles[k] for k in order],
        [words[k] for k in order],
        loc="outside upper center",
        ncols=2,
        title="the school of the row is",
    )
    ticks = [1, 10, 20, 30, 40, 50, 60, size]
    ax.set(
        xlabel="school of the column, by posterior mean",
        ylabel="school of the row, by posterior mean",
        xticks=[t for t in ticks if t <= size],
        yticks=[t for t in ticks if t <= size],
        title=f"All {size * (size - 1) // 2:,} pairs",
    )
    return figure


def sd_ratios(ratios: pd.DataFrame, students: pd.Series[int]) -> Figure:
    """Draw standard deviations relative to the full posterior's, by school size.

    Parameters
    ----------
    ratios : pandas.DataFrame
        One row a school, one column a way to compute the standard deviation.
    students : pandas.Series
        Number of students of each school.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.9))
    size = np.sqrt(students[ratios.index])
    colours = [PALETTE["ML"], "#D98A5B", PALETTE["data"]]
    for column, marker, colour in zip(ratios, "^so", colours, strict=False):
        ax.plot(size, ratios[column], marker, color=colour, markersize=4, label=column)
    ax.axhline(1, color=PALETTE["posterior"], linewidth=1.5, label="full posterior")
    ticks = [1, 4, 10, 20, 40, 70, 100]
    ax.set_xticks(np.sqrt(ticks), [str(n) for n in ticks])
    ax.set(
        xlabel="students with a course score in the school",
        ylabel="sd / posterior sd",
        title="How much of the uncertainty is seen",
    )
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=2)
    return figure


def diagnostics(table: pd.DataFrame, limits: tuple[float, float], draws: int) -> Figure:
    """R-hat and relative effective sample size of every parameter, as sorted dot plots.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a parameter, columns ``r_hat`` and ``ess_bulk``.
    limits : tuple of float
        Largest R-hat and smallest effective sample size of the gate.
    draws : int
        Draws of all chains together.
    """
    figure, axes = plt.subplots(1, 2, figsize=(6.4, 4.2), sharey=True)
    at = np.arange(1, len(table) + 1)
    for ax, values, limit, title, label in [
        (axes[0], table["r_hat"], limits[0], "Agreement of the chains", r"$\hat R$"),
        (
            axes[1],
            table["ess_bulk"] / draws,
            limits[1] / draws,
            "Worth of the draws",
            "effective sample size / draws",
        ),
    ]:
        ax.plot(np.sort(values), at, ".", color=PALETTE["posterior"], markersize=4)
        ax.axvline(limit, color=PALETTE["truth"], linestyle="--", label="limit of the gate")
        ax.set(title=title, xlabel=label)
    axes[1].set_xlim(0, None)
    axes[0].set(ylabel=f"the {len(table)} parameters, sorted")
    axes[0].legend(loc="center", fontsize="small")
    return figure
