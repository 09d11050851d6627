"""The exact engine against samplers, and calibrated by simulation."""

from dataclasses import replace

import arviz as az
import numpy as np
import pytest
import scipy.stats as st
from numpy.testing import assert_allclose

from bhm_utils import Design, Normal, Priors, exact_posterior, fit_bambi, fit_pymc

from .conftest import FORMULA, simulated

# Samplers


def test_gcse_is_what_the_prototype_had(gcse, priors):
    table = exact_posterior(FORMULA, gcse, priors=priors).summary()["mean"]
    expected = [69.429, 7.118, 10.40, 7.12, -0.489, 13.047]
    assert_allclose(table, expected, atol=0.006)


@pytest.fixture(scope="module")
def both(gcse, priors):
    return exact_posterior(FORMULA, gcse, priors=priors), fit_pymc(
        FORMULA, gcse, priors=priors, seed=7, centred=True
    )


def require_agreement(exact, fit):
    """Every parameter and every school within 4 Monte Carlo errors."""
    ours, theirs = exact.summary(), fit.summary()
    z = (theirs["mean"] - ours["mean"]) / theirs["mcse_mean"]
    assert z.abs().max() < 4
    assert ((theirs["sd"] - ours["sd"]).abs() < 4 * theirs["mcse_sd"]).all()
    effects = exact.group_effects()
    for name in exact.design.varying:
        rows = effects.xs(name, level="effect")
        draws = az.summary(fit.tree, var_names=[name], round_to="none")
        assert (
            np.abs(draws["mean"].to_numpy() - rows["mean"]) < 4 * draws["mcse_mean"].max()
        ).all()
        assert (np.abs(draws["sd"].to_numpy() - rows["sd"]) < 4 * draws["mcse_sd"].max()).all()


def test_pymc_agrees_within_monte_carlo_error(both):
    require_agreement(*both)


def test_bambi_agrees_within_monte_carlo_error(gcse, priors):
    independent = Priors(priors.group_sd, priors.residual_sd, priors.common, correlation_eta=None)
    exact = exact_posterior(FORMULA, gcse, priors=independent)
    require_agreement(exact, fit_bambi(FORMULA, gcse, priors=independent, seed=7))


def test_a_pooled_model_agrees_too(gcse, priors):
    exact = exact_posterior("course ~ female", gcse, priors=priors).summary()
    for fit in (fit_pymc, fit_bambi):
        theirs = fit("course ~ female", gcse, priors=priors, seed=7).summary()
        assert ((theirs["mean"] - exact["mean"]).abs() < 4 * theirs["mcse_mean"]).all()


def test_a_wrong_prior_would_be_seen(both, gcse, priors):
    """The falsification of the test above."""
    wrong = Priors(st.halfnorm(scale=3), priors.residual_sd, priors.common)
    table = exact_posterior(FORMULA, gcse, priors=wrong).summary()
    nuts = both[1].summary()
    z = (nuts["mean"] - table["mean"]) / nuts["mcse_mean"]
    assert z.abs().max() > 10


def test_draws_have_the_posteriors_moments(both):
    exact, _ = both
    draws = exact.sample(2500, rng=np.random.default_rng(0)).posterior.dataset
    table = exact.summary()
    for name, row in table.iterrows():
        assert abs(float(draws[name].mean()) - row["mean"]) < 4 * row["sd"] / 100, name
        assert abs(float(draws[name].std()) / row["sd"] - 1) < 0.05, name
    effects = exact.group_effects()
    for name in exact.design.varying:
        rows = effects.xs(name, level="effect")
        u = draws[name].transpose("chain", "draw", ...)
        assert (np.abs(u.mean(["chain", "draw"]) - rows["mean"]) < 4 * rows["sd"] / 100).all()
        assert (np.abs(u.std(["chain", "draw"]) / rows["sd"] - 1) < 0.06).all()
        common = "Intercept" if name.startswith("1") else "female"
        total = (u + draws[common]).std(["chain", "draw"])
        assert (np.abs(total / rows["total_sd"] - 1) < 0.06).all()


def test_draws_have_the_posteriors_covariance(both):
    """Of the coefficients, from the mixture; of schools and coefficients, from NUTS."""
    exact, nuts = both
    draws = exact.sample(10_000, rng=np.random.default_rng(1)).posterior.dataset
    mean, cov = (a[0].reshape(-1, *a.shape[3:]) for a in exact._coefficients.stacked())
    weights = exact._lattice.weights[0].ravel()
    centred = mean - weights @ mean
    expected = np.einsum("n,npr->pr", weights, cov) + (weights[:, None] * centred).T @ centred
    b = np.stack([draws[name].values.ravel() for name in exact.design.common])
    scale = np.sqrt(np.outer(*2 * [np.diag(expected)]))
    assert np.abs((np.cov(b) - expected) / scale).max() < 4 * np.sqrt(2 / b.shape[1])

    def correlations(posterior):
        names = [*exact.design.parameters, *exact.design.varying]
        columns = [posterior[name].transpose("chain", "draw", ...).values for name in names]
        n = columns[0].size
        return np.corrcoef(np.concatenate([c.reshape(n, -1) for c in columns], axis=1).T)

    theirs = correlations(nuts.tree.posterior.dataset)
    worst = np.abs(correlations(draws) - theirs).max()
    # 11,000 pairs: the largest of as many normal errors is below 5 of them
    assert worst < 5 / np.sqrt(nuts.summary()["ess_bulk"].min())


