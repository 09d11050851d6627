"""Missing outcomes: filled in several times by posterior prediction, and pooled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from .criticism import replicate
from .exact import exact_posterior
from .likelihoods import Gaussian
from .model import Design, parse
from .tables import summary_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from .exact import ExactPosterior
    from .priors import Priors


def impute(
    formula: str,
    data: pd.DataFrame,
    *,
    priors: Priors,
    copies: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Fill in the missing outcomes, several times.

    The model is fitted to the rows that are complete. Each copy takes one draw of all parameters
    and then one draw of each missing outcome, so that copies differ by what is not known. It is
    right if the outcome is missing at random given what the formula names.

    Parameters
    ----------
    formula : str
        The model of the outcome; its predictors must be there where the outcome is missing.
    data : pandas.DataFrame
        One row an individual, NaN where a value is missing.
    priors : Priors
        The priors.
    copies : int
        How many copies, M.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Returns
    -------
    numpy.ndarray, shape (M, N)
        Outcomes of all rows; those that were observed are the same in each copy.

    Raises
    ------
    ValueError
        If no outcome is missing, `copies` is less than 2, or the formula, the data and the priors
        do not fit together.

    References
    ----------
    Rubin (1987), Multiple Imputation for Nonresponse in Surveys.
    """
    if copies < 2:
        raise ValueError(f"copies must be at least 2, got {copies!r}")
    parsed = parse(formula)
    outcome = parsed.response.term.name
    if outcome not in data:
        raise ValueError(f"formula {formula!r} names {outcome!r}, which data does not have")
    gaps = data[outcome].isna().to_numpy()
    if not gaps.any():
        raise ValueError(f"data has no missing value of {outcome!r}")
    names = sorted(parsed.var_names & set(data.columns))
    complete = data[names].notna().all(axis=1).to_numpy()
    fit = exact_posterior(formula, data[complete], priors=priors)
    # The gaps alone may be of one group or one gender, which is no design.
    usable = data.assign(**{outcome: data[outcome].fillna(0.0)})[complete | gaps]
    rows = Design.from_formula(formula, usable).take(np.flatnonzero(gaps[complete | gaps]))
    filled = np.tile(data[outcome].to_numpy(dtype=float), (copies, 1))
    filled[:, gaps] = replicate(
        fit.sample(copies, chains=1, rng=rng), rows, Gaussian(), draws=copies, rng=rng
    )
    return filled


def pool(posteriors: Sequence[ExactPosterior], ci_prob: float = 0.95) -> pd.DataFrame:
    """Average the posteriors of several copies of the data.

    Parameters
    ----------
    posteriors : sequence of ExactPosterior
        One a copy, of one model.
    ci_prob : float, default 0.95
        Probability of the interval.

    Returns
    -------
    pandas.DataFrame
        As `ExactPosterior.summary`, of the mixture of all; and ``missing``, the share of the
        variance that is between copies and so comes from what is missing.

    Raises
    ------
    ValueError
        If there are fewer than two posteriors, or they are of several models.
    """
    columns = summary_columns(ci_prob)
    if len(posteriors) < 2:
        raise ValueError(f"posteriors must be at least two, got {len(posteriors)}")
    formulas = sorted({posterior.design.formula for posterior in posteriors})
    if len(formulas) > 1:
        raise ValueError(f"posteriors must be of one model, got {formulas}")
    tables = [posterior.summary(ci_prob) for posterior in posteriors]
    rows = {}
    for name in tables[0].index:
        means, sds, lower, upper = np.array([table.loc[name, columns] for table in tables]).T
        between = means.var()
        variance = between + (sds**2).mean()

        def excess(value: float, probability: float, name: str = name) -> float:
            below = [posterior.cdf(name, [value]) for posterior in posteriors]
            return float(np.mean(below)) - probability

        margin = 0.01 * sds.max()  # quantiles and probabilities agree to rounding only
        bounds = [
            brentq(excess, ends.min() - margin, ends.max() + margin, args=(p,), xtol=1e-8)
            for ends, p in [(lower, (1 - ci_prob) / 2), (upper, (1 + ci_prob) / 2)]
        ]
        rows[name] = [means.mean(), np.sqrt(variance), *bounds, between / variance]
    return pd.DataFrame.from_dict(rows, orient="index", columns=[*columns, "missing"])
