import arviz as az
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as hs

from bhm_utils import ConvergenceError, gelman_rubin, require_converged, running_rhat


@pytest.fixture
def draws():
    return np.random.default_rng(1).normal(size=(4, 1000))


def tree(diverging=0, **variables):
    flags = np.zeros((4, 1000), dtype=bool)
    flags[0, :diverging] = True
    return az.from_dict({"posterior": variables, "sample_stats": {"diverging": flags}})


def test_good_chains_pass_and_come_back(draws):
    good = tree(mu=draws, theta=draws[..., None] + np.arange(3))
    assert require_converged(good) is good


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda x: x + np.arange(4)[:, None], "R-hat of mu is"),
        (lambda x: np.cumsum(x, axis=1), "R-hat of mu is"),
        (lambda x: np.where(np.arange(4)[:, None] == 2, 0.0, x), "a chain of mu never moved"),
        (lambda x: np.zeros_like(x), "a chain of mu never moved"),
        (lambda x: np.where(x > 3, np.inf, x), "mu has draws that are not finite"),
        (lambda x: np.where(x > 3, np.nan, x), "mu has draws that are not finite"),
    ],
)
def test_bad_chains_are_refused_by_name(draws, spoil, message):
    with pytest.raises(ConvergenceError, match=message):
        require_converged(tree(mu=spoil(draws), fine=draws))


def test_the_worst_element_of_a_vector_is_named(draws):
    vector = np.stack([draws, draws + np.arange(4)[:, None]], axis=-1)
    schools = az.from_dict(
        {"posterior": {"theta": vector}},
        coords={"school": ["good", "bad"]},
        dims={"theta": ["school"]},
    )
    with pytest.raises(ConvergenceError, match=r"R-hat of theta\[bad\]"):
        require_converged(schools)


def test_limits_are_arguments(draws):
    short = az.from_dict({"posterior": {"mu": draws[:, :50]}})
    with pytest.raises(ConvergenceError, match=r"bulk ESS of mu is .*, at least 400 needed"):
        require_converged(short, max_rhat=1.1)
    require_converged(short, max_rhat=1.1, min_ess=50)
    with pytest.raises(ConvergenceError, match="2 divergent transitions, at most 1 allowed"):
        require_converged(tree(mu=draws, diverging=2), max_divergences=1)
    require_converged(tree(mu=draws, diverging=2), max_divergences=2)
    require_converged(tree(mu=draws, flag=draws > 0))
    require_converged(tree(mu=draws, bad=draws + np.arange(4)[:, None]), var_names=["mu"])


def test_bad_input_is_named(draws):
    with pytest.raises(ValueError, match="must have a group 'posterior', got"):
        require_converged(az.from_dict({"prior": {"mu": draws}}))
    with pytest.raises(ValueError, match="must have draws in chains, got sizes"):
        require_converged(tree(mu=draws).isel(draw=slice(0)))
    with pytest.raises(ValueError, match="var_names must be a sequence of names, got 'mu'"):
        require_converged(tree(mu=draws), var_names="mu")
    with pytest.raises(ValueError, match="at least two chains, got 1"):
        require_converged(az.from_dict({"posterior": {"mu": draws[:1]}}))
    with pytest.raises(ValueError, match=r"var_names has \['nu'\]; the posterior has \['mu'\]"):
        require_converged(tree(mu=draws), var_names=["nu"])


def test_gelman_rubin_by_hand():
    found = gelman_rubin([[1.0, 3.0, 2.0], [5.0, 6.0, 10.0]])
    assert found.chain_means.tolist() == [2, 7]
    assert found.chain_variances.tolist() == [1, 7]
    assert found.within == 4
    assert found.between == 3 * 12.5
    assert found.total == pytest.approx(2 / 3 * 4 + 12.5)
    assert found.rhat == pytest.approx(np.sqrt(found.total / 4))


@pytest.mark.parametrize("shape", [(2, 2), (4, 1000), (3, 50, 7), (4, 20, 2, 3)])
def test_gelman_rubin_is_arviz_identity(shape):
    rng = np.random.default_rng(2)
    draws = 100 + rng.standard_normal(shape).cumsum(axis=1)
    found = gelman_rubin(draws).rhat
    assert found.shape == shape[2:]
    if shape[1] >= 4:  # ArviZ wants four draws
        theirs = az.rhat(draws, chain_axis=0, draw_axis=1, method="identity")
        assert np.abs(found / theirs - 1).max() < 1e-12


@given(
    seed=hs.integers(0, 99),
    shift=hs.floats(-1e3, 1e3),
    scale=hs.floats(0.01, 100) | hs.floats(-100, -0.01),
)
def test_rhat_knows_no_units_and_no_order(seed, shift, scale):
    rng = np.random.default_rng(seed)
    draws = rng.standard_normal((3, 20)) + rng.standard_normal((3, 1))
    rhat = gelman_rubin(draws).rhat
    assert rhat >= np.sqrt(19 / 20)
    assert gelman_rubin(shift + scale * draws).rhat == pytest.approx(rhat)
    assert gelman_rubin(rng.permutation(draws)).rhat == pytest.approx(rhat)
    assert gelman_rubin(rng.permuted(draws, axis=1)).rhat == pytest.approx(rhat)


def test_total_is_unbiased_for_correlated_draws_too():
    rng = np.random.default_rng(3)
    draws = np.empty((4, 50, 5000))
    draws[:, 0] = rng.standard_normal((4, 5000))
    for n in range(1, 50):
        draws[:, n] = 0.8 * draws[:, n - 1] + 0.6 * rng.standard_normal((4, 5000))
    found = gelman_rubin(draws)
    assert abs(found.total.mean() - 1) < 4 * found.total.std() / np.sqrt(5000)
    assert found.within.mean() < 0.9


def test_chains_that_stand_still():
    apart = np.repeat([[0.1], [0.2], [0.7]], 100, axis=1)
    assert gelman_rubin(apart).rhat == np.inf
    with pytest.raises(ValueError, match=r"draws must differ, got the same number in every chain$"):
        gelman_rubin(np.full((4, 100), 0.1))
    with pytest.raises(ValueError, match=r"in every chain at \[1\]"):
        gelman_rubin(np.stack([apart, np.full((3, 100), 0.1)], axis=-1))


@pytest.mark.parametrize(
    ("draws", "message"),
    [
        (np.zeros(5), r"draws must have shape \(chains, draws, ...\), got \(5,\)"),
        (np.zeros((1, 5)), "draws must have at least two chains, got 1"),
        (np.zeros((2, 1)), "draws must have at least two draws a chain, got 1"),
        ([[1, 2], [3, np.nan]], r"draws must be finite, got nan at \[1, 1\]"),
        ([[1, -np.inf], [3, 4]], r"draws must be finite, got -inf at \[0, 1\]"),
    ],
)
def test_bad_draws_are_named(draws, message):
    for call in (gelman_rubin, lambda x: running_rhat(x, [2])):
        with pytest.raises(ValueError, match=message):
            call(draws)


def test_running_rhat_is_that_of_the_first_draws(draws):
    vector = np.stack([draws, draws + np.arange(4)[:, None]], axis=-1)
    found = running_rhat(vector, range(10, 1001, 90))
    assert found.shape == (12, 2)
    assert np.array_equal(found[1], gelman_rubin(vector[:, :100]).rhat)
    assert np.array_equal(found[-1], gelman_rubin(vector).rhat)
    assert running_rhat(vector, []).shape == (0, 2)
    for bad in (1, 1001):
        with pytest.raises(ValueError, match=f"at must be between 2 and the 1000 draws, got {bad}"):
            running_rhat(vector, [10, bad])
