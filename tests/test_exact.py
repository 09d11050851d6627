"""The exact engine against closed forms, brute force, its own properties and NUTS."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats as st
from hypothesis import given, settings
from hypothesis import strategies as some
from numpy.testing import assert_allclose
from scipy.integrate import cumulative_trapezoid, dblquad, quad
from scipy.special import logsumexp

from bhm_utils import (
    PRIOR_DESIGNS,
    STUDY_DESIGNS,
    Design,
    GroupStatistics,
    Normal,
    Priors,
    QuadratureError,
    Truth,
    exact_posterior,
)
from bhm_utils.exact import density as density_module
from bhm_utils.exact.mixture import LOG, Mixture
from bhm_utils.gaussian import condition
from bhm_utils.simulate import SLOPE_FORMULA

from .conftest import simulated

HALF = st.halfnorm(scale=5)
TIGHT = st.halfnorm(scale=1e-4)


def priors(sd=HALF, eta=1.0, **common):
    return Priors(group_sd=sd, residual_sd=sd, common=common, correlation_eta=eta)


# Closed form and limits


def test_known_noise_and_no_groups_give_the_conjugate_normal():
    y = np.array([1.0, 2.0, 4.0, 3.5])
    data = pd.DataFrame({"y": y, "g": list("aabb")})
    known = Priors(
        group_sd=TIGHT,
        residual_sd=st.gamma(1e8, scale=2e-8),  # 2, to four digits
        common={"Intercept": Normal(1, 3)},
    )
    ours = exact_posterior("y ~ 1 + (1 | g)", data, priors=known).summary().loc["Intercept"]
    closed = Normal(1, 3).update(y, 2.0)
    assert_allclose([ours["mean"], ours["sd"]], [closed.mean, closed.sd], rtol=1e-3)


def test_sds_at_zero_pool_completely():
    data = simulated()
    pooled = exact_posterior(
        "y ~ x + (1 + x | g)", data, priors=Priors(TIGHT, HALF, correlation_eta=None)
    )
    X = np.column_stack([np.ones(len(data)), data["x"]])
    ols = np.linalg.lstsq(X, data["y"], rcond=None)[0]
    assert_allclose(pooled.summary().loc[["Intercept", "x"], "mean"], ols, atol=1e-3)
    assert pooled.group_effects()["mean"].abs().max() < 1e-3


def test_sds_at_infinity_do_not_pool():
    data = simulated(n=12)
    wide = st.gamma(400, scale=0.1)  # 40, give or take 2
    apart = exact_posterior("y ~ 1 + (1 | g)", data, priors=Priors(wide, HALF))
    totals = apart.group_effects()["total_mean"].droplevel("effect")
    assert_allclose(totals, data.groupby("g")["y"].mean(), atol=5e-3)


# Brute force


def test_density_is_that_of_the_dense_algebra():
    data = simulated(slope_sd=0.7)
    flat = priors()
    statistics = GroupStatistics.from_rows("y ~ x + (1 + x | g)", data)
    density = density_module.Density(statistics, flat)
    psi, lam = np.array([[[0.3, -0.4, 0.5]]]), np.array([[[0.2]]])
    value, parts = density.log_density(psi, lam, density.reduce(psi))
    sigma = np.exp(0.2)
    s = sigma * np.exp([r[0, 0] for r in density.log_ratios(psi)])
    rho = np.tanh(0.5)
    covariance = np.array([[s[0] ** 2, rho * s[0] * s[1]], [rho * s[0] * s[1], s[1] ** 2]])
    given_sds = condition(Design.from_formula("y ~ x + (1 + x | g)", data), sigma, covariance)
    likelihood = value - density.log_prior(psi, lam)
    assert_allclose(likelihood.item(), given_sds.reml_loglik, rtol=1e-10)
    mean, cov = density.coefficients(parts).stacked()
    assert_allclose(mean[0, 0, 0], given_sds.b, rtol=1e-8)
    assert_allclose(cov[0, 0, 0], given_sds.b_cov, rtol=1e-8)


def brute_force(data, prior):
    """Evidence and moments of (mu, s, sigma) of a varying intercept model, on a plain grid."""
    groups = [values.to_numpy() for _, values in data.groupby("g")["y"]]
    mu = np.linspace(-12, 16, 201)
    s, sigma = (np.arange(220) + 0.5) * 0.07, (np.arange(200) + 0.5) * 0.06
    M, S, E = np.meshgrid(mu, s, sigma, indexing="ij")
    log_p = prior.common["Intercept"].precision * -0.5 * (M - prior.common["Intercept"].mean) ** 2
    log_p += 0.5 * np.log(prior.common["Intercept"].precision / (2 * np.pi))
    log_p += prior.group_sd.logpdf(S) + prior.residual_sd.logpdf(E)
    for y in groups:  # each group's mean and scatter, with u integrated out
        n, mean = len(y), y.mean()
        log_p += -0.5 * (n - 1) * np.log(2 * np.pi * E**2) - 0.5 * ((y - mean) ** 2).sum() / E**2
        log_p += -0.5 * np.log(n) + st.norm.logpdf(mean, M, np.sqrt(S**2 + E**2 / n))
    cell = (mu[1] - mu[0]) * (s[1] - s[0]) * (sigma[1] - sigma[0])
    evidence = logsumexp(log_p) + np.log(cell)
    w = np.exp(log_p - logsumexp(log_p))
    moments = {}
    for name, grid in [("Intercept", M), ("1|g_sigma", S), ("sigma", E)]:
        mean = (w * grid).sum()
        moments[name] = (mean, np.sqrt((w * (grid - mean) ** 2).sum()))
    return evidence, moments


TINY = pd.DataFrame({"y": [1.0, 2.5, 0.5, 4.0, 3.0, 5.5, 2.0], "g": list("aabbccc")})
TINY_PRIORS = Priors(
    group_sd=st.halfnorm(scale=3),
    residual_sd=st.halfnorm(scale=3),
    common={"Intercept": Normal(1, 2)},
)


def test_evidence_is_scipys_integral_over_the_sds():
    y, same = TINY["y"].to_numpy(), TINY["g"].to_numpy()[:, None] == TINY["g"].to_numpy()
    mean = TINY_PRIORS.common["Intercept"].mean
    around = np.full((7, 7), TINY_PRIORS.common["Intercept"].sd ** 2)

    def of_data(s, sigma):
        covariance = around + s**2 * same + sigma**2 * np.eye(7)
        likelihood = st.multivariate_normal(np.full(7, mean), covariance).pdf(y)
        return likelihood * TINY_PRIORS.group_sd.pdf(s) * TINY_PRIORS.residual_sd.pdf(sigma)

    evidence, _ = dblquad(of_data, 0.02, 15, 0, 20, epsrel=1e-4, epsabs=0)
    ours = exact_posterior("y ~ 1 + (1 | g)", TINY, priors=TINY_PRIORS).log_evidence
    assert_allclose(ours, np.log(evidence), atol=1e-3)

    pooled, _ = quad(lambda sigma: of_data(0, sigma) / TINY_PRIORS.group_sd.pdf(0), 0.02, 15)
    ours = exact_posterior("y ~ 1", TINY, priors=TINY_PRIORS).log_evidence
    assert_allclose(ours, np.log(pooled), atol=1e-3)


def check_against_brute_force():
    ours = exact_posterior("y ~ 1 + (1 | g)", TINY, priors=TINY_PRIORS)
    evidence, moments = brute_force(TINY, TINY_PRIORS)
    assert_allclose(ours.log_evidence, evidence, atol=2e-3)
    table = ours.summary()
    for name, (mean, sd) in moments.items():
        assert abs(table.loc[name, "mean"] - mean) < 2e-3 * sd, name
        assert abs(table.loc[name, "sd"] - sd) < 3e-3 * sd, name


def test_against_brute_force():
    check_against_brute_force()


@pytest.mark.parametrize("fault", ["jacobian", "determinant"])
def test_an_injected_fault_turns_the_check_red(monkeypatch, fault):
    density = density_module.Density
    if fault == "jacobian":
        honest = density.log_prior
        monkeypatch.setattr(
            density, "log_prior", lambda self, psi, lam: honest(self, psi, lam) - lam
        )
    else:
        honest = density._reduce

        def without_determinant(self, psi):
            reduced = honest(self, psi)
            return density_module.Reduced(
                0 * reduced.log_determinant, reduced.XX, reduced.Xy, reduced.yy
            )

        monkeypatch.setattr(density, "_reduce", without_determinant)
    with pytest.raises((AssertionError, QuadratureError)):
        check_against_brute_force()


def test_density_cdf_quantile_and_moments_belong_together():
    data = simulated(J=20, n=12, slope_sd=0.7)
    posterior = exact_posterior("y ~ x + (1 + x | g)", data, priors=priors())
    table = posterior.summary()
    for name in table.index:
        low, high = posterior.quantile(name, [0.001, 0.999])
        grid = np.linspace(low, high, 401)
        density = posterior.density(name, grid)
        step = grid[1] - grid[0]
        inside = 0.001 + cumulative_trapezoid(density, grid, initial=0)
        assert_allclose(posterior.cdf(name, grid), inside, atol=1e-3)
        assert_allclose(posterior.cdf(name, posterior.quantile(name, [0.3])), 0.3, atol=1e-5)
        assert abs((grid * density).sum() * step / 0.998 - table.loc[name, "mean"]) < (
            0.02 * table.loc[name, "sd"]
        )


@pytest.mark.parametrize("order", [2, 6, 12])
def test_kernels_integrate_to_one_and_their_cdf_to_their_density(order):
    one = np.ones((1, 1))
    kernel = Mixture(0 * one, one, one, order)
    assert_allclose(quad(lambda v: kernel.cdf_pdf(np.array([[v]]))[1].item(), -12, 12)[0], 1)
    middle = quad(lambda v: kernel.cdf_pdf(np.array([[v]]))[1].item(), -12, 0.7)[0]
    assert_allclose(kernel.cdf_pdf(np.array([[0.7]]))[0].item(), middle, atol=1e-8)
    assert Mixture(one, one, one, order, LOG).density([-1.0, 0.0]).tolist() == [[0.0, 0.0]]


def test_eight_schools():
    """Rubin's (1981) eight effects with known errors, as group means of rows with a known sd."""
    effects = np.array([28, 8, -3, 7, -1, 1, 18, 12.0])
    errors = np.array([15, 10, 16, 11, 9, 11, 10, 18.0])
    sigma = 150.0
    sizes = np.round((sigma / errors) ** 2).astype(int)
    errors = sigma / np.sqrt(sizes)  # as they are with whole rows, within 0.4 per cent
    spread, mu = st.halfcauchy(scale=5), Normal(0, 5)

    def integrand(tau, power):
        v = errors**2 + tau**2
        precision = (1 / v).sum() + mu.precision
        centre = (effects / v).sum() / precision
        at = st.norm.logpdf(effects, centre, np.sqrt(v)).sum() + st.norm.logpdf(centre, 0, 5)
        density = np.exp(at) / np.sqrt(precision) * spread.pdf(tau)
        mean = {"mu": centre, "mu2": centre**2 + 1 / precision, "tau": tau, "tau2": tau**2}
        return density * mean.get(power, 1.0)

    total = quad(integrand, 0, 400, args=("one",), limit=200, points=[5, 20])[0]
    moments = {
        k: quad(integrand, 0, 400, args=(k,), limit=200, points=[5, 20])[0] / total
        for k in ["mu", "mu2", "tau", "tau2"]
    }
    rng = np.random.default_rng(1)
    rows = []
    for k, (effect, size) in enumerate(zip(effects, sizes, strict=True)):
        noise = sigma * rng.normal(size=size)
        rows.append(pd.DataFrame({"y": effect + noise - noise.mean(), "g": str(k)}))
    known = Priors(spread, st.gamma(1e8, scale=sigma / 1e8), {"Intercept": mu})
    ours = exact_posterior("y ~ 1 + (1 | g)", pd.concat(rows), priors=known).summary()
    for name, k in [("Intercept", "mu"), ("1|g_sigma", "tau")]:
        sd = np.sqrt(moments[k + "2"] - moments[k] ** 2)
        assert abs(ours.loc[name, "mean"] - moments[k]) < 3e-3 * sd, name
        assert abs(ours.loc[name, "sd"] / sd - 1) < 3e-3, name
    assert 4.2 < moments["mu"] < 4.6 and 3.4 < moments["tau"] < 3.8  # as others report it


