"""A formula and a data frame become the matrices that every engine works on.

The formula is Bambi's dialect, read by Bambi's own parser, `formulae`. Because all engines are fed
from one `Design`, a comparison between them never changes the model by accident.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

INTERCEPT = "Intercept"
POOLED = "all"  # the one group of a model without a grouping factor
RESERVED = {INTERCEPT, "sigma", "chain", "draw"}


@dataclass(frozen=True)
class Design:
    r"""The matrices of a two-level Gaussian model with one grouping factor, or with none.

    .. math::
        y_i & = x_i^\top b + z_i^\top u_{j[i]} + \varepsilon_i \\
        u_j & \sim \mathcal{N}(0, \Sigma), \quad \varepsilon_i \sim \mathcal{N}(0, \sigma^2)

    Attributes
    ----------
    formula : str
        The formula that it was made from.
    outcome : str
        Name of the outcome.
    group : str
        Name of the grouping factor; ``all`` where the formula has none.
    labels : pandas.Index
        The J group labels, as strings; without a factor the one group ``all``.
    common : tuple of str
        Names of the p common coefficients b, such as ``Intercept`` and ``female``.
    effects : tuple of str
        Names of the q varying effects u_j, such as ``1`` and ``female``.
    y, X, Z, codes : numpy.ndarray
        Outcome (N,), common design (N, p), varying design (N, q), and the position in `labels` of
        the group of each row (N,).
    """

    formula: str
    outcome: str
    group: str
    labels: pd.Index
    common: tuple[str, ...]
    effects: tuple[str, ...]
    y: NDArray[np.float64]
    X: NDArray[np.float64]
    Z: NDArray[np.float64]
    codes: NDArray[np.intp]

    @classmethod
    def from_formula(cls, formula: str, data: pd.DataFrame) -> Self:
        """Read `formula` against `data`.

        Parameters
        ----------
        formula : str
            Such as ``"course ~ female + (1 + female | school)"``: one bracket of varying effects,
            whose grouping factor is a plain column of `data`; or ``"course ~ female"``, the
            completely pooled model.
        data : pandas.DataFrame
            One row an observation, no missing value in the columns that the formula names.

        Raises
        ------
        ValueError
            If the formula cannot be read or evaluated, names unknown columns, has no numeric
            outcome or more than one grouping factor; if a column or term has missing or infinite
            values; if there is one group only; or if a design is rank-deficient.
        """
        parsed = parse(formula)
        factors = sorted({term.factor.name for term in parsed.group_terms})
        if len(factors) > 1 or not set(factors) <= set(data.columns):
            raise ValueError(
                "formula must have at most one grouping factor, a column of data: "
                f"{formula!r} has {factors}"
            )
        group = factors[0] if factors else POOLED
        outcome = parsed.response.term.name
        _check_columns(formula, data, parsed.var_names - {""})
        common_part = _without_groups(parsed)
        if group in common_part.split():
            raise ValueError(
                f"formula must not use the grouping factor as a predictor: {formula!r}"
            )

        y, X, common = _matrices(common_part, data)
        _require_full_rank(formula, X, common)
        if factors:
            _, Z, columns = _matrices(_varying_part(parsed, outcome), data)
            _require_full_rank(formula, Z, columns)
            codes, labels = _factorize(data[group])
            if len(labels) < 2:
                raise ValueError(
                    f"data must have at least two groups, got {group} = {list(labels)}"
                )
        else:
            Z, columns = np.empty((len(y), 0)), []
            codes, labels = np.zeros(len(y), dtype=np.intp), pd.Index([POOLED], name=group)
        return cls(
            formula=formula,
            outcome=outcome,
            group=group,
            labels=labels,
            common=tuple(common),
            effects=tuple("1" if name == INTERCEPT else name for name in columns),
            y=y,
            X=X,
            Z=Z,
            codes=codes,
        )

    def take(self, rows: Sequence[int] | NDArray[np.intp]) -> Design:
        """Keep the rows at these positions, in this order; names and labels stay.

        Raises
        ------
        ValueError
            If a position is not there.
        """
        at = np.asarray(rows, dtype=np.intp)
        if bad := [row for row in at.tolist() if not 0 <= row < len(self.y)]:
            raise ValueError(f"rows must be between 0 and {len(self.y) - 1}, got {bad[0]}")
        return replace(self, y=self.y[at], X=self.X[at], Z=self.Z[at], codes=self.codes[at])

    def effects_frame(self, **columns: ArrayLike) -> pd.DataFrame:
        """Arrange columns (q, J) of the varying effects in rows (group, effect).

        Raises
        ------
        ValueError
            If the model has no varying effects.
        """
        if not self.effects:
            raise ValueError(f"formula {self.formula!r} has no varying effects")
        index = pd.MultiIndex.from_product(
            [self.labels, self.varying], names=[self.group, "effect"]
        )
        values = {name: np.asarray(column).T.ravel() for name, column in columns.items()}
        return pd.DataFrame(values, index=index).sort_index()

    @property
    def varying(self) -> list[str]:
        """Bambi's names of the varying effects, such as ``female|school``."""
        return [f"{effect}|{self.group}" for effect in self.effects]

    @property
    def group_sds(self) -> list[str]:
        """Names of their standard deviations, such as ``female|school_sigma``."""
        return [f"{name}_sigma" for name in self.varying]

    @property
    def correlations(self) -> list[str]:
        """Names of their correlations, such as ``1,female|school_corr``, row by row."""
        return [f"{a},{b}|{self.group}_corr" for a, b in combinations(self.effects, 2)]

    @property
    def parameters(self) -> list[str]:
        """Names of all parameters but the varying effects, in the order of every table."""
        return [*self.common, *self.group_sds, *self.correlations, "sigma"]

    @property
    def counterparts(self) -> list[int | None]:
        """For each varying effect the position in `common` of the coefficient that it varies."""
        names = [INTERCEPT if effect == "1" else effect for effect in self.effects]
        return [self.common.index(name) if name in self.common else None for name in names]


