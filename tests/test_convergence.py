import arviz as az
import numpy as np
import pytest

from bhm_utils import ConvergenceError, require_converged


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