# Properties


@settings(deadline=None, max_examples=15)
@given(some.integers(0, 50), some.floats(-5, 5), some.floats(0.2, 5))
def test_shift_and_scale_of_the_outcome(seed, shift, scale):
    data = simulated(seed=seed)
    formula = "y ~ x + (1 | g)"
    before = exact_posterior(formula, data, priors=priors(HALF)).summary()
    moved = data.assign(y=shift + scale * data["y"])
    after = exact_posterior(formula, moved, priors=priors(st.halfnorm(scale=5 * scale))).summary()
    expected = scale * before
    expected.loc["Intercept", ["mean", "eti95_lb", "eti95_ub"]] += shift
    assert (np.abs(after - expected).div(after["sd"], axis=0) < 2e-3).all().all()


@settings(deadline=None, max_examples=15)
@given(some.integers(0, 50), some.randoms(use_true_random=False))
def test_order_of_rows_and_names_of_groups_do_not_matter(seed, random):
    data = simulated(seed=seed)
    order = list(range(len(data)))
    random.shuffle(order)
    renamed = {f"g{k:02d}": f"h{(3 * k) % 8}" for k in range(8)}
    other = data.iloc[order].assign(g=lambda d: d["g"].map(renamed))
    formula = "y ~ x + (1 | g)"
    one = exact_posterior(formula, data, priors=priors())
    two = exact_posterior(formula, other, priors=priors())
    assert_allclose(one.summary(), two.summary(), rtol=1e-6, atol=1e-8)
    effects, others = one.group_effects(), two.group_effects()
    for label, name in renamed.items():
        assert_allclose(effects.loc[label], others.loc[name], rtol=1e-6, atol=1e-8)


