"""The ledger of claims as one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt

from ..claims import Verdict
from .style import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from ..claims import Ledger

# Marker and colour; the markers differ in shape and filling, for readers without colour.
LOOKS: dict[Verdict, dict[str, Any]] = {
    Verdict.HOLDS: {"marker": "o", "color": PALETTE["posterior"]},
    Verdict.CORRECTED: {"marker": "D", "color": PALETTE["prior"]},
    Verdict.FAILS: {"marker": "X", "color": PALETTE["ML"]},
    Verdict.OPEN: {"marker": "o", "color": PALETTE["missing"], "markerfacecolor": "none"},
}


def verdicts(ledger: Ledger) -> Figure:
    """One marker a claim, one line a section, sorted by verdict.

    Raises
    ------
    ValueError
        If the ledger has no rows.
    """
    counts = ledger.counts()
    if not counts:
        raise ValueError("ledger must have rows, got none")
    # Few inches, so that the type is large on a phone.
    figure, ax = plt.subplots(figsize=(5.6, 0.8 + 0.32 * len(counts)))
    for row, by_verdict in enumerate(counts.values()):
        at = 1
        for verdict, count in by_verdict.items():
            columns = range(at, at + count)
            ax.plot(columns, [row] * count, linestyle="", markersize=7, **LOOKS[verdict])
            at += count
    for verdict, look in LOOKS.items():
        ax.plot([], [], linestyle="", markersize=7, label=str(verdict), **look)
    ax.set_yticks(range(len(counts)), list(counts))
    ax.invert_yaxis()
    longest = max(sum(count.values()) for count in counts.values())
    ax.set(xlabel="claims", title="Verdicts, section by section", xlim=(0.4, longest + 0.6))
    figure.legend(loc="outside lower center", ncols=2)
    return figure
