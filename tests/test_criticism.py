import numpy as np
import pandas as pd
import pymc as pm
import pytest
import scipy.stats as st
import xarray as xr
from scipy.integrate import quad

from bhm_utils import Priors, exact_posterior, fit_pymc, plots
from bhm_utils.criticism import (
    expected_gap,
    leave_one_out,
    left_out,
    linear_predictor,
    predictive_check,
    replicate,
    stacked,
    with_log_likelihood,
)
from bhm_utils.engines.pymc import pymc_model
from bhm_utils.likelihoods import Censored, Gaussian, StudentT, Truncated
from bhm_utils.misfit import deviations, own_sds, share_above, share_at
from bhm_utils.missing import impute, pool
from bhm_utils.model import Design
from bhm_utils.schools import expected_outcomes

from .conftest import simulated
from .test_tables_and_plots import labelled

FORMULA = "y ~ x + (1 + x | g)"
OWN = st.halfnorm(scale=0.5)
HALF = st.halfnorm(scale=3)
PRIORS = Priors(group_sd=HALF, residual_sd=HALF)
# The bound lies amid the data, so that it matters.
BOUND = 2.0
LIKELIHOODS = {
    "normal": Gaussian(),
    "own sds": Gaussian(spread=OWN),
    "t": StudentT(),
    "truncated": Truncated(at=BOUND),
    "truncated, own sds": Truncated(at=BOUND, spread=OWN),
    "censored": Censored(at=BOUND, step=0.5),
    "censored, own sds": Censored(at=BOUND, step=0.5, spread=OWN),
}


@pytest.fixture(scope="module")
def data():
    rows = simulated(J=6, n=16, group_sd=0.8, slope_sd=0.5, seed=4)
    return rows.assign(y=np.minimum(rows["y"], BOUND))


@pytest.fixture(scope="module")
def design(data):
    return Design.from_formula(FORMULA, data)


def drawn(design, seed=0, draws=5):
    """Made-up draws of everything that a likelihood may need."""
    rng = np.random.default_rng(seed)
    J = len(design.labels)
    variables = {name: ("sample", rng.normal(size=draws)) for name in design.common}
    variables |= {
        name: (("sample", design.group), rng.normal(size=(draws, J))) for name in design.varying
    }
    variables |= {
        "sigma": ("sample", rng.uniform(0.5, 2, draws)),
        "nu": ("sample", rng.uniform(2, 9, draws)),
        f"sigma|{design.group}": (("sample", design.group), rng.uniform(0.5, 2, (draws, J))),
    }
    return xr.Dataset(variables, coords={design.group: design.labels.to_list()})


def tree_of(design, draws=5):
    posterior = drawn(design, draws=draws).rename(sample="draw").expand_dims("chain")
    return xr.DataTree.from_dict({"posterior": posterior})


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_both_sides_of_a_likelihood_are_one_density(name, design):
    """The density for draws is the one that PyMC samples from, score by score."""
    likelihood = LIKELIHOODS[name]
    model = pymc_model(design, PRIORS, likelihood=likelihood)
    point = model.initial_point()
    rng = np.random.default_rng(1)
    point = {key: value + 0.3 * rng.normal(size=np.shape(value)) for key, value in point.items()}
    terms = [*model.observed_RVs, *model.potentials]
    total = float(model.compile_logp(vars=terms, jacobian=False)(point))

    wanted = [*model.free_RVs, *model.deterministics]
    function = model.compile_fn(model.replace_rvs_by_values(wanted), point_fn=True)
    values = dict(zip([variable.name for variable in wanted], function(point), strict=True))
    posterior = xr.Dataset(
        {
            key: (("sample", design.group) if np.ndim(v) else ("sample",), np.asarray(v)[None])
            for key, v in values.items()
        },
        coords={design.group: design.labels.to_list()},
    )
    ours = likelihood.logpdf(linear_predictor(posterior, design), posterior, design)
    at_bound = (design.y == BOUND).sum() if isinstance(likelihood, Censored) else 0
    step = getattr(likelihood, "step", 1.0)
    assert np.isclose(ours.sum() + at_bound * np.log(step), total, rtol=1e-8)


