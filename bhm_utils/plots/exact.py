"""The exact posterior, and what it does to the groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from .style import PALETTE, panel_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from ..engines import BayesFit
    from ..exact import ExactPosterior


def shrinkage(
    conditional: pd.DataFrame,
    density: ArrayLike,
    answers: pd.Series[float],
    marked: Mapping[str, str],
    xlabel: str,
    ylabel: str,
) -> Figure:
    """Draw groups' means as functions of the sd between groups, over the density of that sd.

    Parameters
    ----------
    conditional : pandas.DataFrame, shape (sds, groups)
        Posterior mean of each group given the sd between groups, which is the index.
    density : array_like, shape (sds,)
        Posterior density of the sd.
    answers : pandas.Series
        Posterior mean of each group, the sd averaged over.
    marked : mapping of str to str
        Groups to draw boldly, with their labels.
    xlabel, ylabel : str
        What the sd and the means are, with units.
    """
    sds, values = conditional.index.to_numpy(dtype=float), np.asarray(density)
    figure, (top, bottom) = plt.subplots(
        2, 1, sharex=True, figsize=(5.4, 5.6), height_ratios=[2.4, 1]
    )
    top.plot(sds, conditional, color=PALETTE["data"], linewidth=0.5, alpha=0.35)
    middle = sds[np.searchsorted(np.cumsum(values) / values.sum(), 0.5)]
    for (group, label), line in zip(marked.items(), ["-", "--", "-.", ":"] * 5, strict=False):
        top.plot(sds, conditional[group], color=PALETTE["posterior"], linestyle=line, linewidth=1.8)
        top.plot(middle, answers[group], "o", color=PALETTE["posterior"], markersize=5)
        top.annotate(
            label,
            (sds[-1], conditional[group].iloc[-1]),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            fontsize="small",
        )
    for ax in (top, bottom):
        ax.axvline(middle, color=PALETTE["posterior"], linestyle=":", linewidth=1)
    bottom.fill_between(sds, values, color=PALETTE["posterior"], alpha=0.25)
    bottom.plot(sds, values, color=PALETTE["posterior"])
    top.set(ylabel=ylabel, title="Each school's mean, if we knew the spread between schools")
    bottom.set(xlabel=xlabel, ylabel="posterior density", ylim=(0, None), xlim=(0, sds[-1]))
    bottom.set_title("What the data say about that spread")
    return figure


def exact_and_draws(
    posterior: ExactPosterior, fit: BayesFit, parameters: Mapping[str, str], columns: int = 2
) -> Figure:
    """Draw exact posterior densities as lines over histograms of a sampler's draws.

    Parameters
    ----------
    posterior : ExactPosterior
        The exact answer.
    fit : BayesFit
        Draws of the same posterior.
    parameters : mapping of str to str
        Names of the parameters to draw, with labels for their axes.
    columns : int, default 2
        Panels in a row.
    """
    figure, axes = panel_grid(len(parameters), columns, (5.4, 2.1))
    for ax, (name, label) in zip(axes.flat, parameters.items(), strict=False):
        draws = fit.tree["posterior"].dataset[name].to_numpy().ravel()
        low, high = posterior.quantile(name, [1e-4, 1 - 1e-4])
        grid = np.linspace(low, high, 300)
        ax.hist(draws, bins=40, density=True, color=PALETTE["missing"], alpha=0.5, label=fit.engine)
        ax.plot(grid, posterior.density(name, grid), color=PALETTE["posterior"], label="exact")
        ax.set(xlabel=label, ylabel="posterior density", title=name)
    axes[0, 0].legend(loc="upper right", fontsize="small")
    return figure


def densities(curves: Mapping[str, tuple[ArrayLike, ArrayLike]], xlabel: str, title: str) -> Figure:
    """Draw densities of one parameter: label to (x, density)."""
    figure, ax = plt.subplots(figsize=(5.4, 3))
    lines: Sequence[object] = ["-", "--", ":", "-.", (0, (5, 1))]
    for (label, (x, density)), line in zip(curves.items(), lines, strict=False):
        colour = PALETTE.get(label, PALETTE["posterior"])
        ax.plot(x, density, color=colour, linestyle=line, label=label)
    ax.set(xlabel=xlabel, ylabel="posterior density", title=title, ylim=(0, None))
    ax.legend()
    return figure
