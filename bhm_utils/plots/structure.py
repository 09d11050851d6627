"""The structure of a hierarchical model, and what varies in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

from .style import PALETTE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..simulate import SchoolSimulation

SCORE = "test score (points)"
INCOME = "parental income (sd)"
TEACHERS = "teachers (sd)"
SEEN = "#DDDDDD"


def structure_graph() -> Figure:
    """Draw a hierarchical model as a graph: circles random, squares fixed, grey what is seen."""
    figure, ax = plt.subplots(figsize=(6.4, 4))
    columns = {"1": 1.4, "2": 3.8, "J": 7.2}
    phi = (4.0, 4.2)
    radius = 0.36
    _node(ax, phi, r"$\phi$", radius)
    for j, at in columns.items():
        theta, y = (at, 2.5), (at, 0.7)
        u, x = (at - 1.1, 2.5), (at - 1.1, 0.7)
        _node(ax, theta, rf"$\theta_{j}$", radius)
        _node(ax, y, f"$y^{{({j})}}$", radius, seen=True)
        _node(ax, u, f"$u_{j}$", radius, fixed=True)
        _node(ax, x, f"$x^{{({j})}}$", radius, fixed=True)
        for start, end in [(phi, theta), (theta, y), (u, theta), (x, y)]:
            _arrow(ax, start, end)
    for height in (2.5, 0.7):
        ax.text(5.0, height, r"$\cdots$", ha="center", va="center", fontsize=16)
    kinds = [("random", "o", "white"), ("random, seen", "o", SEEN), ("fixed", "s", SEEN)]
    ax.legend(
        handles=[
            Line2D([], [], linestyle="", marker=m, markersize=10, mfc=c, mec="black", label=label)
            for label, m, c in kinds
        ],
        loc="upper center",
        bbox_to_anchor=(0.5, 0.02),
        ncols=3,
        fontsize="medium",
    )
    ax.set(xlim=(-0.2, 7.8), ylim=(0.1, 4.7), aspect="equal")
    ax.set_axis_off()
    return figure


def _node(
    ax: Axes,
    at: tuple[float, float],
    label: str,
    radius: float,
    *,
    fixed: bool = False,
    seen: bool = False,
) -> None:
    colour = SEEN if fixed or seen else "white"
    shape: Circle | Rectangle
    if fixed:
        half = 0.3
        corner = (at[0] - half, at[1] - half)
        shape = Rectangle(corner, 2 * half, 2 * half, fc=colour, ec="black", lw=1.2, zorder=2)
    else:
        shape = Circle(at, radius, fc=colour, ec="black", lw=1.2, zorder=2)
    ax.add_patch(shape)
    ax.text(*at, label, ha="center", va="center", fontsize=14, zorder=3)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    a, b = np.asarray(start), np.asarray(end)
    step = (b - a) / np.linalg.norm(b - a)
    tail, tip = a + 0.2 * step, b - 0.38 * step
    ax.add_patch(
        FancyArrowPatch(
            (tail[0], tail[1]),
            (tip[0], tip[1]),
            arrowstyle="-|>",
            mutation_scale=13,
            color="black",
            lw=1.1,
            shrinkA=0,
            shrinkB=0,
            zorder=1,
        )
    )


def two_levels(simulation: SchoolSimulation) -> Figure:
    """Students with the true lines of their schools; schools' true lines against their teachers."""
    truth = simulation.truth
    figure, axes = plt.subplot_mosaic(
        [["students", "intercepts"], ["students", "slopes"]],
        figsize=(6.4, 4.2),
        width_ratios=[1.35, 1],
    )
    left = axes["students"]
    data = simulation.data
    left.scatter(data["income"], data["score"], s=6, color=PALETTE["data"], alpha=0.45, lw=0)
    ends = np.array([-2.5, 2.5])
    for a, b in zip(simulation.intercepts[0], simulation.slopes[0], strict=True):
        left.plot(ends, a + b * ends, color=PALETTE["truth"], linewidth=0.7, alpha=0.7)
    left.set(xlabel=INCOME, ylabel=SCORE, title="students")
    u = simulation.teachers.to_numpy()
    grid = np.array([u.min() - 0.2, u.max() + 0.2])
    for k, (ax, values, label) in enumerate(
        [
            (axes["intercepts"], simulation.intercepts[0], r"$\alpha_j$ (points)"),
            (axes["slopes"], simulation.slopes[0], r"$\beta_j$ (points per sd)"),
        ]
    ):
        ax.scatter(u, values, s=18, color=PALETTE["truth"])
        mean = truth.constant[k] + truth.per_teacher[k] * grid
        ax.plot(grid, mean, color=PALETTE["truth"], linestyle="--", linewidth=1)
        ax.set(xlabel=TEACHERS, ylabel=label, title=f"schools: {['intercepts', 'slopes'][k]}")
    return figure


def varying_lines(lines: Mapping[str, pd.DataFrame], band: Sequence[float] = (-2.5, 2.5)) -> Figure:
    """Draw one panel a model: the line of each group, from columns ``intercept`` and ``slope``."""
    figure, axes = plt.subplots(1, len(lines), figsize=(6.4, 2.9), sharex=True, sharey=True)
    ends = np.asarray(band)
    for ax, (title, table) in zip(np.atleast_1d(axes), lines.items(), strict=True):
        for a, b in zip(table["intercept"], table["slope"], strict=True):
            ax.plot(ends, a + b * ends, color=PALETTE["posterior"], linewidth=0.8, alpha=0.7)
        ax.set(title=title)
    np.atleast_1d(axes)[0].set_ylabel(SCORE)
    figure.supxlabel(INCOME, fontsize="medium")
    return figure