def test_the_fast_truncation_is_that_of_pymc(design):
    mean, sigma = 1.3, 0.7
    truncated = pm.logp(
        pm.Truncated.dist(pm.Normal.dist(mean, sigma), upper=BOUND), design.y
    ).eval()
    posterior = xr.Dataset({"sigma": ("sample", [sigma])})
    ours = Truncated(at=BOUND).logpdf(np.full((1, len(design.y)), mean), posterior, design)
    assert np.allclose(ours[0], truncated)


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_simulated_scores_follow_the_density(name, design):
    """Their mean is the expected score, and none passes the bound."""
    likelihood = LIKELIHOODS[name]
    posterior = drawn(design, draws=1)
    if name == "t":
        posterior["nu"] = ("sample", [9.0])
    mean = linear_predictor(posterior, design)
    many = posterior.isel(sample=np.zeros(4000, dtype=int))
    scores = likelihood.simulate(
        np.repeat(mean, 4000, axis=0), many, design, np.random.default_rng(2)
    )
    expected = likelihood.expected(mean, likelihood.scale(posterior, design))[0]
    error = scores.std(axis=0) / np.sqrt(4000)
    z = (scores.mean(axis=0) - expected) / np.maximum(error, 1e-12)
    assert np.abs(z[error > 1e-6]).max() < 4.5
    if isinstance(likelihood, Truncated | Censored):
        assert scores.max() <= BOUND


@pytest.mark.parametrize("mean", [-1.0, 1.5, 2.5, 6.0])
def test_the_expected_score_under_a_bound(mean):
    normal = st.norm(mean, 1.5)
    mass = normal.cdf(BOUND)
    below = quad(lambda y: y * normal.pdf(y), -12, BOUND)[0]
    at = np.array(mean), np.array(1.5)
    assert np.isclose(Truncated(at=BOUND).expected(*at), below / mass, atol=1e-6)
    assert np.isclose(Censored(at=BOUND).expected(*at), below + BOUND * (1 - mass), atol=1e-6)
    assert Gaussian().expected(*at) == mean


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gaussian(spread=st.norm()), "spread must live on the positive line"),
        (lambda: StudentT(df=4.0), "df must be a frozen scipy.stats distribution"),
        (lambda: Truncated(at=np.inf), "at must be finite, got inf"),
        (lambda: Censored(step=0.0), "step must be positive, got 0.0"),
        (lambda: Censored(at=np.nan), "at must be finite, got nan"),
    ],
)
def test_bad_likelihoods_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("likelihood", [Truncated(at=1.0), Censored(at=1.0)])
def test_scores_beyond_the_bound_are_refused(likelihood, design):
    with pytest.raises(ValueError, match=r"at must be at least the highest score 2.0, got 1.0"):
        pymc_model(design, PRIORS, likelihood=likelihood)


def test_the_linear_predictor_by_hand(design):
    posterior = drawn(design)
    rows = linear_predictor(posterior, design)
    i, s = 7, 3
    group = design.labels[design.codes[i]]
    one = posterior.isel(sample=s).sel(g=group)
    x = design.X[i, 1]
    by_hand = one["Intercept"] + one["1|g"] + (one["x"] + one["x|g"]) * x
    assert np.isclose(rows[s, i], by_hand)
    # Groups are found by name, not by position.
    few = Design.from_formula(
        FORMULA, pd.DataFrame({"y": 0.0, "x": [0, 1, 2.0, 3], "g": ["g05", "g02"] * 2})
    )
    one = posterior.isel(sample=s).sel(g="g02")
    by_hand = one["Intercept"] + one["1|g"] + (one["x"] + one["x|g"]) * 3
    assert np.isclose(linear_predictor(posterior, few)[s, 3], by_hand)


def test_draws_that_do_not_fit_are_refused(design):
    posterior = drawn(design)
    with pytest.raises(ValueError, match=r"posterior lacks \['x'\], which design has"):
        linear_predictor(posterior.drop_vars("x"), design)
    with pytest.raises(ValueError, match=r"posterior lacks the groups \['g05'\]"):
        linear_predictor(posterior.isel(g=slice(5)), design)
    with pytest.raises(ValueError, match="draws must be between 1 and 5, got 6"):
        stacked(tree_of(design), 6)


def test_stacked_spreads_what_it_keeps(design):
    tree = tree_of(design, draws=9)
    kept = stacked(tree, 3)["sigma"].to_numpy()
    assert kept.tolist() == stacked(tree)["sigma"].to_numpy()[[0, 4, 8]].tolist()


