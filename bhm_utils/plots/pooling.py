"""Complete, no and partial pooling; hyperpriors; the two forms of one prior."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np

from .structure import INCOME, SCORE
from .style import PALETTE, panel_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike, NDArray

# Least squares in each school is its maximum likelihood; partial pooling is Bayes.
METHODS: dict[str, dict[str, Any]] = {
    "complete": {"color": PALETTE["data"], "linestyle": "-.", "marker": "s"},
    "none": {"color": PALETTE["ML"], "linestyle": "--", "marker": "^"},
    "partial": {"color": PALETTE["Bayes"], "linestyle": "-", "marker": "o"},
    "truth": {"color": PALETTE["truth"], "linestyle": ":", "marker": "D"},
}


def pooled_lines(
    data: pd.DataFrame,
    lines: Mapping[str, pd.DataFrame],
    columns: int = 2,
    *,
    x: str = "income",
    y: str = "score",
    labels: tuple[str, str] = (INCOME, SCORE),
    band: pd.DataFrame | None = None,
) -> Figure:
    """Draw one panel a school: its students, and its line by each method.

    Parameters
    ----------
    data : pandas.DataFrame
        Columns `x`, `y` and ``school``.
    lines : mapping of str to pandas.DataFrame
        Method (a key of `METHODS`) to columns ``intercept`` and ``slope``; the rows of the first
        one are the schools that are drawn.
    columns : int, default 2
        Panels in a row.
    x, y : str
        Columns of `data`. An `x` of 0 and 1 only is a gender; its dots are spread out a little.
    labels : tuple of str
        What `x` and `y` are, with units.
    band : pandas.DataFrame, optional
        Interval of partial pooling: index (school, value of x), the bounds in the last two columns.

    Raises
    ------
    ValueError
        If a method is unknown.
    """
    unknown = sorted(set(lines) - set(METHODS))
    if unknown:
        raise ValueError(f"lines has {unknown}; the methods are {list(METHODS)}")
    schools = list(next(iter(lines.values())).index)
    gender = set(data[x]) <= {0, 1}
    figure, axes = panel_grid(len(schools), columns, (6.4, 2.1), 0.5, sharex=True, sharey=True)
    ends = np.array([0, 1] if gender else [-2.5, 2.5])
    for ax, school in zip(axes.flat, schools, strict=False):
        own = data[data["school"] == school]
        spread = np.resize([-0.06, 0.02, -0.02, 0.06], len(own)) if gender else 0.0
        ax.scatter(own[x] + spread, own[y], s=9, color=PALETTE["data"], alpha=0.6, lw=0)
        if band is not None:
            bounds = band.loc[school].iloc[:, -2:]
            ax.fill_between(
                bounds.index, *bounds.to_numpy().T, color=PALETTE["Bayes"], alpha=0.2, linewidth=0
            )
        for method, table in lines.items():
            style = METHODS[method]
            a, b = table.loc[school, ["intercept", "slope"]]
            label = "truth" if method == "truth" else f"{method} pooling".replace("none", "no")
            ax.plot(
                ends,
                a + b * ends,
                color=style["color"],
                linestyle=style["linestyle"],
                linewidth=1.7,
                label=label,
            )
        ax.set_title(f"school {school}: {len(own)} students", fontsize="medium")
    low, high = data[y].min() - 4, data[y].max() + 4
    axes[0, 0].set(ylim=(low, high))
    if gender:
        axes[0, 0].set(xlim=(-0.25, 1.25), xticks=[0, 1], xticklabels=["boys", "girls"])
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(
        handles,
        names,
        loc="outside upper center",
        ncols=len(lines) if len(lines) < 4 else 2,
        fontsize="small",
    )
    figure.supxlabel(labels[0], fontsize="medium")
    figure.supylabel(labels[1], fontsize="medium")
    return figure


def error_curves(
    rmse: pd.DataFrame, mcse: pd.DataFrame, marks: tuple[float, str], xlabel: str, ylabel: str
) -> Figure:
    """Draw the error of each method over worlds.

    Parameters
    ----------
    rmse, mcse : pandas.DataFrame
        Root mean square errors and their Monte Carlo errors: a row a world, which is a number, and
        a column a method of `METHODS`. Bars of two Monte Carlo errors are drawn.
    marks : tuple of float and str
        A world to mark by a line, and its label.
    xlabel, ylabel : str
        What the axes show, with units.
    """
    figure, ax = plt.subplots(figsize=(6.4, 3.6))
    for method in rmse.columns:
        label = f"{method} pooling".replace("none", "no")
        ax.errorbar(
            rmse.index, rmse[method], 2 * mcse[method], label=label, capsize=2, **METHODS[method]
        )
    at, words = marks
    ax.axvline(at, color=PALETTE["truth"], linewidth=0.8, linestyle=":")
    ax.annotate(
        words,
        (at, 0.02),
        xycoords=("data", "axes fraction"),
        xytext=(4, 3),
        textcoords="offset points",
        fontsize="small",
    )
    top = 1.6 * float(rmse.drop(columns="complete", errors="ignore").to_numpy().max())
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, top))
    ax.set_title("Pooling, from alike to unlike groups")
    ax.legend(loc="upper left")
    return figure


def prior_schools(
    means: Mapping[str, ArrayLike], bounds: tuple[float, float], xlabel: str
) -> Figure:
    """Draw school means that priors imply: one panel a prior, one row of dots a simulated system.

    Parameters
    ----------
    means : mapping of str to array_like, shape (systems, schools)
        Label of the prior to simulated means.
    bounds : tuple of float
        What is possible; shaded. Means far beyond are gathered at the margin, as arrowheads.
    xlabel : str
        What a mean is, with its unit.
    """
    figure, axes = plt.subplots(1, len(means), figsize=(6.4, 3.4), sharex=True, sharey=True)
    width = bounds[1] - bounds[0]
    low, high = bounds[0] - 0.6 * width, bounds[1] + 0.6 * width
    for ax, (label, values) in zip(np.atleast_1d(axes), means.items(), strict=True):
        table = np.asarray(values, dtype=float)
        rows = np.broadcast_to(np.arange(1, len(table) + 1)[:, None], table.shape)
        ax.axvspan(*bounds, color=PALETTE["missing"], alpha=0.18, linewidth=0)
        inside = (table > low) & (table < high)
        dots = {"color": PALETTE["prior"], "alpha": 0.7, "linewidth": 0}
        ax.scatter(table[inside], rows[inside], s=11, **dots)
        for side, beyond, marker in [(low, table <= low, "<"), (high, table >= high, ">")]:
            ax.scatter(np.full(beyond.sum(), side), rows[beyond], s=22, marker=marker, **dots)
        ax.set(xlim=(low - 0.05 * width, high + 0.05 * width), ylim=(len(table) + 0.7, 0.3))
        ax.set_xticks([bounds[0], sum(bounds) / 2, bounds[1]])
        ax.set_title(label, fontsize="medium")
    np.atleast_1d(axes)[0].set(ylabel="simulated school system", yticks=[1, len(table)])
    figure.supxlabel(xlabel, fontsize="medium")
    return figure


def funnel(
    effect: NDArray[np.float64], offset: NDArray[np.float64], sd: NDArray[np.float64]
) -> Figure:
    """Draw one prior in two coordinates: the effect, and the standardised offset, by log sd."""
    figure, axes = plt.subplots(1, 2, sharey=True, figsize=(6.4, 3.4))
    for ax, x, title, label in [
        (axes[0], effect, "centred", r"effect $\eta_j$ (points)"),
        (axes[1], offset, "non-centred", r"offset $z_j = \eta_j / \sigma_\alpha$"),
    ]:
        ax.scatter(x, np.log(sd), s=5, alpha=0.35, color=PALETTE["prior"], linewidth=0)
        ax.set(xlabel=label, title=title)
        reach = np.quantile(np.abs(x), 0.99) * 1.05
        ax.set_xlim(-reach, reach)
    axes[0].set(ylabel=r"$\log \sigma_\alpha$", ylim=np.quantile(np.log(sd), [0.002, 0.998]))
    return figure