@settings(deadline=None, max_examples=25)
@given(some.integers(0, 50), some.integers(0, 2**16))
def test_merged_statistics_equal_joint_ones(seed, mask):
    data = simulated(seed=seed, J=6, centre=100)
    chosen = np.array([(mask >> (k % 16)) & 1 for k in range(len(data))], dtype=bool)
    formula = "y ~ x + (1 + x | g)"
    joint = GroupStatistics.from_rows(formula, data)
    try:
        parts = [GroupStatistics.from_rows(formula, data[rows]) for rows in (chosen, ~chosen)]
    except ValueError:  # a part of one group, or rank-deficient, is no model by itself
        return
    merged = parts[0] + parts[1]
    assert merged.design.labels.equals(joint.design.labels)
    for name in ["counts", "means", "products", "y_means", "y_products", "y_squares"]:
        assert_allclose(getattr(merged, name), getattr(joint, name), rtol=1e-9, atol=1e-9)


def test_a_distant_mean_costs_no_digits():
    near = simulated(slope_sd=0.5)
    far = near.assign(x=near["x"] + 1e6)
    formula = "y ~ x + (1 | g)"
    one, two = (exact_posterior(formula, data, priors=priors()) for data in (near, far))
    a, b = (p.summary().drop(index="Intercept") for p in (one, two))
    assert (np.abs(a - b).div(a["sd"], axis=0) < 1e-6).all().all()
    high = near.assign(y=near["y"] + 1e6)
    a, c = one.summary(), exact_posterior(formula, high, priors=priors()).summary()
    c.loc["Intercept", ["mean", "eti95_lb", "eti95_ub"]] -= 1e6
    assert (np.abs(a - c).div(a["sd"], axis=0) < 1e-6).all().all()


def test_many_outcomes_are_as_many_posteriors():
    data = simulated()
    rng = np.random.default_rng(1)
    Y = np.stack([data["y"], data["y"] + rng.normal(size=len(data)), rng.normal(size=len(data))])
    formula = "y ~ x + (1 | g)"
    together = exact_posterior(formula, data, priors=priors(), outcomes=Y)
    assert together.replicates == 3
    for k, y in enumerate(Y):
        alone = exact_posterior(formula, data.assign(y=y), priors=priors())
        table, error = together.summary().loc[k], 2e-3
        assert (np.abs(table - alone.summary()).div(table["sd"], axis=0) < error).all().all()
        assert_allclose(together.log_evidence[k], alone.log_evidence, atol=1e-3)
    with pytest.raises(ValueError, match="group_effects needs a single outcome, got 3"):
        together.group_effects()


# Hard cases: they work or say no


def far_from_its_prior():
    """A slope of 4 under the prior N(1, 1): noise or the prior gives way, and both nearly as well.

    The density of the variances has a flat top, whose curvature says nothing about its width.
    """
    design = STUDY_DESIGNS["dgp2-J5-N50"]
    many = design.simulate(Truth(gamma_0=4.0), replicates=300, rng=np.random.default_rng(500))
    return many.data.assign(y=many.outcomes[48])


