"""Stan against the exact posterior, and what is said where it cannot run."""

import sys
from dataclasses import replace

import numpy as np
import pytest
import scipy.stats as st

from bhm_utils import (
    PRIOR_DESIGNS,
    ConvergenceError,
    Normal,
    Truth,
    exact_posterior,
    files,
    fit_stan,
)
from bhm_utils.engines import stan as module
from bhm_utils.simulate import SLOPE_FORMULA, dgp_2

GOOD = PRIOR_DESIGNS["good"]
DATA = dgp_2(5, 20).simulate(Truth(), rng=np.random.default_rng(5)).data
# Where Python is older, PyStan must be there: the extra `stan` installs it, and CI has it.
needs_pystan = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="PyStan does not load on Python 3.13"
)


@pytest.fixture(scope="module")
def fit():
    return fit_stan(SLOPE_FORMULA, DATA, priors=GOOD, seed=3, tune=500)


@needs_pystan
def test_stan_is_the_exact_posterior(fit):
    exact = exact_posterior(SLOPE_FORMULA, DATA, priors=GOOD)
    ours, theirs = fit.summary(), exact.summary()
    assert ours.index.tolist() == theirs.index.tolist()
    assert ((ours["mean"] - theirs["mean"]).abs() < 4 * ours["mcse_mean"]).all()
    assert ((ours["sd"] - theirs["sd"]).abs() < 4 * ours["mcse_sd"]).all()
    off = fit.group_effects() - exact.group_effects()
    error = exact.group_effects()["sd"] / np.sqrt(ours["ess_bulk"].min())
    assert (off["total_mean"].abs() < 4 * error).all() and len(off) == 5
    assert fit.engine == "Stan"
    assert fit.tree.posterior.sizes == {"chain": 4, "draw": 2000, "g": 5}


@needs_pystan
def test_the_check_sees_another_prior(fit):
    other = exact_posterior(SLOPE_FORMULA, DATA, priors=PRIOR_DESIGNS["bad"]).summary()
    z = (fit.summary()["mean"] - other["mean"]) / fit.summary()["mcse_mean"]
    assert z.abs().max() > 10


@needs_pystan
def test_stan_is_silent_and_leaves_nothing(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConvergenceError):
        fit_stan(SLOPE_FORMULA, DATA, priors=GOOD, seed=4, draws=50, tune=50)
    assert capfd.readouterr() == ("", "")
    assert list(tmp_path.iterdir()) == []


@needs_pystan
def test_other_names_and_flat_priors_reach_the_program():
    data = DATA.rename(columns={"y": "score", "x": "hours", "u": "age", "g": "school"})
    formula = "score ~ hours + hours:age + (0 + hours | school)"
    priors = replace(PRIOR_DESIGNS["flat"], common={})
    block = module.stan_data(formula, data.sample(frac=1, random_state=1), priors=priors)
    assert (block["flat"], block["N"], block["J"]) == (1, 100, 5)
    assert block["u"] == DATA.groupby("g")["u"].first().tolist()
    program = module.stan_program(formula, data, priors=priors, seed=1)
    good = module.stan_program(SLOPE_FORMULA, DATA, priors=GOOD, seed=1)
    point = [0.1 * k for k in range(10)]
    flat, informed = (module.in_own_thread(p.log_prob, point) for p in (program, good))
    gamma = -0.5 * ((0.1 - 1) ** 2 + (0.2 - 1) ** 2)  # Stan drops the constants
    np.testing.assert_allclose(informed - flat, gamma)


@needs_pystan
def test_the_compiler_says_what_is_wrong():
    assert module.compiler_message(module.program_code()) == ""
    message = module.compiler_message("parameter { real a; }")
    assert "Syntax error in the program, line 1" in message


def without_pystan(monkeypatch):
    monkeypatch.setitem(sys.modules, "stan", None)


def with_an_empty_folder(monkeypatch):
    monkeypatch.setitem(sys.modules, "stan", type(sys)("stan"))


@pytest.mark.parametrize("missing", [without_pystan, with_an_empty_folder])
def test_without_pystan_it_is_said_how_to_get_it(missing, monkeypatch):
    missing(monkeypatch)
    with pytest.raises(ImportError, match=r"pip install bhm-utils\[stan\].*needs Python 3.12"):
        fit_stan(SLOPE_FORMULA, DATA, priors=GOOD, seed=1)


@pytest.mark.parametrize(
    ("formula", "priors", "message"),
    [
        ("y ~ x + (1 | g)", GOOD, "formula must be of the form"),
        ("y ~ x + u + (0 + x | g)", GOOD, "formula must have a product"),
        (SLOPE_FORMULA, replace(GOOD, common={"x": Normal(1, 1)}), "must be one prior for"),
        (SLOPE_FORMULA, replace(GOOD, common={"Intercept": Normal(0, 1)}), "must be flat for"),
        (SLOPE_FORMULA, replace(GOOD, group_sd=st.halfnorm(scale=5)), "priors.group_sd must be"),
        (SLOPE_FORMULA, replace(GOOD, residual_sd=st.halfcauchy(scale=2)), "priors.residual_sd"),
    ],
)
def test_what_the_program_does_not_say_is_refused(formula, priors, message):
    if "+ u" in formula:
        priors = replace(priors, common={})
    if formula == "y ~ x + (1 | g)":
        priors = replace(priors, common={"x": Normal(1, 1)})
    with pytest.raises(ValueError, match=message):
        fit_stan(formula, DATA, priors=priors, seed=1)


def test_a_group_has_one_u():
    data = DATA.assign(u=DATA["x"] ** 2)
    with pytest.raises(ValueError, match="data must have one value of 'u' a group"):
        fit_stan(SLOPE_FORMULA, data, priors=GOOD, seed=1)


def test_warm_up_is_not_a_draw():
    with pytest.raises(ValueError, match="save_warmup must be False"):
        fit_stan(SLOPE_FORMULA, DATA, priors=GOOD, seed=1, save_warmup=True)


def test_a_missing_program_says_where_it_was_looked_for(monkeypatch, tmp_path):
    monkeypatch.setattr(files, "ROOTS", [tmp_path])
    with pytest.raises(FileNotFoundError, match="looked for it at"):
        module.program_code()
