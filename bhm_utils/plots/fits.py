"""Estimates and posteriors, whichever engine they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import seaborn as sns

from ..engines import MLFit
from .style import PALETTE, panel_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.figure import Figure

    from ..engines import BayesFit
    from ..engines.fits import Fit


def forest(
    fits: Mapping[str, Fit], parameters: Sequence[str], ci_prob: float = 0.95, columns: int = 3
) -> Figure:
    """One panel a parameter: estimate and interval of each fit, maximum likelihood in its colour.

    Parameters
    ----------
    fits : mapping of str to fit
        Label to fit, drawn from top to bottom.
    parameters : sequence of str
        Which rows of the summaries to draw.
    ci_prob : float, default 0.95
        Probability of the intervals.
    columns : int, default 3
        Panels in a row.

    Raises
    ------
    ValueError
        If no fit has one of the parameters.
    """
    tables = {label: fit.summary(ci_prob=ci_prob) for label, fit in fits.items()}
    unknown = [name for name in parameters if not any(name in t.index for t in tables.values())]
    if unknown:
        raise ValueError(f"parameters has {unknown}, which no fit has")
    figure, axes = panel_grid(len(parameters), columns, (6, 1 + 0.26 * len(fits)), sharey=True)
    for ax, parameter in zip(axes.flat, parameters, strict=False):
        for position, (label, table) in enumerate(tables.items()):
            if parameter not in table.index:
                continue
            is_ml = isinstance(fits[label], MLFit)
            mean, _, lower, upper = table.loc[parameter].to_numpy(dtype=float)[:4]
            colour = PALETTE["ML" if is_ml else "Bayes"]
            ax.hlines(position, lower, upper, color=colour)
            ax.plot(mean, position, "s" if is_ml else "o", color=colour, markersize=5)
        ax.set(title=parameter, yticks=range(len(fits)), yticklabels=list(fits))
        ax.set_ylim(len(fits) - 0.5, -0.5)
        ax.xaxis.grid(visible=True, alpha=0.4)
    figure.supxlabel(f"estimate and {100 * ci_prob:g}% interval", fontsize="medium")
    return figure


def posterior_with_marks(
    fit: BayesFit, parameter: str, marks: Mapping[str, float], xlabel: str
) -> Figure:
    """Posterior density of one parameter, with values to compare it with as labelled lines."""
    draws = fit.tree["posterior"].dataset[parameter].to_numpy().ravel()
    figure, ax = plt.subplots(figsize=(5.4, 4))
    sns.kdeplot(x=draws, ax=ax, color=PALETTE["posterior"], fill=True, alpha=0.25, linewidth=2)
    lines = ["-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1))]
    for (label, value), line in zip(marks.items(), lines, strict=False):
        colour = PALETTE["ML" if "ML" in label else "Bayes"]
        ax.axvline(value, color=colour, linestyle=line, label=f"{label}: {value:.2f}")
    ax.set(xlabel=xlabel, ylabel="posterior density", title=f"Posterior of {parameter}")
    figure.legend(loc="outside lower center", ncols=2)
    return figure


def implied_sds(sds: pd.DataFrame, xlabel: str, ylabel: str) -> Figure:
    """Dot plot of standard deviations: one row a model, one marker a column of `sds`."""
    figure, ax = plt.subplots(figsize=(5.4, 1.2 + 0.4 * len(sds)))
    for column, marker in zip(sds.columns, "so^D", strict=False):
        ax.scatter(
            sds[column],
            range(len(sds)),
            marker=marker,
            label=column,
            s=36,
            color=PALETTE.get(str(column), PALETTE["data"]),
        )
    ax.set(yticks=range(len(sds)), yticklabels=sds.index, xlabel=xlabel, ylabel=ylabel)
    ax.set_title("Spread between schools")
    ax.set_ylim(len(sds) - 0.5, -0.5)
    ax.xaxis.grid(visible=True, alpha=0.4)
    figure.legend(loc="outside lower center", ncols=len(sds.columns))
    return figure