@pytest.mark.parametrize(
    ("formula", "data", "prior"),
    [
        ("y ~ x + (1 | g)", simulated(J=5), priors(st.halfcauchy(scale=5))),
        ("y ~ x + (1 | g)", simulated(J=10, group_sd=0), priors(st.halfcauchy(scale=5))),
        ("y ~ x + (1 + x | g)", simulated(J=10, group_sd=0), priors()),
        ("y ~ x + (1 + x | g)", simulated(20, 15, 1, 1, 0.9995), priors()),
        ("y ~ x + (1 | g)", simulated(J=3, n=10), priors(st.halfcauchy(scale=5))),
        ("y ~ x + I(x**2) + (1 + x + I(x**2) | g)", simulated(12, 10, 1, 1), priors(eta=None)),
        (SLOPE_FORMULA, far_from_its_prior(), PRIOR_DESIGNS["good"]),
    ],
    ids=[
        "heavy tails",
        "zero sd",
        "zero sds",
        "correlation near 1",
        "three groups",
        "q = 3",
        "flat top",
    ],
)
def test_hard_cases_work(formula, data, prior):
    posterior = exact_posterior(formula, data, priors=prior)
    assert posterior.error < 1e-3
    assert np.isfinite(posterior.summary().to_numpy()).all()
    draws = posterior.sample(1000, rng=np.random.default_rng(2)).posterior
    for name, row in posterior.summary().iterrows():
        below = float((draws[name] < posterior.quantile(name, [0.7])[0]).mean())
        assert abs(below - 0.7) < 4 * np.sqrt(0.21 / 4000), name
        assert row["eti95_lb"] < row["mean"] < row["eti95_ub"]


@pytest.mark.parametrize("shape", [100, 2500, 1e6])
@pytest.mark.parametrize("which", ["group_sd", "residual_sd"])
def test_an_sd_that_is_all_but_known(which, shape):
    """The lattice lies across a narrow ridge; the wide prior, reweighted, has the answer."""
    known = st.gamma(shape, scale=1 / shape)
    both = {"group_sd": HALF, "residual_sd": HALF}
    wide = exact_posterior("y ~ x + (1 | g)", simulated(), priors=Priors(**both))
    posterior = exact_posterior(
        "y ~ x + (1 | g)", simulated(), priors=Priors(**both | {which: known})
    )
    name = {"group_sd": "1|g_sigma", "residual_sd": "sigma"}[which]
    grid = np.linspace(*known.ppf([1e-8, 1 - 1e-8]), 4001)
    cdf = np.cumsum(wide.density(name, grid) * known.pdf(grid) / HALF.pdf(grid))
    low, high = posterior.summary().loc[name, ["eti95_lb", "eti95_ub"]]
    expected = np.interp([0.025, 0.975], cdf / cdf[-1], grid)
    assert np.abs([low, high] - expected).max() < 5e-3 * known.std()
    draws = posterior.sample(1000, rng=np.random.default_rng(4)).posterior[name]
    below = float((draws < high).mean())
    assert abs(below - 0.975) < 4 * np.sqrt(0.025 * 0.975 / 4000)


