"""One palette and one style for every figure.

A colour means the same thing on every page; a marker, line style or hatch always says it too.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import seaborn as sns

# Told apart by readers with any colour vision and in grey; each at least 3:1 against white.
PALETTE = {
    "prior": "#A87400",
    "likelihood": "#00855F",
    "posterior": "#0062A3",
    "truth": "#111111",
    "ML": "#C44601",
    "Bayes": "#0062A3",  # a Bayes estimate is a summary of the posterior
    "girls": "#7B2D8E",
    "boys": "#6E6E6E",
    "data": "#3F3F3F",
    "missing": "#8A8A8A",
}
LINES = {"girls": "-", "boys": "--"}
MARKERS = {"girls": "o", "boys": "s"}
GENDERS = {"girls": 1, "boys": 0}

COURSE = "course score (% of the maximum)"
WRITTEN = "written score (% of the maximum)"


def use_style() -> None:
    """Set matplotlib up for the book: sharp, plain, readable in both themes."""
    sns.set_theme(style="ticks", context="notebook", font_scale=0.85)
    plt.rcParams.update(
        {
            "figure.dpi": 144,
            "figure.constrained_layout.use": True,
            "figure.figsize": (7.2, 3.6),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlelocation": "left",
            "legend.frameon": False,
        }
    )