def parse(formula: str) -> Any:
    """Read a formula, without any data.

    Returns
    -------
    formulae.model_description.Model
        Its terms.

    Raises
    ------
    ValueError
        If it cannot be read, names no outcome, or has varying effects in several brackets.
    """
    from formulae import model_description

    try:
        parsed = model_description(formula)
    except Exception as error:
        raise ValueError(f"formula {formula!r} cannot be read: {error}") from error
    if formula.count("|") > 1:
        raise ValueError(f"formula must have its varying effects in one bracket: {formula!r}")
    if parsed.response is None:
        raise ValueError(f"formula must name an outcome, as in 'y ~ x + (1 | g)': {formula!r}")
    return parsed


def _require_full_rank(formula: str, matrix: NDArray[np.float64], columns: list[str]) -> None:
    if np.linalg.matrix_rank(matrix) < len(columns):
        raise ValueError(
            f"formula {formula!r} gives a rank-deficient design: the columns {columns} are "
            "linearly dependent in data"
        )


def _varying_part(parsed: Any, outcome: str) -> str:
    """Write the formula of the outcome and the varying terms alone."""
    names = [term.expr.name for term in parsed.group_terms]
    intercept = "1" if INTERCEPT in names else "0"
    return f"{outcome} ~ {' + '.join([intercept, *(n for n in names if n != INTERCEPT)])}"


def _without_groups(parsed: Any) -> str:
    """Write the formula of the outcome and the common terms alone."""
    names = [term.name for term in parsed.common_terms if term.name != INTERCEPT]
    intercept = "1" if len(names) < len(parsed.common_terms) else "0"
    return f"{parsed.response.term.name} ~ {' + '.join([intercept, *names])}"


def _matrices(
    formula: str, data: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.float64], list[str]]:
    from formulae import design_matrices

    try:
        with np.errstate(all="ignore"):  # what is not finite is named below
            matrices = design_matrices(formula, data, "error", extra_namespace={"np": np})
    except Exception as error:
        raise ValueError(f"formula {formula!r} cannot be evaluated on data: {error}") from error
    if matrices.common is None:
        raise ValueError(f"formula {formula!r} has no columns")
    if matrices.response.kind != "numeric":
        raise ValueError(
            f"formula {formula!r} must have a numeric outcome, got a {matrices.response.kind} one"
        )
    names = [label for term in matrices.common.terms.values() for label in term.labels]
    y = np.asarray(matrices.response.design_matrix, dtype=float)
    X = np.asarray(matrices.common.design_matrix, dtype=float).reshape(len(y), len(names))
    for name, values in zip([matrices.response.name, *names], [y, *X.T], strict=True):
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(f"term {name!r} of the formula is {values[row]} at position {row}")
    return y, X, names


def _factorize(column: pd.Series[Any]) -> tuple[NDArray[np.intp], pd.Index]:
    """Sort the labels of the groups, as text, and find each row's place among them."""
    codes, values = pd.factorize(column)  # before they become text: there are fewer than rows
    text = pd.Index(values).astype(str).rename(column.name)
    labels = text.sort_values()
    if not labels.is_unique:
        raise ValueError(
            f"data has different labels of {column.name} that read the same: {list(labels)}"
        )
    return labels.get_indexer(text)[codes], labels


def _check_columns(formula: str, data: pd.DataFrame, names: set[str]) -> None:
    reserved = sorted(names & RESERVED)
    if reserved:
        raise ValueError(
            f"formula {formula!r} uses {reserved}, the name of a parameter or dimension"
        )
    missing = sorted(names - set(data.columns))
    if missing:
        raise ValueError(
            f"formula {formula!r} names {missing}, which data does not have: {list(data.columns)}"
        )
    for name in sorted(names):
        column = data[name]
        if column.ndim > 1:
            raise ValueError(f"data has several columns named {name!r}")
        bad = column.isna()
        if pd.api.types.is_numeric_dtype(column):
            bad |= ~np.isfinite(column.astype(float))
        if bad.any():
            raise ValueError(
                f"data column {name!r} has {int(bad.sum())} missing or infinite values, the first "
                f"in row {bad.idxmax()!r}; drop these rows first"
            )
