"""Tables as a page shows them."""

from __future__ import annotations

import pandas as pd


def show(table: pd.DataFrame, digits: int = 3) -> pd.DataFrame:
    """Format the numbers of `table` for the eye.

    Parameters
    ----------
    table : pandas.DataFrame
        Any table. Text and whole numbers stay as they are. Column pairs (heading, "mean") and
        (heading, "sd"), as `compare` makes them, become one column ``mean (sd)`` a heading.
    digits : int, default 3
        Digits after the point.

    Returns
    -------
    pandas.DataFrame
        The same rows, as text; a dash where there is no number.

    Raises
    ------
    ValueError
        If `digits` is negative.
    """
    if digits < 0:
        raise ValueError(f"digits must be at least 0, got {digits!r}")

    def cell(value: object) -> str:
        if value is None or value != value:  # NaN alone differs from itself
            return "–"
        return f"{value:.{digits}f}" if isinstance(value, float) else str(value)

    text = table.map(cell)
    if text.columns.nlevels == 1 or set(text.columns.get_level_values(1)) != {"mean", "sd"}:
        return text
    return pd.DataFrame(
        {
            heading: [
                mean if sd == "–" else f"{mean} ({sd})"
                for mean, sd in zip(text[heading, "mean"], text[heading, "sd"], strict=True)
            ]
            for heading in dict.fromkeys(text.columns.get_level_values(0))
        },
        index=text.index,
    )


def summary_columns(ci_prob: float) -> list[str]:
    """Names of a summary's columns, as ArviZ has them for this interval.

    Raises
    ------
    ValueError
        If `ci_prob` is not between 0 and 1.
    """
    if not 0 < ci_prob < 1:
        raise ValueError(f"ci_prob must be between 0 and 1, got {ci_prob!r}")
    percent = f"{100 * ci_prob:.0f}"
    return ["mean", "sd", f"eti{percent}_lb", f"eti{percent}_ub"]
