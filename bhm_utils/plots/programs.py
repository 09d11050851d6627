"""One model in several programs: the data, and the draws of each program over the exact answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np

from .style import PALETTE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import ArrayLike

    from ..exact import ExactPosterior
    from ..simulate import Simulation


def varying_slopes(simulations: Mapping[str, Simulation]) -> Figure:
    """Draw the first replicate of each simulation, one panel each, with the groups' true lines.

    Parameters
    ----------
    simulations : mapping of str to Simulation
        Title of the panel to data; the lines go back to x = 0.
    """
    figure, axes = plt.subplots(1, len(simulations), figsize=(5.6, 3), squeeze=False)
    for ax, (title, simulation) in zip(axes.flat, simulations.items(), strict=True):
        data, truth = simulation.data, simulation.truth
        ends = np.array([min(data["x"].min(), 0.0), max(data["x"].max(), 0.0)])
        for (_, rows), slope, marker, line in zip(
            data.groupby("g"),
            simulation.slopes[0],
            "os^Dv<>Xph" * len(data),
            ["-", "--", "-.", ":", (0, (5, 1))] * len(data),
            strict=False,
        ):
            ax.plot(ends, truth.alpha + slope * ends, color=PALETTE["truth"], ls=line, lw=1)
            ax.scatter(rows["x"], rows["y"], marker=marker, s=18, alpha=0.5, color=PALETTE["data"])
        ax.set(xlabel="x", ylabel="y", title=title)
    return figure


def programs_and_exact(
    posteriors: Mapping[str, ExactPosterior],
    draws: Mapping[str, Mapping[str, ArrayLike]],
    parameter: str,
    truth: float,
    xlabel: str,
) -> Figure:
    """Draw one parameter's exact density, and histograms of programs' draws over it.

    Parameters
    ----------
    posteriors : mapping of str to ExactPosterior
        Title of the panel to the exact answer.
    draws : mapping of str to mapping of str to array_like
        For each panel, name of the program to its draws of the parameter.
    parameter : str
        Which parameter.
    truth : float
        The value that the data were simulated with.
    xlabel : str
        What the parameter is.
    """
    figure, axes = plt.subplots(1, len(posteriors), figsize=(5.6, 3), squeeze=False)
    for ax, (title, posterior) in zip(axes.flat, posteriors.items(), strict=True):
        low, high = posterior.quantile(parameter, [0.001, 0.999])
        grid = np.linspace(low, high, 300)
        ax.plot(grid, posterior.density(parameter, grid), color=PALETTE["posterior"], label="exact")
        for (name, values), line in zip(draws[title].items(), ["--", ":", "-."], strict=False):
            bins = np.linspace(low, high, 31)
            counts, _ = np.histogram(np.ravel(values), bins)
            heights = counts / (np.size(values) * np.diff(bins))
            ax.stairs(heights, bins, color=PALETTE["data"], ls=line, lw=1.4, label=name)
        ax.axvline(truth, color=PALETTE["truth"], lw=1, label="truth")
        ax.set(xlabel=xlabel, title=title)
        ax.set_ylim(0, 1.05 * ax.get_ylim()[1])
    axes[0, 0].set_ylabel("posterior density")
    handles, labels = axes.flat[-1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure
