import math

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.testing import assert_allclose
from scipy.integrate import quad

from bhm_utils import Normal, NormalInverseGamma

means = some.floats(-100, 100)
sds = some.floats(0.1, 100)
samples = some.lists(means, min_size=1, max_size=20)


@given(means, sds, sds, samples, some.integers(0, 20))
def test_updating_in_two_batches_equals_updating_at_once(mean, sd, noise_sd, y, cut):
    prior = Normal(mean, sd)
    at_once = prior.update(y, noise_sd)
    in_two = prior.update(y[:cut], noise_sd).update(y[cut:], noise_sd)
    assert_allclose([at_once.mean, at_once.sd], [in_two.mean, in_two.sd], rtol=1e-9, atol=1e-9)


@given(means, sds, sds, samples)
def test_posterior_equals_the_normalised_product_on_a_grid(mean, sd, noise_sd, y):
    posterior = Normal(mean, sd).update(y, noise_sd)
    mu = posterior.mean + posterior.sd * np.linspace(-8, 8, 4001)
    log_density = -0.5 * ((mu - mean) / sd) ** 2
    log_density -= 0.5 * (((np.array(y)[:, None] - mu) / noise_sd) ** 2).sum(axis=0)
    weights = np.exp(log_density - log_density.max())
    weights /= weights.sum()
    assert_allclose(weights @ mu, posterior.mean, rtol=1e-6, atol=1e-6)
    assert_allclose(np.sqrt(weights @ (mu - posterior.mean) ** 2), posterior.sd, rtol=1e-6)


@given(sds, samples)
def test_flat_prior_leaves_the_data_alone(noise_sd, y):
    posterior = Normal(0.0, math.inf).update(y, noise_sd)
    assert_allclose(posterior.mean, np.mean(y), atol=1e-12)
    assert_allclose(posterior.sd, noise_sd / math.sqrt(len(y)))


def test_data_weight_moves_as_it_should():
    prior = Normal(0, 2)
    assert prior.data_weight(0, 1.0) == 0
    assert prior.data_weight(4, 4.0) == 0.5  # four observations weigh as much as this prior
    assert prior.data_weight(5, 4.0) > 0.5 > prior.data_weight(4, 5.0)
    assert Normal(0, 3).data_weight(4, 4.0) > 0.5
    assert prior.update([], 1.0) == prior


@given(means, sds, some.floats(-300, 300))
def test_density_is_scipys(mean, sd, x):
    assert_allclose(Normal(mean, sd).density([[x]]), [[st.norm.pdf(x, mean, sd)]], rtol=1e-9)


@given(means, sds, sds, samples)
def test_evidence_is_that_of_the_multivariate_normal(mean, sd, noise_sd, y):
    n = len(y)
    covariance = sd**2 * np.ones((n, n)) + noise_sd**2 * np.eye(n)
    _, log_determinant = np.linalg.slogdet(covariance)
    z = np.array(y) - mean
    expected = -0.5 * (n * np.log(2 * np.pi) + log_determinant + z @ np.linalg.solve(covariance, z))
    assert_allclose(Normal(mean, sd).log_evidence(y, noise_sd), expected, rtol=1e-6, atol=1e-6)


@given(means, sds, sds, samples)
def test_evidence_is_the_product_of_predictions(mean, sd, noise_sd, y):
    prior = Normal(mean, sd)
    one_by_one = 0.0
    for k, value in enumerate(y):
        ahead = prior.update(y[:k], noise_sd).predictive(noise_sd)
        one_by_one += st.norm.logpdf(value, ahead.mean, ahead.sd)
    assert_allclose(prior.log_evidence(y, noise_sd), one_by_one, rtol=1e-9, atol=1e-9)
    assert prior.log_evidence([], noise_sd) == 0


# Mean and variance unknown

positive = some.floats(0.1, 20)
conjugates = some.builds(NormalInverseGamma, some.floats(-20, 20), positive, positive, positive)
outcomes = some.lists(some.floats(-20, 20), min_size=1, max_size=20)


def parameters(distribution):
    return [distribution.mean, distribution.worth, distribution.shape, distribution.scale]