def test_a_million_rows():
    """Their log density is below -1e6 everywhere."""
    rng = np.random.default_rng(3)
    g, x = rng.integers(0, 40, 1_000_000), rng.normal(size=1_000_000)
    u = rng.multivariate_normal([1, 0.5], [[1, 0.2], [0.2, 0.25]], 40)
    data = pd.DataFrame({"y": u[g, 0] + u[g, 1] * x + rng.normal(size=len(g)), "x": x, "g": g})
    posterior = exact_posterior("y ~ x + (1 + x | g)", data, priors=priors())
    assert posterior.log_evidence < -1e6
    totals = posterior.group_effects()["total_mean"]  # each group tells its own line
    assert_allclose(
        totals.xs("1|g", level="effect").to_numpy(),
        u[np.argsort(np.arange(40).astype(str)), 0],
        atol=0.04,
    )
    assert_allclose(posterior.summary().loc["1|g_sigma", "mean"], u[:, 0].std(), rtol=0.1)


def test_three_correlated_effects():
    """Seven dimensions: the lattice's quantiles against draws by rejection."""
    rng = np.random.default_rng(1)
    J, n = 300, 30
    u = rng.multivariate_normal(
        [1, 0.5, -0.3], [[1, 0.3, 0.2], [0.3, 0.8, -0.2], [0.2, -0.2, 0.6]], J
    )
    g, x, z = np.repeat(np.arange(J), n), rng.normal(size=J * n), rng.normal(size=J * n)
    y = u[g, 0] + u[g, 1] * x + u[g, 2] * z + rng.normal(size=J * n)
    data = pd.DataFrame({"y": y, "x": x, "z": z, "g": g})
    posterior = exact_posterior("y ~ x + z + (1 + x + z | g)", data, priors=priors())
    assert posterior.error < 1e-3
    draws = posterior.sample(1000, rng=rng).posterior
    for name in posterior.design.parameters:
        below = float((draws[name] < posterior.quantile(name, [0.9])[0]).mean())
        assert abs(below - 0.9) < 4 * np.sqrt(0.09 / 4000), name


def test_a_prior_with_an_edge_works_or_says_no():
    formula, data = "y ~ x + (1 | g)", simulated()
    far = exact_posterior(formula, data, priors=Priors(st.uniform(0, 10), HALF))
    assert far.error < 1e-3
    for low, width in [(0, 2), (0.5, 1), (0.999, 0.002)]:
        with pytest.raises(QuadratureError, match=r"edge|no density|no lattice"):
            exact_posterior(formula, data, priors=Priors(st.uniform(low, width), HALF))


def test_infinite_moments_are_refused():
    """Two groups, flat means, half-Cauchy tails: the variance of the intercept is infinite."""
    with pytest.raises(QuadratureError, match=r"stable to .* posterior sds only"):
        exact_posterior(
            "y ~ x + (1 | g)", simulated(J=2, n=10), priors=priors(st.halfcauchy(scale=5))
        )


# Bad input


def test_bad_input_is_named():
    data = simulated()
    formula = "y ~ x + (1 | g)"
    with pytest.raises(
        ValueError, match=r"outcomes must have shape \(replicates, \d+\), got \(2,\)"
    ):
        exact_posterior(formula, data, priors=priors(), outcomes=[1.0, 2.0])
    bad = np.full((1, len(data)), np.nan)
    with pytest.raises(ValueError, match="outcomes must be finite, got nan"):
        exact_posterior(formula, data, priors=priors(), outcomes=bad)
    statistics = GroupStatistics.from_rows(formula, data)
    with pytest.raises(ValueError, match="formula must be that of the statistics"):
        exact_posterior("y ~ 1 + (1 | g)", statistics, priors=priors())
    with pytest.raises(ValueError, match="to add must be of one model"):
        statistics + GroupStatistics.from_rows("y ~ 1 + (1 | g)", data)
    posterior = exact_posterior(formula, statistics, priors=priors())
    with pytest.raises(ValueError, match=r"name must be one of .* got 'z'"):
        posterior.quantile("z", [0.5])
    with pytest.raises(ValueError, match="probability must be between 0 and 1"):
        posterior.quantile("x", [0.0])
    with pytest.raises(ValueError, match="draws and chains must be at least 1, got 0 and 4"):
        posterior.sample(0, rng=np.random.default_rng(0))
