"""The four criteria of the study, and two more, each with its Monte Carlo standard error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..simulate import Truth

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    Array = NDArray[np.float64]


def study_table(result: xr.Dataset) -> pd.DataFrame:
    r"""Judge the fits of a study by the truth that their data came from.

    Parameters
    ----------
    result : xarray.Dataset
        From `run_study`.

    Returns
    -------
    pandas.DataFrame
        One row a prior and parameter. Over R replicates with posterior means :math:`m_r`:

        - ``bias``, the mean of :math:`m_r - \theta`, and ``rmse``, the root of the mean square;
        - ``means_q05`` and ``means_q95``, quantiles of the :math:`m_r`: their spread;
        - ``q05`` and ``q95``, the average ends of the 90% interval;
        - ``coverage``, the share of 95% intervals that hold :math:`\theta`, and ``width``, their
          average width.

        Each has its Monte Carlo standard error in a column of the same name with ``_mcse``.

    Raises
    ------
    ValueError
        If `result` is not from `run_study`, or has fewer than two replicates.

    References
    ----------
    Morris, White and Crowther (2019), Statistics in Medicine 38, 2074-2102.
    """
    if "study" not in result.attrs:
        raise ValueError("result must come from run_study, got a dataset without its description")
    if result.sizes["replicate"] < 2:
        raise ValueError(f"result must have 2 replicates at least, got {result.sizes['replicate']}")
    truth = Truth(**json.loads(result.attrs["study"])["truth"]).parameters
    rows = {}
    for prior in result["prior"].values:
        for name, value in truth.items():
            fits = result.sel(prior=prior, parameter=name)
            ends = {p: fits["quantile"].sel(probability=p).to_numpy() for p in ENDS}
            rows[str(prior), name] = criteria(fits["mean"].to_numpy(), ends, value)
    table = pd.DataFrame.from_dict(rows, orient="index")
    table.index = pd.MultiIndex.from_tuples(list(rows), names=["prior", "parameter"])
    return table


ENDS = [0.025, 0.05, 0.95, 0.975]


def criteria(means: Array, ends: dict[float, Array], truth: float) -> dict[str, float]:
    """Compute a row of the table from posterior means (R,) and quantiles (R,) by probability."""
    R = len(means)
    root = np.sqrt(R)
    error = means - truth
    rmse = float(np.sqrt(np.mean(error**2)))
    held = (ends[0.025] <= truth) & (truth <= ends[0.975])
    # After Agresti and Coull (1998): 300 hits in 300 trials do not make the error 0.
    share = (held.sum() + 2) / (R + 4)
    width = ends[0.975] - ends[0.025]
    found = {
        "bias": (error.mean(), means.std(ddof=1) / root),
        "rmse": (rmse, (error**2).std(ddof=1) / (2 * rmse * root)),
        "means_q05": (np.quantile(means, 0.05), quantile_error(means, 0.05)),
        "means_q95": (np.quantile(means, 0.95), quantile_error(means, 0.95)),
        "q05": (ends[0.05].mean(), ends[0.05].std(ddof=1) / root),
        "q95": (ends[0.95].mean(), ends[0.95].std(ddof=1) / root),
        "coverage": (held.mean(), np.sqrt(share * (1 - share) / R)),
        "width": (width.mean(), width.std(ddof=1) / root),
    }
    row = {}
    for name, (value, error_of_it) in found.items():
        row[name], row[f"{name}_mcse"] = float(value), float(error_of_it)
    return row


def quantile_error(sample: Array, p: float) -> float:
    """Estimate the error of a sample quantile: half the way between those one error of p off."""
    off = np.sqrt(p * (1 - p) / len(sample))
    low, high = np.quantile(sample, np.clip([p - off, p + off], 0, 1))
    return float((high - low) / 2)