@given(conjugates, outcomes, some.integers(0, 20))
def test_both_unknown_updating_in_two_batches_equals_updating_at_once(prior, y, cut):
    in_two = prior.update(y[:cut]).update(y[cut:])
    assert_allclose(parameters(in_two), parameters(prior.update(y)), rtol=1e-9, atol=1e-9)


@given(conjugates, outcomes, some.floats(-20, 20), positive)
def test_both_unknown_shift_and_scale(prior, y, shift, factor):
    moved = NormalInverseGamma(
        shift + factor * prior.mean, prior.worth, prior.shape, factor**2 * prior.scale
    )
    after, before = moved.update(shift + factor * np.array(y)), prior.update(y)
    assert_allclose(after.mean, shift + factor * before.mean, rtol=1e-9, atol=1e-9)
    assert_allclose(after.scale, factor**2 * before.scale, rtol=1e-9)


@given(some.floats(-20, 20), positive, some.floats(0.5, 5), outcomes)
def test_known_variance_is_the_limit_of_a_sure_prior(mean, worth, sd, y):
    sure = NormalInverseGamma(mean, worth, 1e10, 1e10 * sd**2).update(y)
    known = Normal(mean, sd / math.sqrt(worth)).update(y, sd)
    assert_allclose(sure.marginal_mean.mean(), known.mean, atol=1e-9)
    assert_allclose(sure.marginal_mean.std(), known.sd, rtol=1e-6)
    assert_allclose(sure.predictive.std(), known.predictive(sd).sd, rtol=1e-6)
    assert_allclose(sure.marginal_variance.mean(), sd**2, rtol=1e-6)


def test_faint_prior_gives_the_t_interval_of_textbooks():
    y = np.array([4.0, 6.0, 5.0, 9.0, 2.0])
    posterior = NormalInverseGamma(0, 1e-9, 1e-9, 1e-9).update(y)
    textbook = st.t(5, loc=y.mean(), scale=np.sqrt(((y - y.mean()) ** 2).sum() / 5 / 5))
    assert_allclose(posterior.marginal_mean.ppf([0.025, 0.9]), textbook.ppf([0.025, 0.9]))


def log_joint(prior, mu, variance, y):
    """Prior times likelihood, from the definition."""
    log_p = st.invgamma.logpdf(variance, prior.shape, scale=prior.scale)
    log_p += st.norm.logpdf(mu, prior.mean, np.sqrt(variance / prior.worth))
    return log_p + sum(st.norm.logpdf(value, mu, np.sqrt(variance)) for value in y)


@settings(deadline=None, max_examples=30)
@given(conjugates, outcomes)
def test_posterior_and_evidence_are_those_of_bayes_theorem(prior, y):
    """The joint density over that of the posterior is the evidence, wherever one looks."""
    posterior = prior.update(y)
    mu = posterior.mean + np.array([-2.0, 0.0, 1.0, 3.0])
    variance = posterior.scale / posterior.shape * np.array([0.3, 1.0, 2.0, 5.0])
    ratio = log_joint(prior, mu, variance, y) - log_joint(posterior, mu, variance, [])
    assert_allclose(ratio, prior.log_evidence(y), rtol=1e-8, atol=1e-8)


@given(conjugates, outcomes)
def test_both_unknown_evidence_is_the_product_of_predictions(prior, y):
    one_by_one = sum(prior.update(y[:k]).predictive.logpdf(y[k]) for k in range(len(y)))
    assert_allclose(prior.log_evidence(y), one_by_one, rtol=1e-8, atol=1e-8)
    assert prior.log_evidence([]) == 0
    assert prior.update([]) == prior


EXAMPLE, SCORES = NormalInverseGamma(1.0, 2.0, 3.0, 4.0), [2.0, 3.5, 0.5, 4.0]


def test_evidence_is_the_integral_of_that_given_the_variance():
    def joint(variance):
        given = Normal(EXAMPLE.mean, math.sqrt(variance / EXAMPLE.worth))
        log_evidence = given.log_evidence(SCORES, math.sqrt(variance))
        return EXAMPLE.marginal_variance.pdf(variance) * math.exp(log_evidence)

    evidence = quad(joint, 0, np.inf, epsabs=0)[0]
    assert_allclose(EXAMPLE.log_evidence(SCORES), math.log(evidence), rtol=1e-8)


