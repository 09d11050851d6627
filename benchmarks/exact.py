"""The exact posterior against maximum likelihood and samplers, on the same data in one run."""

import shutil
import statistics
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import arviz as az
import nutpie
import pandas as pd
import scipy.stats as st
import xarray as xr
from statsmodels.formula.api import mixedlm

from bhm_utils import Design, Normal, Priors, exact_posterior, load_gcse
from bhm_utils.engines.pymc import pymc_model

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