@pytest.mark.parametrize("name", LIKELIHOODS)
def test_the_expected_outcome_of_a_group_is_that_of_a_row_in_it(name, design):
    tree, likelihood = tree_of(design), LIKELIHOODS[name]
    posterior = stacked(tree)
    mean = linear_predictor(posterior, design)
    expected = likelihood.expected(mean, likelihood.scale(posterior, design))
    i = 7
    values = expected_outcomes(tree, design, {"x": design.X[i, 1]}, likelihood)
    own = values.sel(g=design.labels[design.codes[i]]).to_numpy().ravel()
    assert np.allclose(own, expected[:, i])
    if isinstance(likelihood, Truncated | Censored):
        assert (values < BOUND).all() and (own < mean[:, i]).all()


def test_groups_are_matched_by_name(design):
    tree = tree_of(design)
    draws = tree["posterior"].to_dataset()
    turned = xr.DataTree.from_dict({"posterior": draws.isel(g=[3, 1, 0, 2, 5, 4])})
    xr.testing.assert_allclose(
        expected_outcomes(turned, design, {"x": 2.0}), expected_outcomes(tree, design, {"x": 2.0})
    )
    turned = xr.DataTree.from_dict({"posterior": draws.isel(g=slice(5))})
    with pytest.raises(ValueError, match=r"posterior lacks the groups \['g05'\]"):
        expected_outcomes(turned, design, {"x": 2.0})


def test_the_expected_gap(design):
    tree = tree_of(design)
    posterior = stacked(tree)
    assert np.allclose(expected_gap(tree, Gaussian(), "x"), posterior["x"])
    at_0, at_1 = (
        posterior["Intercept"].to_numpy(),
        (posterior["Intercept"] + posterior["x"]).to_numpy(),
    )
    sigma = posterior["sigma"].to_numpy()
    bounded = Truncated(at=BOUND)
    gap = bounded.expected(at_1, sigma) - bounded.expected(at_0, sigma)
    assert np.allclose(expected_gap(tree, bounded, "x"), gap)
    with pytest.raises(ValueError, match=r"tree must have draws of \['z'\]"):
        expected_gap(tree, bounded, "z")


def test_deviations_leave_nothing_of_the_varying_terms(design):
    rng = np.random.default_rng(4)
    y = rng.normal(size=(3, len(design.y)))
    shifted = y + design.Z @ [2.0, -1.0] + 5 * rng.normal(size=6)[design.codes]
    assert np.allclose(deviations(y, design), deviations(shifted, design))
    assert np.abs(deviations(y, design)).max() > 0.5
    sds = own_sds(y, design)
    sizes = np.bincount(design.codes)
    assert sds.shape == (3, (sizes >= 10).sum()) and sds.shape[1] > 1
    j = int(np.flatnonzero(sizes >= 10)[0])
    rows = design.codes == j
    residual = np.linalg.lstsq(design.Z[rows], y[0, rows])[1]
    assert np.isclose(sds[0, 0], np.sqrt(residual[0] / (rows.sum() - 2)))


def test_small_groups_have_no_sd_of_their_own(data):
    few = Design.from_formula("y ~ x + (1 | g)", data.groupby("g").head(9))
    with pytest.raises(ValueError, match="must have a group of 10 scores, its largest has 9"):
        own_sds(few.y, few)


def test_shares(design):
    y = np.array([[99.0, 100.0, 101.0, 102.0]])
    assert share_above(y, design).tolist() == [50.0]
    assert share_at(y, design).tolist() == [25.0]


def test_a_check_passes_its_own_model_and_fails_another(gcse, priors):
    formula = "course ~ female + (1 + female | school)"
    design = Design.from_formula(formula, gcse)
    rng = np.random.default_rng(5)
    tree = exact_posterior(formula, gcse, priors=priors).sample(300, rng=rng)
    own = predictive_check(replicate(tree, design, Gaussian(), draws=200, rng=rng), design)
    assert (own.loc[["skewness", "above 100 (%)"], "p"] == 1).all()
    assert own.loc["ratio of school sds", "p"] == 0
    made = replicate(tree, design, Gaussian(), draws=1, rng=rng)[0]
    data = gcse.assign(course=made)
    again = exact_posterior(formula, data, priors=priors).sample(300, rng=rng)
    rows = Design.from_formula(formula, data)
    passed = predictive_check(replicate(again, rows, Gaussian(), draws=200, rng=rng), rows)
    assert passed["p"].drop("exactly 100 (%)").between(0.01, 0.99).all()
    with pytest.raises(ValueError, match=r"replicates must have shape \(S, 1725\), got \(3,\)"):
        predictive_check(np.zeros(3), design)
    plots.use_style()
    labelled(plots.checks({"one": own, "two": passed}))
    labelled(plots.replicated_scores(gcse["course"], {"one": made[None]}))


def test_log_likelihood_keeps_chains_apart(design):
    posterior = drawn(design, draws=6)
    chains = xr.Dataset(
        {
            name: ((("chain", "draw", *v.dims[1:])), v.to_numpy().reshape(2, 3, *v.shape[1:]))
            for name, v in posterior.items()
        },
        coords=posterior.coords,
    )
    tree = xr.DataTree.from_dict({"posterior": chains})
    result = with_log_likelihood(tree, design, Gaussian())
    values = result["log_likelihood"]["y"].to_numpy()
    one = posterior.isel(sample=[4])  # chain 1, draw 1
    assert np.allclose(
        values[1, 1], Gaussian().logpdf(linear_predictor(one, design), one, design)[0]
    )


def test_psis_agrees_with_a_fit_without_the_score(data, design):
    tree = exact_posterior(FORMULA, data, priors=PRIORS).sample(1000, rng=np.random.default_rng(9))
    loo = leave_one_out(tree, design, Gaussian())
    k, weighted = loo.pareto_k.to_numpy(), loo.elpd_i.to_numpy()
    inside = np.flatnonzero(design.codes > 0)  # the first group has one member
    for row in inside[np.argsort(k[inside])[[0, -1]]]:
        refit = left_out(FORMULA, data, row, priors=PRIORS, rng=np.random.default_rng(10))
        assert abs(refit - weighted[row]) < 0.1
        in_sample = Gaussian().logpdf(
            linear_predictor(stacked(tree), design), stacked(tree), design
        )[:, row]
        assert refit < np.log(np.exp(in_sample).mean())
    with pytest.raises(ValueError, match=r"posterior lacks the groups \['g00'\]"):
        left_out(FORMULA, data, 0, priors=PRIORS, rng=np.random.default_rng(10))


def test_fit_pymc_takes_a_likelihood(data):
    fit = fit_pymc(
        FORMULA,
        data,
        priors=PRIORS,
        seed=1,
        likelihood=Gaussian(spread=OWN),
        draws=300,
        tune=300,
        chains=2,
        limits={"max_rhat": 1.2, "min_ess": 20, "max_divergences": 600},
    )
    assert {"sigma|g", "sigma|g_sigma"} <= set(fit.tree["posterior"].data_vars)
    assert fit.tree["posterior"]["sigma|g"].dims == ("chain", "draw", "g")


def with_gaps(seed=0):
    """Scores that are missing the more often the higher x is."""
    rng = np.random.default_rng(seed)
    data = simulated(J=12, n=12, group_sd=1.0, seed=seed)
    lacks = rng.random(len(data)) < st.norm.cdf(data["x"] - 0.5)
    lacks[:20] = False
    return data, data.assign(y=data["y"].mask(lacks))


def test_imputation_keeps_what_was_seen_and_finds_what_was_not():
    truth, data = with_gaps()
    formula = "y ~ x + (1 | g)"
    filled = impute(formula, data, priors=PRIORS, copies=200, rng=np.random.default_rng(6))
    lacks = data["y"].isna().to_numpy()
    assert lacks.sum() > 15 and (filled[:, ~lacks] == data.loc[~lacks, "y"].to_numpy()).all()
    z = (truth.loc[lacks, "y"] - filled[:, lacks].mean(axis=0)) / filled[:, lacks].std(axis=0)
    assert 0.6 < z.std() < 1.5 and abs(z.mean()) < 3 / np.sqrt(lacks.sum())
    x = data.loc[lacks, "x"]
    assert np.corrcoef(x, filled[:, lacks].mean(axis=0))[0, 1] > 0.3


def test_a_single_gap_can_be_imputed():
    """One row has neither two groups nor two values of x."""
    truth, _ = with_gaps()
    data = truth.assign(y=truth["y"].mask(truth.index == 40))
    filled = impute(
        "y ~ x + (1 | g)", data, priors=PRIORS, copies=400, rng=np.random.default_rng(6)
    )
    fit = exact_posterior("y ~ x + (1 | g)", data.drop(index=40), priors=PRIORS)
    mean, effects = fit.summary()["mean"], fit.group_effects()["mean"]
    group = effects[truth["g"].astype(str)[40], "1|g"]
    expected = mean["Intercept"] + mean["x"] * truth["x"][40] + group
    assert abs(filled[:, 40].mean() - expected) < 4.5 * filled[:, 40].std() / 20


