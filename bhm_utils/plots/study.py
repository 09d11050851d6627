"""The Monte Carlo study of priors: one curve, dot or interval for each replicate or design."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter

from ..conjugate import Normal
from .style import PALETTE, panel_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

MARKERS = "os^vD"  # one a prior


def bundles(
    panels: Mapping[str, tuple[Array, Array]], truth: float, xlabel: str, columns: int = 2
) -> Figure:
    """Draw one translucent posterior density a replicate, and the truth as a vertical line.

    Parameters
    ----------
    panels : mapping of str to (grid, densities)
        Title to a grid (k,) and the densities of all replicates on it, (R, k).
    truth : float
        The parameter that the data were simulated with.
    xlabel : str
        Name of the parameter.
    columns : int, default 2
        Panels in a row.
    """
    figure, axes = panel_grid(len(panels), columns, (5.4, 2.1))
    for ax, (title, (grid, densities)) in zip(axes.flat, panels.items(), strict=False):
        alpha = min(1.0, max(0.04, 12 / len(densities)))
        ax.plot(grid, densities.T, color=PALETTE["posterior"], linewidth=0.8, alpha=alpha)
        ax.axvline(truth, color=PALETTE["truth"], linewidth=1, linestyle="--")
        ax.set(title=title, ylim=(0, None), xlim=(grid[0], grid[-1]), xlabel=xlabel)
        ax.set(yticks=[], ylabel="density")
    return figure


def ridge(
    panels: Mapping[str, pd.DataFrame],
    priors: Mapping[str, tuple[Normal, Normal]],
    truths: Mapping[str, tuple[float, float]],
    line: Mapping[str, float],
) -> Figure:
    """Scatter draws of two coefficients, one panel a model, with prior, truth and ridge.

    Parameters
    ----------
    panels : mapping of str to pandas.DataFrame
        Title to draws with two columns, for the horizontal and the vertical axis; their names are
        the labels.
    priors : mapping of str to pair of Normal
        Priors of both columns; one and two standard deviations are drawn. A flat one is a band.
    truths : mapping of str to pair of float
        What the data were simulated with.
    line : mapping of str to float
        Titles of the panels with a ridge, and its horizontal value plus 5 times the vertical.
    """
    figure, axes = panel_grid(len(panels), 1, (5.4, 3.5))
    turn = np.linspace(0, 2 * np.pi, 200)
    for ax, (title, draws) in zip(axes.flat, panels.items(), strict=True):
        x, y = (draws[name].to_numpy() for name in draws)
        ax.plot(x, y, ".", color=PALETTE["posterior"], markersize=2, alpha=0.4, label="posterior")
        first, second = priors[title]
        low, high = min(x.min(), -1.0), max(x.max(), 6.5)
        for k in (1, 2):
            label = "prior, 1 and 2 sd" if k == 1 else None
            style = {"color": PALETTE["prior"], "linestyle": "--", "label": label}
            if np.isinf(first.sd):
                for side in (-1, 1):
                    ax.axhline(second.mean + side * k * second.sd, **style)
                    style["label"] = None
            else:
                ax.plot(
                    first.mean + k * first.sd * np.cos(turn),
                    second.mean + k * second.sd * np.sin(turn),
                    **style,
                )
        if title in line:
            ends = np.array([low, high])
            ax.plot(
                ends,
                (line[title] - ends) / 5,
                color=PALETTE["likelihood"],
                linestyle="-.",
                label="the ridge",
            )
        ax.plot(*truths[title], "*", color=PALETTE["truth"], markersize=11, label="truth")
        labels = [str(name) for name in draws]
        ax.set(title=title, xlabel=labels[0], ylabel=labels[1], xlim=(low, high))
        ax.set(ylim=(-1, 4.2), aspect="equal")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, markerscale=1.5)
    return figure


def by_design(
    table: pd.DataFrame,
    criterion: str,
    parameters: Mapping[str, str],
    xlabel: str,
    reference: float | None = None,
    log: bool = False,
) -> Figure:
    """Dot plot of a criterion: a row a design, the smallest first, a marker a prior.

    Error bars are two Monte Carlo errors each side.

    Parameters
    ----------
    table : pandas.DataFrame
        Tables of `study_table` below each other, with the design as first level of the index:
        its process, a hyphen and its sizes.
    criterion : str
        Which column to draw.
    parameters : mapping of str to str
        Row name to what the panel calls it.
    xlabel : str
        Name of the criterion.
    reference : float, optional
        Where to draw a vertical line.
    log : bool, default False
        Draw on a logarithmic scale.

    Raises
    ------
    ValueError
        If the table has no such criterion.
    """
    if f"{criterion}_mcse" not in table:
        known = [name for name in table if f"{name}_mcse" in table]
        raise ValueError(f"criterion must be one of {known}, got {criterion!r}")
    levels = table.index.get_level_values
    processes = list(dict.fromkeys(d.split("-", 1)[0] for d in levels(0)))
    sizes = sorted(
        {d.split("-", 1)[1] for d in levels(0)},
        key=lambda size: [int(number) for number in re.findall(r"\d+", size)],
    )
    priors = list(dict.fromkeys(levels(1)))
    figure, axes = plt.subplots(
        len(parameters),
        len(processes),
        figsize=(5.4, 0.7 + (0.6 + 0.52 * len(sizes)) * len(parameters)),
        sharey=True,
        sharex="col",
        squeeze=False,
    )
    for row, (name, symbol) in zip(axes, parameters.items(), strict=True):
        for ax, process in zip(row, processes, strict=True):
            for k, prior in enumerate(priors):
                cells = table.loc[[(f"{process}-{size}", prior, name) for size in sizes]]
                ax.errorbar(
                    cells[criterion],
                    np.arange(len(sizes)) + 0.15 * (k - (len(priors) - 1) / 2),
                    xerr=2 * cells[f"{criterion}_mcse"],
                    fmt=MARKERS[k % len(MARKERS)],
                    color=PALETTE["prior" if k % 2 else "posterior"],
                    markerfacecolor="white" if k >= 2 else None,
                    markersize=4.5,
                    linewidth=1,
                    label=prior,
                )
            if reference is not None:
                ax.axvline(reference, color=PALETTE["truth"], linewidth=0.8)
            if log:
                ax.set_xscale("log")
                low, high = ax.get_xlim()
                subs = (1.0,) if high > 50 * low else (1.0, 2.0, 5.0)
                ax.xaxis.set_major_locator(LogLocator(subs=subs))
                ax.xaxis.set_major_formatter("{x:g}")
                ax.xaxis.set_minor_formatter(NullFormatter())
            ax.set(title=f"{symbol}, {process.replace('dgp', 'DGP ')}")
            ax.set(yticks=range(len(sizes)), yticklabels=[s.replace("-", ", ") for s in sizes])
            ax.set_ylim(len(sizes) - 0.5, -0.5)
            ax.xaxis.grid(visible=True, alpha=0.4)
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3)
    figure.supxlabel(xlabel, fontsize="medium")
    return figure


def shifts(
    ours: pd.DataFrame, marks: Mapping[str, tuple[float, float]], xlabel: str, ylabel: str
) -> Figure:
    """Scatter what a change of prior does to two averages, one dot a design, and other claims.

    Parameters
    ----------
    ours : pandas.DataFrame
        Two columns: the shifts on the horizontal and on the vertical axis.
    marks : mapping of str to pair of float
        Label to a point to compare with.
    xlabel, ylabel : str
        Names of the shifts.
    """
    figure, ax = plt.subplots(figsize=(5.4, 4))
    x, y = ours.to_numpy().T
    ax.scatter(x, y, s=18, color=PALETTE["posterior"], alpha=0.6, label="recomputed")
    for (label, at), marker in zip(marks.items(), "XPs", strict=False):
        ax.plot(*at, marker, color=PALETTE["truth"], markersize=10, linestyle="none", label=label)
    ends = [0, max(float(ours.max().max()), *(max(at) for at in marks.values()))]
    ax.plot(ends, ends, color=PALETTE["missing"], linestyle=":", label="equal shifts")
    ax.set(xlabel=xlabel, ylabel=ylabel, title="What a change of prior does")
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure


def rank_curves(positions: Mapping[str, Mapping[str, Array]]) -> Figure:
    """Draw how far the distribution of the truth's place in its posterior is from uniform.

    Parameters
    ----------
    positions : mapping of str to mapping of str to numpy.ndarray
        Panel to parameter to the posterior probabilities (R,) below the truth. The band is that
        in which 99% of uniform samples stay everywhere, by the Kolmogorov distribution.
    """
    from scipy.stats import kstwo

    figure, axes = panel_grid(len(positions), 1, (5.8, 2.3), sharex=True)
    lines = ["-", "--", "-.", ":"]
    for ax, (title, by_name) in zip(axes.flat, positions.items(), strict=True):
        for k, (name, values) in enumerate(by_name.items()):
            ordered = np.sort(values)
            share = np.arange(1, len(ordered) + 1) / len(ordered)
            ax.plot(
                ordered,
                share - ordered,
                linestyle=lines[k % len(lines)],
                color=PALETTE["posterior" if k < 2 else "data"],
                label=name,
            )
            edge = float(kstwo.ppf(0.99, len(ordered)))
        ax.axhspan(-edge, edge, color=PALETTE["missing"], alpha=0.2, linewidth=0)
        ax.set(title=title, ylabel="share minus uniform", xlim=(0, 1))
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    axes[-1, 0].set(xlabel="posterior probability below the truth")
    return figure


def agreement(z_scores: Mapping[str, Array]) -> Figure:
    """Draw histograms of z-scores, each on its own scale, with the standard normal density."""
    figure, axes = panel_grid(len(z_scores), 1, (5.4, 2.3))
    for ax, (title, z) in zip(axes.flat, z_scores.items(), strict=True):
        end = max(4.0, float(np.abs(z).max()))
        grid = np.linspace(-end, end, 1001)
        normal = Normal(0, 1).density(grid)
        bins = np.linspace(-end, end, 25 if z.size < 1000 else 61).tolist()
        ax.hist(z, bins=bins, density=True, color=PALETTE["posterior"], alpha=0.35)
        ax.plot(grid, normal, color=PALETTE["truth"], linestyle="--", label="standard normal")
        ax.set(title=title, ylabel="density", xlabel="difference / Monte Carlo error")
    axes[0, 0].legend(loc="upper right")
    return figure


def ladder(table: pd.DataFrame) -> Figure:
    """Dot plot of effective draws per second: a row a way to compute, a marker a process.

    Parameters
    ----------
    table : pandas.DataFrame
        As `benchmarks.ladder` writes it: columns ``process``, ``rung`` and ``ESS per second``,
        rows without the latter are left out.
    """
    known = table.dropna(subset="ESS per second")
    rungs = list(dict.fromkeys(known["rung"]))
    figure, ax = plt.subplots(figsize=(5.4, 0.9 + 0.38 * len(rungs)))
    for k, (process, rows) in enumerate(known.groupby("process")):
        ax.plot(
            rows["ESS per second"],
            [rungs.index(rung) for rung in rows["rung"]],
            MARKERS[k],
            color=PALETTE["posterior" if k else "data"],
            markerfacecolor="white" if k else None,
            label=process,
        )
    ax.set_xscale("log")
    ax.xaxis.set_major_formatter("{x:,g}")
    ax.xaxis.grid(visible=True, alpha=0.4)
    ax.set(yticks=range(len(rungs)), yticklabels=rungs, ylim=(len(rungs) - 0.5, -0.5))
    ax.set(xlabel="effective draws per second on one core", title="One posterior, many ways")
    ax.legend(loc="upper right")
    return figure
