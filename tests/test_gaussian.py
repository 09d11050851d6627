"""The closed form against the dense joint distribution that it abbreviates."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.testing import assert_allclose
from scipy.stats import multivariate_normal

from bhm_utils import Design, gaussian
from bhm_utils.gaussian import condition


def simulated(seed, groups=5):
    """Unbalanced groups, the first with a single member."""
    rng = np.random.default_rng(seed)
    sizes = np.concatenate([[1], rng.integers(1, 7, groups - 1)]) + np.eye(groups, dtype=int)[1] * 3
    g = np.repeat(np.arange(groups), sizes)
    x = rng.normal(2, 1, len(g))
    data = pd.DataFrame({"y": rng.normal(x, 2), "x": x, "g": g})
    return Design.from_formula("y ~ x + (1 + x | g)", data)


def dense(design, sigma, covariance):
    """Everything from the N x N covariance of the outcome, as a textbook writes it."""
    J, q = len(design.labels), len(design.effects)
    full = np.zeros((len(design.y), J, q))
    full[np.arange(len(design.y)), design.codes] = design.Z
    full = full.reshape(len(design.y), J * q)
    prior = np.kron(np.eye(J), covariance)
    V = full @ prior @ full.T + sigma**2 * np.eye(len(design.y))
    W = np.linalg.inv(V)
    b_cov = np.linalg.inv(design.X.T @ W @ design.X)
    b = b_cov @ design.X.T @ W @ design.y
    gain = prior @ full.T @ W
    u_given_b = prior - gain @ full @ prior
    cross = -gain @ design.X @ b_cov
    u_cov = u_given_b - cross @ (gain @ design.X).T
    blocks = [slice(j * q, (j + 1) * q) for j in range(J)]
    loglik = multivariate_normal(design.X @ b, V).logpdf(design.y)
    return {
        "loglik": loglik,
        "reml_loglik": loglik + 0.5 * np.linalg.slogdet(2 * np.pi * b_cov)[1],
        "b": b,
        "b_cov": b_cov,
        "u": (gain @ (design.y - design.X @ b)).reshape(J, q),
        "u_cov": np.array([u_cov[k, k] for k in blocks]),
        "u_cov_given_b": np.array([u_given_b[k, k] for k in blocks]),
        "ub_cov": cross.reshape(J, q, -1),
    }


def check_against_dense(design, sigma, covariance):
    ours = condition(design, sigma, covariance)
    for name, value in dense(design, sigma, covariance).items():
        assert_allclose(getattr(ours, name), value, rtol=1e-7, atol=1e-9, err_msg=name)


sds = some.floats(0.3, 5)  # beyond, the dense algebra loses the digits that we compare


@settings(deadline=None)
@given(some.integers(0, 1000), sds, sds, sds, some.floats(-0.99, 0.99))
def test_closed_form_equals_dense_algebra(seed, sigma, sd_a, sd_b, rho):
    covariance = np.array([[sd_a**2, rho * sd_a * sd_b], [rho * sd_a * sd_b, sd_b**2]])
    check_against_dense(simulated(seed), sigma, covariance)


@pytest.mark.parametrize("covariance", [np.zeros((2, 2)), np.diag([4.0, 0.0]), np.ones((2, 2))])
def test_singular_covariances_are_nothing_special(covariance):
    check_against_dense(simulated(1), 1.5, covariance)


def test_sds_at_zero_give_least_squares():
    design = simulated(2)
    pooled = condition(design, 1.0, np.zeros((2, 2)))
    assert_allclose(pooled.b, np.linalg.lstsq(design.X, design.y, rcond=None)[0])
    assert_allclose(pooled.u, 0)


def test_large_sds_give_each_group_its_own_line():
    design = simulated(3, groups=3)
    apart = condition(design, 1.0, 1e8 * np.eye(2))
    for j in np.flatnonzero(np.bincount(design.codes) > 2):
        rows = design.codes == j
        own = np.linalg.lstsq(design.X[rows], design.y[rows], rcond=None)[0]
        assert_allclose(apart.b + apart.u[j], own, rtol=1e-3)


@pytest.mark.parametrize(
    ("function", "fault"),
    [
        ("slogdet", lambda M: (np.ones(len(M)), np.zeros(len(M)))),  # the determinant dropped
        ("solve", lambda M, B: B),  # no shrinkage
    ],
)
def test_an_injected_fault_turns_the_check_red(monkeypatch, function, fault):
    check_against_dense(simulated(4), 1.0, np.eye(2))
    honest = getattr(np.linalg, function)
    monkeypatch.setattr(
        gaussian.np.linalg, function, lambda *a: fault(*a) if a[0].ndim == 3 else honest(*a)
    )
    with pytest.raises(AssertionError):
        check_against_dense(simulated(4), 1.0, np.eye(2))