def test_imputing_from_the_same_model_teaches_nothing():
    _, data = with_gaps(1)
    formula = "y ~ x + (1 | g)"
    rng = np.random.default_rng(7)
    filled = impute(formula, data, priors=PRIORS, copies=60, rng=rng)
    fits = [exact_posterior(formula, data.assign(y=y), priors=PRIORS) for y in filled]
    pooled = pool(fits)
    before = exact_posterior(formula, data.dropna(), priors=PRIORS).summary()
    noise = before["sd"] * np.sqrt(pooled["missing"] / len(fits))
    assert ((pooled["mean"] - before["mean"]).abs() < 4 * noise).all()
    assert np.allclose(pooled["sd"], before["sd"], rtol=0.25)
    # A single filling, taken for data, claims too much.
    once = exact_posterior(formula, data.assign(y=filled.mean(axis=0)), priors=PRIORS).summary()
    assert once.loc["sigma", "mean"] < before.loc["sigma", "mean"] - before.loc["sigma", "sd"]


def test_pool_is_a_mixture():
    _, data = with_gaps(2)
    formula = "y ~ x + (1 | g)"
    fit = exact_posterior(formula, data.dropna(), priors=PRIORS)
    same = pool([fit, fit], ci_prob=0.9)
    assert np.allclose(same.iloc[:, :4], fit.summary(0.9), atol=1e-4)
    assert (same["missing"] < 1e-12).all()
    shifted = exact_posterior(formula, data.dropna().assign(y=lambda d: d["y"] + 2), priors=PRIORS)
    both = pool([fit, shifted])
    a, b = (f.summary().loc["Intercept"] for f in (fit, shifted))
    row = both.loc["Intercept"]
    assert np.isclose(
        row["sd"] ** 2, (a["sd"] ** 2 + b["sd"] ** 2) / 2 + (b["mean"] - a["mean"]) ** 2 / 4
    )
    below = [f.cdf("Intercept", [row["eti95_lb"]])[0] for f in (fit, shifted)]
    assert np.isclose(np.mean(below), 0.025, atol=1e-5)


def test_what_cannot_be_imputed_is_refused():
    truth, data = with_gaps()
    arguments = {"priors": PRIORS, "rng": np.random.default_rng(8)}
    with pytest.raises(ValueError, match="data has no missing value of 'y'"):
        impute("y ~ x + (1 | g)", truth, copies=5, **arguments)
    with pytest.raises(ValueError, match="copies must be at least 2, got 1"):
        impute("y ~ x + (1 | g)", data, copies=1, **arguments)
    with pytest.raises(ValueError, match=r"formula 'y ~ x \+' cannot be read"):
        impute("y ~ x +", data, copies=5, **arguments)
    with pytest.raises(ValueError, match="names 'z', which data does not have"):
        impute("z ~ x + (1 | g)", data, copies=5, **arguments)
    no_x = data.assign(x=data["x"].mask(data["y"].isna()))
    with pytest.raises(ValueError, match=r"data column 'x' has \d+ missing"):
        impute("y ~ x + (1 | g)", no_x, copies=5, **arguments)
    with pytest.raises(ValueError, match="posteriors must be at least two, got 0"):
        pool([])
    fits = [exact_posterior(f, truth, priors=PRIORS) for f in ("y ~ x + (1 | g)", "y ~ x")]
    with pytest.raises(ValueError, match=r"posteriors must be of one model, got \['y ~ x', 'y ~"):
        pool(fits)


def test_the_other_figures_are_labelled(students):
    plots.use_style()
    filled = np.tile(students["course"].fillna(70).to_numpy(), (3, 1))
    labelled(plots.imputed_scores(students, filled))
    figure = labelled(plots.pareto_shapes([5, 30], [0.9, 0.1], 0.7, "k"))
    assert [len(c.get_offsets()) for c in figure.axes[0].collections] == [1, 1]
    u = pd.Series([-1.0, 0.0, 1.0], index=["a", "b", "c"])
    heights = pd.DataFrame({"mean": [60.0, 70, 75], "sd": 2.0}, index=u.index)
    labelled(plots.intercepts_by_predictor(u, heights, np.array([[70.0, 5], [71, 4]]), "u"))