# Calibration


MODELS = {
    "y ~ x + (1 | g)": {"J": 8, "n": 5, "seed": 3},
    "y ~ x + (1 + x | g)": {"J": 20, "n": 10, "seed": 3},
}


def prior_draws(formula, priors, replicates):
    """Parameters and effects (replicates, ...) from the prior, and outcomes given them."""
    rng = np.random.default_rng(11)
    data = simulated(**MODELS[formula])
    design = Design.from_formula(formula, data)
    q, J = len(design.effects), len(design.labels)
    b = np.stack(
        [
            prior.mean + prior.sd * rng.normal(size=replicates)
            for prior in map(priors.common_prior, design.common)
        ],
        axis=1,
    )
    s = priors.group_sd.rvs((replicates, q), random_state=rng)
    sigma = priors.residual_sd.rvs(replicates, random_state=rng)
    u = s[:, :, None] * rng.normal(size=(replicates, q, J))
    truth = dict(zip([*design.common, *design.group_sds], [*b.T, *s.T], strict=True))
    if q == 2:  # LKJ(eta): (1 + rho) / 2 is Beta(eta, eta)
        eta = priors.correlation_eta
        rho = 2 * rng.beta(eta, eta, replicates) - 1
        u[:, 1] = s[:, 1, None] * (
            rho[:, None] * u[:, 0] / s[:, 0, None]
            + np.sqrt(1 - rho**2)[:, None] * rng.normal(size=(replicates, J))
        )
        truth[design.correlations[0]] = rho
    truth |= {"sigma": sigma} | dict(zip(design.varying, u.swapaxes(0, 1), strict=True))
    mean = b @ design.X.T + np.einsum("rqn,nq->rn", u[:, :, design.codes], design.Z)
    return data, design, truth, mean + sigma[:, None] * rng.normal(size=mean.shape)


def ranks(formula, prior_of_data, prior_of_analysis, replicates=500):
    """Posterior probability below the truth, for truths drawn from the prior."""
    data, design, truth, Y = prior_draws(formula, prior_of_data, replicates)
    size = 100 if len(design.effects) == 1 else 1
    parts = []
    for k in range(0, replicates, size):
        part = slice(k, k + size)
        posterior = exact_posterior(formula, data, priors=prior_of_analysis, outcomes=Y[part])
        cdfs = [posterior.cdf(name, truth[name][part, None]) for name in design.parameters]
        parts.append(np.reshape(cdfs, (len(cdfs), -1)))
    return dict(zip(design.parameters, np.concatenate(parts, axis=1), strict=True))


CALIBRATED = Priors(
    group_sd=st.gamma(9, scale=0.12),
    residual_sd=st.gamma(9, scale=0.12),
    common={"Intercept": Normal(0, 2), "x": Normal(1, 1)},
    correlation_eta=1.5,
)


@pytest.mark.parametrize("formula", MODELS)
def test_simulation_based_calibration(formula):
    for name, pit in ranks(formula, CALIBRATED, CALIBRATED).items():
        assert len(pit) == 500
        assert st.kstest(pit, "uniform").pvalue > 1e-3, name


@pytest.mark.parametrize(
    ("formula", "wrong"),
    [
        ("y ~ x + (1 | g)", {"group_sd": st.gamma(9, scale=0.24)}),
        ("y ~ x + (1 + x | g)", {"correlation_eta": 50.0}),
    ],
)
def test_calibration_sees_a_wrong_prior(formula, wrong):
    pits = ranks(formula, CALIBRATED, replace(CALIBRATED, **wrong), replicates=200)
    assert min(st.kstest(pit, "uniform").pvalue for pit in pits.values()) < 1e-4


def test_draws_are_calibrated_for_every_parameter_and_group():
    formula, size = "y ~ x + (1 | g)", 99
    data, design, truth, Y = prior_draws(formula, CALIBRATED, 500)
    rng = np.random.default_rng(5)
    below: dict[str, list] = {name: [] for name in [*design.parameters, *design.varying]}
    for k, y in enumerate(Y):
        draws = exact_posterior(formula, data.assign(y=y), priors=CALIBRATED).sample(
            size, chains=1, rng=rng
        )
        for name, counts in below.items():
            counts.append((draws.posterior[name].values[0] < truth[name][k]).sum(axis=0))
    for name, counts in below.items():
        for of_one in np.reshape(counts, (500, -1)).T:  # one parameter, or one group's effect
            observed = np.bincount(of_one // 10, minlength=10)
            assert st.chisquare(observed).pvalue > 1e-4, name