@pytest.mark.parametrize("at", [-1.0, 1.5, 3.0])
def test_marginals_are_integrals_of_the_joint(at):
    posterior = EXAMPLE.update(SCORES)

    def joint(mu, variance):
        return np.exp(log_joint(posterior, mu, variance, []))

    over_variance = quad(lambda variance: joint(at, variance), 0, np.inf)[0]
    assert_allclose(posterior.marginal_mean.pdf(at), over_variance, rtol=1e-6)
    over_mean = quad(lambda mu: joint(mu, abs(at)), -np.inf, np.inf)[0]
    assert_allclose(posterior.marginal_variance.pdf(abs(at)), over_mean, rtol=1e-6)
    root = np.sqrt(1 + 1 / posterior.worth)
    ahead = quad(
        lambda variance: (
            posterior.marginal_variance.pdf(variance)
            * st.norm.pdf(at, posterior.mean, root * np.sqrt(variance))
        ),
        *(0, np.inf),
    )[0]
    assert_allclose(posterior.predictive.pdf(at), ahead, rtol=1e-6)


def test_draws_have_the_marginals():
    posterior = EXAMPLE.update(SCORES)
    draws = posterior.sample(4000, np.random.default_rng(1))
    assert draws.shape == (4000, 2)
    assert st.kstest(draws[:, 0], posterior.marginal_mean.cdf).pvalue > 1e-3
    assert st.kstest(draws[:, 1], posterior.marginal_variance.cdf).pvalue > 1e-3
    assert st.kstest(draws[:, 0], EXAMPLE.marginal_mean.cdf).pvalue < 1e-4
    z = (draws[:, 0] - posterior.mean) / np.sqrt(draws[:, 1])  # the mean given the variance
    assert st.kstest(z, st.norm(0, posterior.worth**-0.5).cdf).pvalue > 1e-3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Normal(math.nan, 1), "mean must be finite, got nan"),
        (lambda: Normal(0, 0), "sd must be positive, got 0"),
        (lambda: Normal(0, math.nan), "sd must be positive, got nan"),
        (lambda: Normal(0, 1).data_weight(-1, 1), "n must be finite and at least 0, got -1"),
        (lambda: Normal(0, 1).data_weight(math.nan, 1), "n must be finite"),
        (lambda: Normal(0, 1).data_weight(1, 0), "noise_sd must be positive and finite, got 0"),
        (lambda: Normal(0, math.inf).data_weight(0, 1), "n must be at least 1"),
        (lambda: Normal(0, 1).update([math.inf], 1), "y must be one-dimensional and finite"),
        (lambda: Normal(0, 1).update([[1.0]], 1), "y must be one-dimensional and finite"),
        (lambda: Normal(0, 1).density(math.nan), "x must not be NaN, got nan"),
        (lambda: Normal(0, math.inf).density(0.0), "sd must be finite for a density, got inf"),
        (lambda: Normal(0, math.inf).predictive(1.0), "sd must be finite for a prediction"),
        (lambda: Normal(0, math.inf).log_evidence([1.0], 1.0), "sd must be finite for an evidence"),
        (lambda: Normal(0, 1).predictive(-1), "noise_sd must be positive and finite, got -1"),
        (lambda: Normal(0, 1).log_evidence([], math.inf), "noise_sd must be positive and finite"),
        (lambda: Normal(0, 1).log_evidence([math.nan], 1), "y must be one-dimensional and finite"),
        (lambda: NormalInverseGamma(math.inf, 1, 1, 1), "mean must be finite, got inf"),
        (lambda: NormalInverseGamma(0, 0, 1, 1), "worth must be positive and finite, got 0"),
        (lambda: NormalInverseGamma(0, 1, -1, 1), "shape must be positive and finite, got -1"),
        (lambda: NormalInverseGamma(0, 1, 1, math.nan), "scale must be positive and finite"),
        (lambda: EXAMPLE.update([math.nan]), r"y must be one-dimensional and finite, got \[nan\]"),
        (lambda: EXAMPLE.log_evidence(1.0), "y must be one-dimensional and finite, got 1.0"),
        (lambda: EXAMPLE.sample(0, None), "size must be an integer of at least 1, got 0"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
