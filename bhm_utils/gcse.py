"""The GCSE scores: 1,905 students in 73 schools, `Gcsemv` of the R package mlmRev."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from .files import checksum_problem, shipped

if TYPE_CHECKING:
    from pathlib import Path

SHA256 = "095b3dfde0cc1309539cb0d8afa46880eab3a35f862a937c411c34a7e466441b"
ROWS, SCHOOLS = 1905, 73
SCORES = ["written", "course"]
COLUMNS = ["school", "student", "gender", *SCORES]


def load_gcse(*, outcome: str | None = None) -> pd.DataFrame:
    """Read and validate the GCSE scores.

    Parameters
    ----------
    outcome : {"written", "course"}, optional
        Keep only the students who have this score. Without it all 1,905 rows come back, with NaN
        for a missing score.

    Returns
    -------
    pandas.DataFrame
        One row a student: ``school`` (category of labels), ``student`` (number within the
        school), ``gender`` ("F" or "M"), ``female`` (1 or 0), ``written`` and ``course`` (scores
        in per cent of the maximum, 0 to 100).

    Raises
    ------
    FileNotFoundError
        If the data file is in none of the places where it belongs; the message lists them.
    ValueError
        If `outcome` is no score, or the file is not the one that the course was written with; the
        message names the file and what is wrong with it.

    Notes
    -----
    Source: the data set ``Gcsemv`` of mlmRev, after Creswell (1991) and Rasbash et al. (2000).
    """
    if outcome is not None and outcome not in SCORES:
        raise ValueError(f"outcome must be one of {SCORES} or None, got {outcome!r}")
    students = _read(shipped("data/gcsemv.csv"))
    students.insert(3, "female", (students["gender"] == "F").astype(int))
    students["school"] = students["school"].astype(str).astype("category")
    if outcome is None:
        return students
    kept = students.dropna(subset=[outcome]).reset_index(drop=True)
    return kept.assign(school=kept["school"].cat.remove_unused_categories())


def _read(path: Path) -> pd.DataFrame:
    """Read the file at `path` and say exactly what is wrong if it is not the course's data."""
    content = path.read_bytes()
    try:
        students = pd.read_csv(io.BytesIO(content))
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not a readable CSV file: {error}") from error
    problem = _first_problem(students) or checksum_problem(content, SHA256)
    if problem is not None:
        raise ValueError(f"{path} is not the course's data file: {problem}")
    return students


def _first_problem(students: pd.DataFrame) -> str | None:
    if list(students.columns) != COLUMNS:
        return f"its columns are {list(students.columns)}, not {COLUMNS}"
    if len(students) != ROWS:
        return f"it has {len(students)} rows, not {ROWS}"
    for column in ["school", "student"]:
        if not pd.api.types.is_integer_dtype(students[column]):
            return f"column {column!r} is not all whole numbers"
    if not students["gender"].isin(["F", "M"]).all():
        return f"column 'gender' has values {sorted(set(students['gender'].astype(str)))}"
    for column in SCORES:
        if not pd.api.types.is_numeric_dtype(students[column]):
            return f"column {column!r} is not numeric"
        present = students[column].dropna()
        outside = present[~np.isfinite(present) | (present < 0) | (present > 100)]
        if len(outside):
            return f"column {column!r} has scores outside 0 to 100: {outside.tolist()[:3]}"
    twice = students.duplicated(["school", "student"])
    if twice.any():
        row = students[twice].iloc[0]
        return f"student {row['student']} of school {row['school']} is listed twice"
    if students["school"].nunique() != SCHOOLS:
        return f"it has {students['school'].nunique()} schools, not {SCHOOLS}"
    return None
