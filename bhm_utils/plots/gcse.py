"""The GCSE scores before any model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from .style import COURSE, GENDERS, LINES, MARKERS, PALETTE, WRITTEN

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def score_distributions(students: pd.DataFrame) -> Figure:
    """Histograms of both scores, girls against boys, with the ceiling at 100."""
    figure, axes = plt.subplots(1, 2, sharey=True)
    bins = np.arange(0, 101, 4).tolist()
    for ax, column, label in zip(axes, ["written", "course"], [WRITTEN, COURSE], strict=True):
        for gender, code in GENDERS.items():
            scores = students.loc[students["female"] == code, column].dropna()
            ax.hist(
                scores,
                bins=bins,
                weights=np.full(len(scores), 100 / len(scores)),
                histtype="step",
                color=PALETTE[gender],
                linestyle=LINES[gender],
                linewidth=1.8,
                label=f"{gender} (mean {scores.mean():.0f})",
            )
        ax.set(xlabel=label, xlim=(0, 103), ylim=(0, 16))
        ax.axvline(100, color=PALETTE["truth"], linewidth=0.8)
        ax.legend(loc="upper left")
    axes[0].set(ylabel="share of students (%)", title="Written paper")
    axes[1].set(title="Course work")
    return figure


def school_means(students: pd.DataFrame) -> Figure:
    """Each school's girls against its boys: mean course score, area by number of students."""
    means = students.pivot_table("course", "school", "female", observed=True)
    sizes = students.groupby("school", observed=True)["course"].count()
    both = means.dropna().index
    figure, ax = plt.subplots(figsize=(5.6, 5))
    low, high = np.nanmin(means) - 3, 100
    ax.plot([low, high], [low, high], color=PALETTE["truth"], linewidth=0.8, linestyle="--")
    ax.scatter(
        means.loc[both, 0],
        means.loc[both, 1],
        s=3 * sizes[both],
        color=PALETTE["data"],
        alpha=0.55,
        edgecolor="white",
    )
    ax.annotate("girls = boys", (60, 60), xytext=(8, -14), textcoords="offset points")
    ax.set(
        xlabel=f"boys: mean {COURSE}",
        ylabel=f"girls: mean {COURSE}",
        title=f"{len(both)} schools with both genders; area: number of scores",
        xlim=(low, high),
        ylim=(low, high),
        aspect="equal",
    )
    return figure


def school_sizes(students: pd.DataFrame) -> Figure:
    """Students with a course score in each school, girls stacked on boys."""
    scored = students.dropna(subset=["course"])
    counts = pd.crosstab(scored["school"], scored["female"])
    counts = counts.loc[counts.sum(axis=1).sort_values().index]
    figure, ax = plt.subplots(figsize=(7.2, 3.2))
    positions = np.arange(len(counts))
    ax.bar(positions, counts[0], 0.85, color=PALETTE["boys"], label="boys", hatch="///", ec="white")
    ax.bar(positions, counts[1], 0.85, bottom=counts[0], color=PALETTE["girls"], label="girls")
    median = counts.sum(axis=1).median()
    ax.axhline(median, color=PALETTE["truth"], linewidth=0.8, linestyle="--")
    ax.annotate(f"median {median:.0f}", (0, median), xytext=(0, 4), textcoords="offset points")
    ax.set(
        xlabel=f"the {len(counts)} schools, by size",
        ylabel="students with a course score",
        title="School sizes",
        xticks=[],
        xlim=(-1, len(counts)),
    )
    ax.legend(loc="upper left")
    return figure


def missing_scores(students: pd.DataFrame) -> Figure:
    """Who lacks a course score: written scores with and without it, and the share by school."""
    figure, (left, right) = plt.subplots(1, 2)
    lacks = students["course"].isna()
    for label, rows, line in [("has one", ~lacks, "-"), ("has none", lacks, "--")]:
        scores = students.loc[rows, "written"].dropna()
        colour = PALETTE["data" if label == "has one" else "missing"]
        left.ecdf(scores, label=f"{label} ({len(scores):,})", linestyle=line, color=colour)
    left.set(
        xlabel=WRITTEN,
        ylabel="share of students at or below",
        title="Written scores of both groups",
        xlim=(0, 100),
    )
    left.legend(title="course score", loc="lower right")
    share = 100 * lacks.groupby(students["school"], observed=True).mean()
    right.scatter(
        students.groupby("school", observed=True).size(), share, s=14, color=PALETTE["data"]
    )
    right.axhline(100 * lacks.mean(), color=PALETTE["truth"], linewidth=0.8, linestyle="--")
    right.set(
        xlabel="students in the school",
        ylabel="course scores missing (%)",
        title=f"Share missing in each school (all: {lacks.mean():.0%})",
    )
    return figure


def written_and_course(students: pd.DataFrame) -> Figure:
    """Course against written score of every student who has both."""
    figure, ax = plt.subplots(figsize=(7.2, 4))
    for gender, code in GENDERS.items():
        rows = students[students["female"] == code]
        ax.scatter(
            rows["written"],
            rows["course"],
            s=9,
            alpha=0.5,
            color=PALETTE[gender],
            marker=MARKERS[gender],
            linewidth=0,
            label=gender,
        )
    ax.axhline(100, color=PALETTE["truth"], linewidth=0.8)
    ax.set(xlabel=WRITTEN, ylabel=COURSE, title="Every student with both scores")
    ax.legend(loc="lower right", markerscale=2)
    return figure


def school_lines(students: pd.DataFrame, smallest: int = 10) -> Figure:
    """Each school's line from its boys' mean to its girls' mean, and the line of all schools."""
    scored = students.dropna(subset=["course"])
    sizes = scored.groupby("school", observed=True)["course"].transform("size")
    means = scored[sizes >= smallest].pivot_table("course", "school", "female", observed=True)
    means = means.dropna()
    figure, ax = plt.subplots(figsize=(5.6, 4))
    ax.plot([0, 1], means.T, color=PALETTE["data"], alpha=0.4, linewidth=1)
    overall = scored.groupby("female")["course"].mean()
    ax.plot([0, 1], overall, color=PALETTE["truth"], linewidth=3, marker="o", label="all students")
    ax.set(
        xticks=[0, 1],
        xticklabels=["boys (x = 0)", "girls (x = 1)"],
        xlim=(-0.15, 1.15),
        ylabel=COURSE,
        xlabel="gender",
        title=f"{len(means)} schools with at least {smallest} scores",
    )
    ax.legend(loc="lower right")
    return figure
