import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from numpy.testing import assert_allclose

from bhm_utils import Normal

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
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
