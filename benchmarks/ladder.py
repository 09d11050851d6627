"""The speed ladder: one posterior of the slides' study, from the slides' program to the exact one.

Everything runs on one core, also the four chains, so that a rung does not win by the number of
cores. The rungs share a data set, and each must agree with the exact posterior.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial
from typing import Any

import arviz as az
import numpy as np
import nutpie
import pandas as pd
import pymc as pm
import xarray as xr

from bhm_utils import PRIOR_DESIGNS, Truth, exact_posterior
from bhm_utils.engines.stan import in_own_thread, stan_program
from bhm_utils.priors import Priors
from bhm_utils.simulate import SLOPE_FORMULA, SlopeDesign, dgp_1, dgp_2
from bhm_utils.study.fits import Coordinates, Sampler, compiled, prior_data, sample

from . import models
from .measure import median_seconds, one_core, rounded, timed

PRIORS = PRIOR_DESIGNS["good"]
# What the models and the Stan program call the parameters.
SYMBOLS = ["alpha", "gamma_0", "gamma_1", "sigma_b", "sigma_y"]
NAMES = dict(zip(SYMBOLS, Truth().parameters, strict=True))
RUNS = {"chains": 4, "cores": 1, "progress_bar": False, "save_warmup": False}

Rung = Callable[[pd.DataFrame, int], tuple[float, xr.DataTree]]


def ladder() -> list[dict[str, Any]]:
    """Climb it on both processes, J = 10, N = 200, under the good prior."""
    with one_core():
        return [row for design in [dgp_2(10, 200), dgp_1(10, 200)] for row in climb(design)]


def climb(design: SlopeDesign) -> list[dict[str, Any]]:
    """Time every rung, the median of three data sets; Stan's is one."""
    simulation = design.simulate(Truth(), replicates=300, rng=np.random.default_rng(500))
    data = [simulation.data.assign(y=simulation.outcomes[k]) for k in range(3)]
    exact = partial(exact_posterior, SLOPE_FORMULA, priors=PRIORS)
    whole = median_seconds(
        lambda: exact(data=simulation.data, outcomes=simulation.outcomes).summary(), 5
    )
    means = [exact(data=frame).summary()["mean"] for frame in data]
    rungs: dict[str, tuple[Rung, int]] = {
        "Stan, the slides' program": (with_stan, 1),
        "PyMC, compiled for each data set": (with_pymc, 3),
        "compiled once": (partial(with_nutpie, models.as_on_the_slides), 3),
        "slopes centred on their mean": (partial(with_nutpie, models.centred), 3),
        "on sums within groups": (partial(with_nutpie, models.on_group_sums), 3),
        "in orthogonal coordinates": (with_the_studys_sampler, 3),
        "exact, one data set": (with_the_exact_engine, 3),
    }
    rows = []
    for name, (rung, repeats) in rungs.items():
        seconds, esses, rhats = [], [], []
        for k in range(repeats):
            took, tree = rung(data[k], k)
            table = az.summary(tree, var_names=list(means[k].index), round_to="none")
            converged = table["r_hat"].max() < 1.01 and table["ess_bulk"].min() > 400
            z = (table["mean"] - means[k]) / table["mcse_mean"]
            if converged and not z.abs().max() < 5:
                raise RuntimeError(f"{name} and the exact posterior disagree: {z.to_dict()}")
            seconds.append(took)
            esses.append(table["ess_bulk"].min())
            rhats.append(table["r_hat"].max())
        rows.append(row(design, name, statistics.median(seconds), min(esses), max(rhats), whole))
    rows.append(row(design, "exact, 300 data sets at once", whole / 300, None, None, whole))
    return rows


def row(
    design: SlopeDesign,
    rung: str,
    seconds: float,
    ess: float | None,
    rhat: float | None,
    whole: float,
) -> dict[str, Any]:
    """One line of the table."""
    return {
        "process": "DGP 1" if design.u[0] else "DGP 2",
        "rung": rung,
        "seconds": rounded(seconds),
        "smallest ESS": "" if ess is None else rounded(ess),
        "largest R-hat": "" if rhat is None else f"{rhat:.3f}",
        "ESS per second": "" if ess is None else rounded(ess / seconds),
        "times the exact": rounded(seconds / (whole / 300)),
    }


def named(tree: xr.DataTree) -> xr.DataTree:
    """Put the draws under the names that all engines share."""
    found = tree["posterior"].dataset[SYMBOLS].rename(NAMES)
    return xr.DataTree.from_dict({"posterior": found})


def with_stan(data: pd.DataFrame, k: int) -> tuple[float, xr.DataTree]:
    """Run Stan with the authors' settings; the program is compiled before."""
    program = stan_program(SLOPE_FORMULA, data, priors=PRIORS, seed=1 + k)
    took, fit = timed(
        lambda: in_own_thread(program.sample, num_chains=4, num_samples=1500, num_warmup=500)
    )
    draws = {name: fit[name].reshape(1500, 4).T for name in SYMBOLS}
    return took, named(az.from_dict({"posterior": draws}))


def with_pymc(data: pd.DataFrame, k: int) -> tuple[float, xr.DataTree]:
    """Run `pm.sample` on the slides' parameterisation, compilation included."""

    def run() -> xr.DataTree:
        with models.as_on_the_slides(data, PRIORS):
            return pm.sample(1000, tune=500, chains=4, cores=1, random_seed=k, quiet=True)

    took, tree = timed(run)
    return took, named(tree)


def with_nutpie(
    model: Callable[[pd.DataFrame, Priors], pm.Model], data: pd.DataFrame, k: int
) -> tuple[float, xr.DataTree]:
    """Sample one of the parameterisations; compilation not included."""
    compiled_model = nutpie.compile_pymc_model(model(data, PRIORS))
    took, tree = timed(lambda: nutpie.sample(compiled_model, draws=1000, tune=500, seed=k, **RUNS))
    return took, named(tree)


def with_the_studys_sampler(data: pd.DataFrame, k: int) -> tuple[float, xr.DataTree]:
    """Use the model that `run_study` compiles once; swapping the data is included."""
    model = compiled(data["g"].nunique())

    def run() -> xr.DataTree:
        swapped = model.with_data(
            **Coordinates.of(data).data(data["y"].to_numpy()), **prior_data(PRIORS)
        )
        return sample(swapped, Sampler(), seed=k, attempt=0)

    return timed(run)


def with_the_exact_engine(data: pd.DataFrame, k: int) -> tuple[float, xr.DataTree]:
    """Compute the posterior, and 4,000 independent draws from it."""
    return timed(
        lambda: exact_posterior(SLOPE_FORMULA, data, priors=PRIORS).sample(
            1000, chains=4, rng=np.random.default_rng(k)
        )
    )
