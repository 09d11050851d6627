"""The engines against each other, against lme4's numbers, and against their own faults."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import scipy.stats as st
from numpy.testing import assert_allclose

from bhm_utils import (
    ConvergenceError,
    Design,
    Normal,
    Priors,
    compare,
    fit_bambi,
    fit_ml,
    fit_pymc,
)
from bhm_utils.engines.pymc import pymc_model

from .conftest import FORMULA

# lmer of lme4 (R 4.2.2) on the same rows.
LMER_ML = {
    "Intercept": (69.42535421, 1.35232250),
    "female": (7.12848804, 1.13116601),
    "1|school_sigma": (10.14562592, None),
    "female|school_sigma": (6.92359225, None),
    "1,female|school_corr": (-0.5200058, None),
    "sigma": (13.03049167, None),
}
LMER_REML = {
    "Intercept": (69.42030242, 1.36286978),
    "female": (7.13305108, 1.14088170),
    "1|school_sigma": (10.24226569, None),
    "female|school_sigma": (7.02303295, None),
    "1,female|school_corr": (-0.5218637, None),
    "sigma": (13.03025546, None),
}


@pytest.mark.parametrize(
    ("reml", "lmer", "loglik"),
    [(False, LMER_ML, -6985.72080274), (True, LMER_REML, -6983.64964199)],
)
def test_ml_and_reml_equal_lme4(gcse, reml, lmer, loglik):
    fit = fit_ml(FORMULA, gcse, reml=reml)
    table = fit.summary()
    assert_allclose(fit.loglik, loglik, atol=1e-5)
    assert table.index.tolist() == list(lmer)
    for name, (estimate, error) in lmer.items():
        assert_allclose(table.loc[name, "mean"], estimate, rtol=2e-5)
        if error is not None:
            assert_allclose(table.loc[name, "sd"], error, rtol=2e-5)


def test_intervals_are_wald_on_the_free_scale(gcse):
    table = fit_ml(FORMULA, gcse).summary(ci_prob=0.9)
    assert table.columns.tolist() == ["mean", "sd", "eti90_lb", "eti90_ub"]
    row = table.loc["Intercept"]
    assert_allclose(row["eti90_ub"], row["mean"] + 1.6448536 * row["sd"])
    row = table.loc["sigma"]
    assert_allclose(row["eti90_lb"] * row["eti90_ub"], row["mean"] ** 2)
    with pytest.raises(ValueError, match="ci_prob must be between 0 and 1, got 95"):
        fit_ml(FORMULA, gcse).summary(ci_prob=95)


def test_conditional_modes_are_statsmodels_own(gcse):
    fit = fit_ml(FORMULA, gcse)
    effects = fit.group_effects()
    at = fit.given
    for j, label in enumerate(fit.design.labels):
        theirs = fit.result.random_effects[j]
        assert_allclose(effects.loc[label, "mean"], np.asarray(theirs), atol=1e-4)
        conditional = np.asarray(fit.result.random_effects_cov[j])
        assert_allclose(at.u_cov_given_b[j], conditional, atol=1e-3)
    assert (effects["sd"] ** 2).to_numpy().min() > 0
    assert_allclose(
        effects["total_mean"] - effects["mean"],
        np.tile(fit.summary()["mean"].iloc[:2], len(fit.design.labels)),
    )


@pytest.mark.parametrize(
    ("formula", "method", "message"),
    [
        (FORMULA, "powell", "stopped short of the maximum: a Newton step would still move"),
        ("course ~ female + (1 | school)", "lbfgs", "has not converged on"),
    ],
)
def test_bad_optimisers_are_caught(gcse, formula, method, message):
    with pytest.raises(ConvergenceError, match=message):
        fit_ml(formula, gcse, method=method)


def test_an_estimate_on_the_boundary_warns_and_has_no_standard_error():
    y = np.random.default_rng(5).normal(size=30)  # the groups differ less than by chance
    data = pd.DataFrame({"g": np.repeat(np.arange(6), 5), "y": y})
    with pytest.warns(UserWarning, match="ML estimate on the boundary"):
        table = fit_ml("y ~ 1 + (1 | g)", data).summary()
    assert table.loc["1|g_sigma", "mean"] < 1e-3
    assert table["sd"].isna().tolist() == [False, True, True]


def test_ml_takes_a_categorical_predictor_and_a_slope_alone(gcse):
    by_category = fit_ml("course ~ gender + (1 + gender | school)", gcse)
    assert by_category.summary().index[1] == "gender[M]"
    assert_allclose(by_category.loglik, fit_ml(FORMULA, gcse).loglik, atol=1e-5)
    alone = fit_ml("course ~ female + (0 + female | school)", gcse)
    assert alone.design.parameters == ["Intercept", "female", "female|school_sigma", "sigma"]


@pytest.fixture(scope="module")
def fits(gcse, priors):
    independent = replace(priors, correlation_eta=None)
    return {
        "centred": fit_pymc(FORMULA, gcse, priors=priors, seed=1, centred=True),
        "non-centred": fit_pymc(FORMULA, gcse, priors=priors, seed=2, draws=4000),
        "independent": fit_pymc(FORMULA, gcse, priors=independent, seed=3, centred=True),
        "bambi": fit_bambi(FORMULA, gcse, priors=independent, seed=4),
    }


def z_scores(one, other):
    a, b = one.summary(), other.summary()
    return ((a["mean"] - b["mean"]) / np.hypot(a["mcse_mean"], b["mcse_mean"])).dropna()


def test_every_engine_answers_with_the_same_rows(fits, gcse):
    design = Design.from_formula(FORMULA, gcse)
    correlated = set(design.parameters)
    for label, fit in fits.items():
        expected = correlated if "centred" in label else correlated - {"1,female|school_corr"}
        assert set(fit.summary().index) == expected, label
        effects = fit.group_effects()
        assert effects.columns.tolist() == ["mean", "sd", "total_mean", "total_sd"]
        assert effects.index.equals(fit_ml(FORMULA, gcse).group_effects().index), label
        assert np.isfinite(effects.to_numpy()).all()
        assert fit.seconds > 0


def test_centred_and_non_centred_are_one_posterior(fits):
    assert z_scores(fits["centred"], fits["non-centred"]).abs().max() < 4
    one, other = (fits[label].group_effects() for label in ("centred", "non-centred"))
    # The effective size of the non-centred intercept, the worst of all, is above 400.
    assert ((one["mean"] - other["mean"]).abs() < 4 * one["sd"] / 20).all()


def test_bambi_is_the_independent_model(fits):
    assert z_scores(fits["bambi"], fits["independent"]).abs().max() < 4


def test_bambi_is_not_the_correlated_model(fits):
    """The falsification: the same check must tell two models apart."""
    assert z_scores(fits["bambi"], fits["centred"]).abs().max() > 10


def test_bayes_and_ml_agree_where_they_should(fits, gcse):
    ml, bayes = fit_ml(FORMULA, gcse), fits["centred"]
    table = bayes.summary()
    apart = (table["mean"] - ml.summary()["mean"]) / table["sd"]
    assert apart[["Intercept", "female"]].abs().max() < 0.1
    modes, means = ml.group_effects(), bayes.group_effects()
    assert ((modes["total_mean"] - means["total_mean"]).abs() < 0.35 * means["total_sd"]).all()


def test_compare_puts_them_side_by_side(fits, gcse):
    table = compare({"ML": fit_ml(FORMULA, gcse), "Bambi": fits["bambi"]})
    assert table.index.tolist() == fits["bambi"].design.parameters
    assert table.columns.tolist() == [(f, c) for f in ("ML", "Bambi") for c in ("mean", "sd")]
    assert np.isnan(table.loc["1,female|school_corr", ("Bambi", "mean")])
    assert table.notna().sum().sum() == 22
    with pytest.raises(ValueError, match="at least one fit"):
        compare({})
    with pytest.raises(ValueError, match=r"one outcome, got \['course', 'written'\]"):
        other = gcse.dropna(subset=["written"])
        compare({"a": fits["bambi"], "b": fit_ml("written ~ 1 + (1 | school)", other)})


def test_one_seed_one_posterior(fits, gcse, priors):
    again = fit_pymc(FORMULA, gcse, priors=priors, seed=1, centred=True)
    np.testing.assert_array_equal(
        again.tree.posterior["sigma"], fits["centred"].tree.posterior["sigma"]
    )


def test_chains_that_have_not_converged_are_refused(gcse, priors):
    with pytest.raises(ConvergenceError, match=r"at most|at least"):
        fit_pymc(FORMULA, gcse, priors=priors, seed=1, draws=50, tune=50)
    loose = {"max_rhat": 10.0, "min_ess": 1, "max_divergences": 10_000}
    fit_pymc(FORMULA, gcse, priors=priors, seed=1, draws=50, tune=50, limits=loose)


def test_groups_keep_their_names_in_every_engine():
    """Integer labels, whose order as numbers and as text differ."""
    rng = np.random.default_rng(0)
    labels = np.array([2, 10, 1, 33, 4, 100, 5, 20])
    effects = dict(zip(labels.tolist(), 4.0 * np.arange(8), strict=True))
    g = np.repeat(labels, 8)
    data = pd.DataFrame({"g": g, "y": [effects[k] for k in g.tolist()] + rng.normal(size=64)})
    half = st.halfnorm(scale=20)
    priors = Priors(half, half, {"Intercept": Normal(0, 50)})
    short = {"draws": 300, "tune": 500, "limits": {"max_rhat": 2, "min_ess": 10}}
    formula = "y ~ 1 + (1 | g)"
    fits = [
        fit_ml(formula, data),
        fit_pymc(formula, data, priors=priors, seed=1, **short),
        fit_bambi(formula, data, priors=priors, seed=1, **short),
    ]
    for fit in fits:
        totals = fit.group_effects()["total_mean"].droplevel("effect")
        for label, truth in effects.items():
            assert abs(totals[str(label)] - truth) < 2


def test_what_bambi_would_get_wrong_is_refused(gcse, priors):
    for formula in [
        "course ~ gender + (1 | school)",
        "course ~ female + (1 + female:student | school)",
        "course ~ np.log(student) + (1 | school)",
    ]:
        free = Priors(priors.group_sd, priors.residual_sd, correlation_eta=None)
        with pytest.raises(ValueError, match="numeric columns of data only; make these columns"):
            fit_bambi(formula, gcse, priors=free, seed=1)


def random_slopes(seed):
    rng = np.random.default_rng(seed)
    g, x, sd = np.repeat(np.arange(15), 8), rng.normal(size=120), rng.choice([0.0, 0.2, 1.0])
    slope = x * (1 + sd * rng.normal(size=15)[g])
    return pd.DataFrame(
        {"y": rng.normal(size=15)[g] + slope + rng.normal(size=120), "x": x, "g": g}
    )


def test_where_one_optimiser_fails_another_is_tried():
    data = random_slopes(12)
    with pytest.raises(ConvergenceError):
        fit_ml("y ~ x + (1 + x | g)", data, gtol=1e-6)  # BFGS, and then its own retries
    rescued = fit_ml("y ~ x + (1 + x | g)", data)
    assert not rescued.variances.on_boundary(rescued.design)
    assert rescued.summary().notna().all().all()


def test_bad_input_is_named(gcse, priors):
    with pytest.raises(ValueError, match=r"Bambi has no correlated varying effects.*got 1.0"):
        fit_bambi(FORMULA, gcse, priors=priors, seed=1)
    stranger = replace(priors, common={"male": Normal(0, 1)})
    for fit in (fit_pymc, fit_bambi):
        with pytest.raises(ValueError, match=r"priors\.common names"):
            fit("course ~ female + (1 | school)", gcse, priors=stranger, seed=1)


@pytest.mark.parametrize(("q", "eta"), [(2, 1.0), (3, 1.0), (3, 4.0)])
def test_partial_correlations_are_lkj(q, eta):
    """Every correlation of an LKJ(eta) matrix of size q is a Beta(eta + q/2 - 1) on (-1, 1)."""
    import pymc as pm

    columns = ["a", "b"][: q - 1]
    rng = np.random.default_rng(5)
    data = pd.DataFrame(rng.normal(size=(40, 3)), columns=["y", "a", "b"]).assign(
        g=list("uvwx") * 10
    )
    terms = " + ".join(["1", *columns])
    design = Design.from_formula(f"y ~ {terms} + ({terms} | g)", data)
    half = st.halfnorm(scale=1)
    common = {name: Normal(0, 1) for name in design.common}
    model = pymc_model(design, Priors(half, half, common, eta))
    with model:
        draws = pm.draw([model[name] for name in design.correlations], 20_000, random_seed=6)
    marginal = st.beta(eta + q / 2 - 1, eta + q / 2 - 1, loc=-1, scale=2)
    wrong = st.beta(eta + q / 2, eta + q / 2, loc=-1, scale=2)
    assert len(draws) == q * (q - 1) // 2
    for correlation in draws:
        assert st.kstest(correlation, marginal.cdf).pvalue > 1e-3
        assert st.kstest(correlation, wrong.cdf).pvalue < 1e-3


def test_three_varying_effects_fit(gcse):
    both = gcse.dropna(subset=["written"]).assign(paper=lambda d: (d["written"] - 46) / 13)
    fit = fit_ml("course ~ female + paper + (1 + female + paper | school)", both)
    assert fit.design.correlations == [
        "1,female|school_corr",
        "1,paper|school_corr",
        "female,paper|school_corr",
    ]
    assert len(fit.summary()) == 10


def test_importing_the_package_is_cheap(clean_env):
    code = (
        "import time; start = time.perf_counter(); import bhm_utils;"
        "seconds = time.perf_counter() - start; import sys;"
        "heavy = {'pymc', 'bambi', 'pandas', 'arviz'} & set(sys.modules);"
        "from bhm_utils import load_gcse, fit_pymc, Priors, compare;"
        "heavy |= {'pymc', 'bambi', 'pytensor'} & set(sys.modules);"
        "import os; print(seconds, sorted(heavy), os.environ['PYTENSOR_FLAGS'])"
    )
    env = clean_env | {"PYTENSOR_FLAGS": "device=cpu"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env
    )
    _, heavy, flags = run.stdout.split()
    assert heavy == "[]"
    assert flags == "device=cpu,numba__fastmath=False"


def test_fits_are_silent(gcse, priors, capfd):
    fit_bambi("course ~ female + (1 | school)", gcse, priors=priors, seed=1)
    out, err = capfd.readouterr()
    assert out == err == ""
