"""Tables as a page shows them."""

from __future__ import annotations

import pandas as pd


def show(table: pd.DataFrame, digits: int = 3) -> pd.DataFrame:
    """Format the numbers of `table` for the eye: fixed digits, a dash where there is none.

    Parameters
    ----------
    table : pandas.DataFrame
        Any table; columns of text and of whole numbers stay as they are.
    digits : int, default 3
        Digits after the point.

    Returns
    -------
    pandas.DataFrame
        The same rows and columns, as text.

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

    return table.map(cell)
