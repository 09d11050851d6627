"""One palette and one style for every figure.

A colour means the same thing on every page; a marker, line style or hatch always says it too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import seaborn as sns

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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
# Half the width of a central 95% interval, in standard deviations of a normal distribution.
Z95 = 1.959963984540054


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


def panel_grid(
    count: int, columns: int, size: tuple[float, float], margin: float = 0.0, **shared: Any
) -> tuple[Figure, Any]:
    """Make so many panels, some in a row, and hide what is left of the last row.

    Parameters
    ----------
    count, columns : int
        How many panels, and how many in a row.
    size : tuple of float
        Width of the figure and height of a row, in inches.
    margin : float, default 0
        Height beyond the rows, in inches.
    **shared
        ``sharex`` and ``sharey``, as for ``matplotlib.pyplot.subplots``.

    Returns
    -------
    figure, axes
        The axes as an array of rows and columns.
    """
    rows = -(-count // columns)
    width, height = size
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height * rows + margin), squeeze=False, **shared
    )
    for ax in axes.flat[count:]:
        ax.set_visible(False)
    return figure, axes
