import math

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from bhm_utils import PRIOR_DESIGNS, SlopeDesign, Truth, exact_posterior
from bhm_utils.simulate import SLOPE_FORMULA, dgp_1, dgp_2

TRUTH = Truth(alpha=0.5, gamma_0=1, gamma_1=2, slope_sd=0.7, residual_sd=0.3)


def test_replicates_share_the_design_and_have_the_moments_of_the_model():
    simulation = dgp_2(12, 30).simulate(TRUTH, replicates=2000, rng=np.random.default_rng(0))
    data, Y, slopes = simulation.data, simulation.outcomes, simulation.slopes
    assert Y.shape == (2000, 360) and slopes.shape == (2000, 12)
    assert_array_equal(data["y"], Y[0])
    u = data.groupby("g")["u"].first().to_numpy()
    centre = TRUTH.gamma_0 + TRUTH.gamma_1 * u
    assert_allclose(slopes.mean(axis=0), centre, atol=4 * TRUTH.slope_sd / np.sqrt(2000))
    assert_allclose(slopes.std(), np.hypot(TRUTH.slope_sd, centre.std()), rtol=0.02)
    rows = data["g"].astype(int).to_numpy()
    noise = Y - TRUTH.alpha - slopes[:, rows] * data["x"].to_numpy()
    assert abs(noise.mean()) < 4 * TRUTH.residual_sd / np.sqrt(noise.size)
    assert_allclose(noise.std(), TRUTH.residual_sd, rtol=0.01)


def test_one_seed_one_simulation():
    one, two = (dgp_1(5, 4).simulate(Truth(), rng=np.random.default_rng(3)) for _ in range(2))
    assert_array_equal(one.outcomes, two.outcomes)
    assert one.data["x"].mean() == pytest.approx(5, abs=0.3)


def test_a_large_data_set_gives_the_truth_back():
    simulation = dgp_2(400, 20).simulate(TRUTH, rng=np.random.default_rng(1))
    table = exact_posterior(SLOPE_FORMULA, simulation.data, priors=PRIOR_DESIGNS["flat"]).summary()
    assert list(table.index) == list(TRUTH.parameters)
    z = (table["mean"] - list(TRUTH.parameters.values())) / table["sd"]
    assert z.abs().max() < 4
    assert (table["sd"] < 0.05).all()


def test_prior_designs_are_the_slides():
    assert list(PRIOR_DESIGNS) == ["good", "bad", "weak bad", "weak slightly bad", "flat"]
    for priors in PRIOR_DESIGNS.values():
        assert priors.common["x"] == priors.common["x:u"]
        assert priors.common_prior("Intercept").precision == 0
        assert priors.residual_sd.ppf(0.5) == pytest.approx(5)
    means = [priors.common["x"].mean for priors in PRIOR_DESIGNS.values()]
    sds = [priors.common["x"].sd for priors in PRIOR_DESIGNS.values()]
    assert means[:4] == [1, 2, 2, 1.2] and sds == [1, 1, 3, 3, math.inf]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Truth(gamma_0=math.nan), "gamma_0 must be finite, got nan"),
        (lambda: Truth(slope_sd=-1), "slope_sd must be finite and at least 0, got -1"),
        (lambda: dgp_1(1, 5), "groups must be at least 2, got 1"),
        (lambda: dgp_1(2, 0), "group_size must be at least 1, got 0"),
        (lambda: SlopeDesign(2, 2, (0, 0), (0, 1)), "x must be a mean and a positive sd"),
        (
            lambda: dgp_1(2, 2).simulate(Truth(), replicates=0, rng=np.random.default_rng()),
            "replicates must be at least 1, got 0",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
