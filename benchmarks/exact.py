"""The exact posterior against maximum likelihood and samplers, on the same data in one run."""

import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import arviz as az
import numpy as np
import nutpie
import pandas as pd
import scipy.stats as st
import xarray as xr
from statsmodels.formula.api import mixedlm

from bhm_utils import (
    PRIOR_DESIGNS,
    Design,
    Normal,
    Priors,
    Truth,
    exact_posterior,
    load_gcse,
)
from bhm_utils.engines.pymc import pymc_model
from bhm_utils.engines.stan import in_own_thread, stan_program
from bhm_utils.simulate import SLOPE_FORMULA, Simulation, dgp_2

from . import models
from .measure import median_seconds, rounded, timed

FORMULA = "course ~ female + (1 + female | school)"
PRIORS = Priors(
    common={"Intercept": Normal(70, 50), "female": Normal(0, 50)},
    group_sd=st.halfnorm(scale=30),
    residual_sd=st.halfnorm(scale=30),
)
SAMPLER = {"chains": 4, "progress_bar": False, "save_warmup": False}


def largest_error(tree: xr.DataTree, exact: pd.Series) -> tuple[float, float]:
    """Check draws against the exact means, whose index has their names; say how good they are.

    Returns the largest Monte Carlo error of a mean, in posterior sds, and the smallest bulk ESS.
    """
    table = az.summary(tree, var_names=list(exact.index), round_to="none")
    z = (table["mean"] - exact) / table["mcse_mean"]
    if not z.abs().max() < 5:
        raise RuntimeError(f"a sampler and the exact posterior disagree: z = {z.to_dict()}")
    return float((table["mcse_mean"] / table["sd"]).max()), float(table["ess_bulk"].min())


def gcse() -> list[dict[str, Any]]:
    """1,725 scores in 73 schools, intercept and slope correlated."""
    data = load_gcse(outcome="course")
    posterior = exact_posterior(FORMULA, data, priors=PRIORS)
    exact = median_seconds(lambda: exact_posterior(FORMULA, data, priors=PRIORS), 31)
    rows = [
        row("exact posterior", exact, exact, error=posterior.error, note="whole posterior"),
        row(
            "statsmodels MixedLM, ML",
            median_seconds(
                lambda: mixedlm("course ~ female", data, groups="school", re_formula="~female").fit(
                    reml=False
                ),
                11,
            ),
            exact,
            note="point estimate",
        ),
    ]
    if lmer := lmer_seconds(data):
        rows.append(row("R lme4 lmer, ML", lmer, exact, note="point estimate"))
    design = Design.from_formula(FORMULA, data)
    for form in (True, False):
        name = f"nutpie, {'centred' if form else 'non-centred'}"
        compiling, model = timed(
            lambda form=form: nutpie.compile_pymc_model(pymc_model(design, PRIORS, centred=form))
        )
        runs = [
            timed(lambda k=k, m=model: nutpie.sample(m, draws=2000, tune=1000, seed=k, **SAMPLER))
            for k in range(5)
        ]
        seconds = statistics.median(s for s, _ in runs)
        error, ess = largest_error(runs[0][1], posterior.summary()["mean"])
        rows.append(
            row(
                name,
                seconds,
                exact,
                error=error,
                note=f"4 x 2,000 draws, ESS at least {ess:,.0f}; compiled in {compiling:.1f} s",
            )
        )
        # Errors shrink with the root of the draws: what the accuracy of the exact answer takes.
        as_exact = seconds * (error / posterior.error) ** 2
        rows.append(
            row(f"{name}, as accurate", as_exact, exact, posterior.error, note="extrapolated")
        )
    return rows


def row(
    engine: str, seconds: float, exact: float, error: float | None = None, note: str = ""
) -> dict[str, Any]:
    """One line of a table."""
    return {
        "engine": engine,
        "seconds": rounded(seconds),
        "times the exact": rounded(seconds / exact),
        "largest error (sd)": "" if error is None else rounded(error),
        "note": note,
    }


def lmer_seconds(data: pd.DataFrame) -> float | None:
    """Median time of lmer in a running R, or None without R and lme4."""
    if not shutil.which("Rscript"):
        return None
    script = """
    suppressMessages(library(lme4)); d <- read.csv(commandArgs(TRUE)[1])
    f <- function() lmer(course ~ female + (1 + female | school), d, REML = FALSE)
    invisible(f()); cat(median(replicate(11, system.time(f())[["elapsed"]])))
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gcse.csv"
        data.to_csv(path, index=False)
        run = subprocess.run(["Rscript", "-e", script, path], capture_output=True, text=True)
    return float(run.stdout) if run.returncode == 0 else None


def study() -> list[dict[str, Any]]:
    """Time one data set of the slides' study, J = 10, N = 200, under the good prior."""
    priors, truth = PRIOR_DESIGNS["good"], Truth()
    simulation = dgp_2(10, 200).simulate(truth, replicates=300, rng=np.random.default_rng(500))

    def all_at_once() -> pd.DataFrame:
        return exact_posterior(
            SLOPE_FORMULA, simulation.data, priors=priors, outcomes=simulation.outcomes
        ).summary()

    exact = median_seconds(all_at_once, 11) / 300
    means = all_at_once()["mean"].unstack()[list(truth.parameters)]
    means.columns = pd.Index(["alpha", "gamma_0", "gamma_1", "sigma_b", "sigma_y"])
    rows = [row("exact posterior, 300 at once", exact, exact, 1e-3, "means, sds, intervals")]
    for label, form in [
        ("the slides' parameterisation", models.as_on_the_slides),
        ("centred", models.centred),
        ("centred, on group sums", models.on_group_sums),
    ]:
        seconds, errors, esses = [], [], []
        for k in range(3):
            data = simulation.data.assign(y=simulation.outcomes[k])
            model = nutpie.compile_pymc_model(form(data, priors))
            took, tree = timed(
                lambda m=model, k=k: nutpie.sample(m, draws=1000, tune=500, seed=k, **SAMPLER)
            )
            error, ess = largest_error(tree, means.loc[k])
            seconds.append(took)
            errors.append(error)
            esses.append(ess)
        note = f"4 x 1,000 draws, ESS at least {min(esses):,.0f}, not counting compilation"
        rows.append(row(f"nutpie, {label}", statistics.median(seconds), exact, max(errors), note))
    if stan := stan_row(simulation, priors, means, exact):
        rows.append(stan)
    return rows


def stan_row(
    simulation: Simulation, priors: Priors, means: pd.DataFrame, exact: float
) -> dict[str, Any] | None:
    """Time Stan with the authors' settings, where PyStan is installed."""
    seconds, errors, esses = [], [], []
    for k in range(3):
        data = simulation.data.assign(y=simulation.outcomes[k])
        try:
            program = stan_program(SLOPE_FORMULA, data, priors=priors, seed=1 + k)
        except ImportError:
            return None
        took, fit = timed(
            lambda program=program: in_own_thread(
                program.sample, num_chains=4, num_samples=1500, num_warmup=500
            )
        )
        draws = {name: fit[name].reshape(1500, 4).T for name in means}
        error, ess = largest_error(az.from_dict({"posterior": draws}), means.loc[k])
        seconds.append(took)
        errors.append(error)
        esses.append(ess)
    note = f"4 x 1,500 draws, ESS at least {min(esses):,.0f}, not counting compilation"
    return row(
        "Stan, the slides' parameterisation", statistics.median(seconds), exact, max(errors), note
    )
