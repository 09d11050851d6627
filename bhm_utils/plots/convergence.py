"""Convergence: what chains look like before and after it, and what the statistics see."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import scipy.stats as st

from ..convergence import gelman_rubin
from .style import PALETTE, Z95, panel_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

# Shades of the posterior's blue and a grey: told apart by lightness and by line.
CHAINS = [("#0B2C45", "-"), (PALETTE["posterior"], "-"), ("#4C9ACB", "-"), ("#6E6E6E", "--")]


def burn_in(chain: Array, cut: int, label: str) -> Figure:
    """One chain three times: as it is, with a line where it is cut, and what is left.

    Parameters
    ----------
    chain : numpy.ndarray, shape (draws,)
        From its start.
    cut : int
        How many draws are thrown away.
    label : str
        What the draws are of, with the unit.
    """
    figure, axes = plt.subplots(3, 1, figsize=(5.4, 5), sharex=True, sharey=True)
    draws = np.arange(len(chain))
    titles = ["A chain from its start", f"A line at draw {cut}", "The burn-in removed"]
    for ax, title, first in zip(axes, titles, [0, 0, cut], strict=True):
        ax.plot(draws[first:], chain[first:], color=PALETTE["posterior"], linewidth=0.8)
        ax.set(title=title, ylabel=label)
    axes[1].axvline(cut, color=PALETTE["data"], linestyle="--", linewidth=2)
    axes[2].set(xlabel="draw")
    return figure


def one_and_all(chains: Array, window: tuple[int, int], label: str, alone: int = 0) -> Figure:
    """One chain in a window of draws, and all chains in the same window.

    Parameters
    ----------
    chains : numpy.ndarray, shape (chains, draws)
        From their start.
    window : tuple of int
        First draw, and the draw after the last.
    label : str
        What the draws are of, with the unit.
    alone : int, default 0
        Which chain is shown alone.
    """
    figure, axes = plt.subplots(2, 1, figsize=(5.4, 4), sharex=True, sharey=True)
    for ax, some, title in [
        (axes[0], {alone}, "One chain"),
        (axes[1], None, "All chains, the same draws"),
    ]:
        _traces(ax, chains, window, some)
        ax.set(title=title, ylabel=label)
    axes[1].set(xlabel="draw")
    return figure


def windows(chains: Array, parts: Mapping[str, tuple[int, int]], label: str) -> Figure:
    r"""Chains in windows of draws; each title has the :math:`\hat R` of its own window.

    Parameters
    ----------
    chains : numpy.ndarray, shape (chains, draws)
        From their start.
    parts : mapping
        Title to first draw and the draw after the last.
    label : str
        What the draws are of, with the unit.
    """
    figure, axes = panel_grid(len(parts), 1, (5.4, 2.2), sharey=True)
    for ax, (title, window) in zip(axes[:, 0], parts.items(), strict=True):
        _traces(ax, chains, window)
        rhat = gelman_rubin(chains[:, slice(*window)]).rhat
        ax.set(title=rf"{title}: $\hat{{R}}$ = {rhat:.2f}", ylabel=label, xlabel="draw")
    return figure


def running(curves: Mapping[str, Array], at: Sequence[int], limits: Sequence[float]) -> Figure:
    r"""Draw :math:`\hat R` against the number of draws.

    Parameters
    ----------
    curves : mapping of str to numpy.ndarray, shape (len(at),)
        One line each.
    at : sequence of int
        Numbers of draws.
    limits : sequence of float
        Values to mark.
    """
    figure, ax = plt.subplots(figsize=(5.4, 3.6))
    styles = [(PALETTE["posterior"], "-"), ("#6E6E6E", "--")]
    for (name, values), (colour, line) in zip(curves.items(), styles, strict=False):
        ax.plot(at, values - 1, color=colour, linestyle=line, linewidth=2, label=name)
    for limit in limits:
        ax.axhline(limit - 1, color=PALETTE["truth"], linewidth=0.9, linestyle=":")
    ticks = [1.001, *limits, 2, 5, 20]
    ax.set(xscale="log", yscale="log", xlabel="draws of each chain", ylabel=r"$\hat{R}$")
    ax.set_yticks([tick - 1 for tick in ticks], [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set(ylim=(8e-4, 30), title=r"$\hat{R}$ as the chains grow")
    ax.legend(loc="upper right")
    return figure


def foolers(cases: Mapping[str, Array], limits: Mapping[str, tuple[float, float]]) -> Figure:
    """Traces of chains, and how the ranks of each chain are spread among all.

    Parameters
    ----------
    cases : mapping of str to numpy.ndarray, shape (chains, draws)
        A row each.
    limits : mapping of str to tuple of float
        Range of the vertical axis of a row, where the draws go further than the eye needs.
    """
    figure, axes = panel_grid(2 * len(cases), 2, (5.4, 1.8), sharex="col")
    for (left, right), (title, chains) in zip(axes, cases.items(), strict=True):
        for k, chain in reversed(list(enumerate(chains))):
            colour, _ = CHAINS[k % 4]
            left.plot(chain, ".", color=colour, markersize=1.5)
        left.set(title=title, ylabel="value", ylim=limits.get(title))
        ranks = st.rankdata(chains).reshape(chains.shape) / chains.size
        for k, chain in enumerate(ranks):
            colour, line = CHAINS[k % 4]
            counts, edges = np.histogram(chain, bins=20, range=(0, 1))
            right.stairs(
                100 * counts / len(chain), edges, color=colour, linestyle=line, baseline=None
            )
        right.set(ylabel="% of draws", ylim=(0, None))
        right.axhline(5, color=PALETTE["truth"], linewidth=0.8, linestyle=":")
    axes[0, 1].set(title="Ranks, chain by chain")
    axes[-1, 0].set(xlabel="draw")
    axes[-1, 1].set(xlabel="rank among all draws (share)")
    return figure


def divergences(
    across: Array, log_sd: Array, diverging: Array, sd: tuple[float, float], labels: Sequence[str]
) -> Figure:
    """Draws in a funnel, those that diverged, and where nearly all of the target lies.

    Parameters
    ----------
    across, log_sd : numpy.ndarray, shape (draws,)
        An effect, and the logarithm of its standard deviation.
    diverging : numpy.ndarray of bool, shape (draws,)
        Which of the draws diverged.
    sd : tuple of float
        Mean and standard deviation of the normal distribution of `log_sd`.
    labels : sequence of str
        Names of the axes.
    """
    figure, ax = plt.subplots(figsize=(5.4, 3.8))
    ax.plot(across, log_sd, ".", color=PALETTE["posterior"], alpha=0.25, markersize=3)
    ax.plot([], [], ".", color=PALETTE["posterior"], label="draws")
    ax.plot(
        across[diverging],
        log_sd[diverging],
        "X",
        color=PALETTE["ML"],
        markersize=8,
        label="diverged",
    )
    grid = sd[0] + sd[1] * np.linspace(-2.6, 2.6)
    for side, label in [(-1, "95% of the target at each height"), (1, None)]:
        ax.plot(
            side * Z95 * np.exp(grid), grid, color=PALETTE["truth"], linestyle="--", label=label
        )
    width = 2.2 * np.exp(sd[0] + sd[1])
    ax.set(xlabel=labels[0], ylabel=labels[1], title="A funnel", xlim=(-width, width))
    figure.legend(*ax.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def _traces(ax: Axes, chains: Array, window: tuple[int, int], some: set[int] | None = None) -> None:
    """Draw all chains, or some; a chain keeps its colour."""
    draws = np.arange(*window)
    width = 1.2 if len(draws) < 1000 else 0.5
    for k, chain in enumerate(chains):
        if some is not None and k not in some:
            continue
        colour, line = CHAINS[k % 4]
        ax.plot(draws, chain[slice(*window)], color=colour, linestyle=line, linewidth=width)
