import numpy as np
import pandas as pd
import pytest
import scipy.stats as st
import xarray as xr
from numpy.testing import assert_allclose, assert_array_equal

from bhm_utils import Design, Priors, exact_posterior, fit_ml, plots
from bhm_utils.gaussian import effects_given
from bhm_utils.pooling import group_lines, separate_lines
from bhm_utils.schools import (
    expected_outcomes,
    pairwise_difference,
    pairwise_probabilities,
    pooling_estimates,
    rank_draws,
    rank_groups,
    summarise_groups,
)

from .conftest import FORMULA
from .test_tables_and_plots import labelled

LABELS = ["a", "b", "c", "d"]


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


def draws_around(means, sds=1.0, size=4000, seed=0):
    z = np.random.default_rng(seed).normal(means, sds, size=(2, size // 2, len(means)))
    return xr.DataArray(z, dims=["chain", "draw", "g"], coords={"g": LABELS[: len(means)]})


@pytest.fixture(scope="module")
def posterior(gcse, priors):
    return exact_posterior(FORMULA, gcse, priors=priors)


@pytest.fixture(scope="module")
def tree(posterior):
    return posterior.sample(1000, rng=np.random.default_rng(1))


@pytest.fixture(scope="module")
def boys(tree, posterior):
    return expected_outcomes(tree, posterior.design, {"female": 0})


def test_expected_outcomes_are_the_lines_of_the_groups(tree, posterior, boys):
    draws = tree["posterior"].to_dataset()
    share = pd.Series(np.linspace(0, 1, 73), index=posterior.design.labels)
    mixed = expected_outcomes(tree, posterior.design, {"female": share[::-1]})  # in any order
    girls = expected_outcomes(tree, posterior.design, {"female": 1})
    assert_allclose(boys, draws["Intercept"] + draws["1|school"])
    assert_allclose(girls - boys, draws["female"] + draws["female|school"])
    assert_allclose(mixed, boys + (girls - boys) * share.to_numpy())
    assert mixed.dims == ("chain", "draw", "school")


def test_expected_outcomes_without_a_predictor(gcse):
    wide = st.halfnorm(scale=30)
    fit = exact_posterior("course ~ 1 + (1 | school)", gcse, priors=Priors(wide, wide))
    tree = fit.sample(4000, rng=np.random.default_rng(2))
    found = summarise_groups(expected_outcomes(tree, fit.design, {}))
    known = fit.group_effects().xs("1|school", level="effect")
    z = (found["mean"] - known["total_mean"]) / (known["total_sd"] / np.sqrt(16000))
    assert z.abs().max() < 4.5


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ({}, r"at must give values of \['female'\], got \[\]"),
        (
            {"female": 0, "male": 1},
            r"at must give values of \['female'\], got \['female', 'male'\]",
        ),
        ({"female": pd.Series({"20920": 1.0})}, r"at\['female'\] has no finite value .*'22520'"),
        ({"female": np.inf}, r"at\['female'\] has no finite value"),
    ],
)
def test_bad_predictors_are_named(tree, posterior, at, message):
    with pytest.raises(ValueError, match=message):
        expected_outcomes(tree, posterior.design, at)


def test_summaries_have_the_moments_of_the_draws():
    table = summarise_groups(draws_around([0.0, 5.0], [1.0, 2.0], size=40_000), ci_prob=0.8)
    assert list(table.columns) == ["mean", "sd", "eti80_lb", "eti80_ub"]
    assert_allclose(table["mean"], [0, 5], atol=4 * 2 / 200)
    assert_allclose(table["sd"], [1, 2], rtol=0.02)
    assert_allclose(table["eti80_ub"], [1.2816, 5 + 2 * 1.2816], atol=0.07)


def test_ranks_are_permutations_and_1_is_the_largest():
    values = draws_around([0.0, 3.0, -3.0, 1.0])
    ranks = rank_draws(values).to_numpy()
    assert_array_equal(np.sort(ranks, axis=-1), np.broadcast_to([1, 2, 3, 4], ranks.shape))
    assert_array_equal(ranks.argmin(axis=-1), values.to_numpy().argmax(axis=-1))


def test_rank_probabilities_against_a_closed_form():
    size = 40_000
    table = rank_groups(draws_around([0.0, 1.0], size=size), best=1)
    second_wins = st.norm.cdf(1 / np.sqrt(2))
    error = np.sqrt(second_wins * (1 - second_wins) / size)
    assert abs(table.loc["b", "top"] - second_wins) < 4 * error
    assert_allclose(table["top"] + table["bottom"], 1)
    assert_allclose(table["mean"], 1 + table["bottom"])


def test_ranks_do_not_change_with_scale_and_turn_with_sign(boys):
    table = rank_groups(boys)
    pd.testing.assert_frame_equal(rank_groups(3 * boys + 7), table)
    turned = rank_groups(-boys)
    assert_allclose(turned["mean"], 74 - table["mean"])
    assert_allclose(turned["top"], table["bottom"])


def test_mean_rank_is_the_sum_of_pairwise_probabilities(boys):
    above = pairwise_probabilities(boys)
    means = rank_groups(boys)["mean"]
    assert_allclose(1 + above.sum(axis=0), means[above.index])
    assert np.isnan(np.diag(above)).all()
    off = ~np.eye(73, dtype=bool)
    assert_allclose((above + above.T).to_numpy()[off], 1)
    sorted_means = summarise_groups(boys)["mean"][above.index]
    assert sorted_means.is_monotonic_decreasing


def test_a_difference_against_a_closed_form():
    row = pairwise_difference(draws_around([4.0, 1.0], [3.0, 4.0], size=40_000), "a", "b")
    assert abs(row["mean"] - 3) < 4 * 5 / 200
    assert_allclose(row["sd"], 5, rtol=0.015)
    assert_allclose(row["mcse_mean"], 5 / 200, rtol=0.1)
    assert_allclose(row["mcse_sd"], 5 / np.sqrt(80_000), rtol=0.1)
    p = st.norm.cdf(3 / 5)
    assert abs(row["above"] - p) < 4 * np.sqrt(p * (1 - p) / 40_000)
    assert_allclose(row[["eti95_lb", "eti95_ub"]], 3 + 5 * st.norm.ppf([0.025, 0.975]), atol=0.3)


def test_a_difference_changes_its_sign(boys):
    one, other = (
        pairwise_difference(boys, *pair) for pair in [("60501", "68271"), ("68271", "60501")]
    )
    assert_allclose(one["mean"], -other["mean"])
    assert_allclose(one["eti95_lb"], -other["eti95_ub"])
    assert_allclose(one["above"], 1 - other["above"])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda v: pairwise_difference(v, "a", "z"), "there is no g 'z'"),
        (lambda v: pairwise_difference(v, "a", "a"), "first and second must differ, got 'a' twice"),
        (lambda v: rank_groups(v, best=0), "best must be between 1 and the 4 groups, got 0"),
        (lambda v: rank_groups(v, best=5), "best must be between 1 and the 4 groups, got 5"),
        (lambda v: rank_groups(v, best=1, ci_prob=1), "ci_prob must be between 0 and 1, got 1"),
        (lambda v: rank_draws(v[0]), "values must have dimensions chain, draw and a group"),
        (lambda v: pairwise_probabilities(v.T), "values must have dimensions chain, draw"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(draws_around([0.0, 1.0, 2.0, 3.0]))


def test_pooling_estimates_keep_every_school(tree, posterior, gcse):
    table = pooling_estimates(tree, posterior.design, gcse)
    assert len(table) == 2 * 73
    assert table["n"].sum() == len(gcse)
    complete = table["complete"].groupby("female").first()
    assert_allclose(complete, gcse.groupby("female")["course"].mean())
    assert table.loc[("84707", 0), "n"] == 0
    assert np.isnan(table.loc[("84707", 0), "none"])
    assert np.isfinite(table.drop(columns="none")).all(axis=None)


def test_pooling_estimates_agree_with_the_lines_of_chapter_4(tree, posterior, gcse):
    table = pooling_estimates(tree, posterior.design, gcse)
    pairs = gcse[gcse["school"] != "84707"]
    own = separate_lines(
        pairs.assign(school=pairs["school"].cat.remove_unused_categories()),
        outcome="course",
        x="female",
        group="school",
    )
    heights = table["none"].unstack("female").loc[own.index]
    assert_allclose(heights, np.column_stack([own["intercept"], own.sum(axis=1)]))
    lines = group_lines(posterior, x="female")
    exact = np.column_stack([lines["intercept"], lines.sum(axis=1)])
    error = table["sd"].unstack("female") / np.sqrt(4000)
    assert (((table["partial"].unstack("female") - exact) / error).abs() < 4.5).all(axis=None)


def test_pooling_estimates_need_a_predictor_of_two_values(tree, posterior, gcse):
    with pytest.raises(ValueError, match=r"one predictor that is 0 or 1, got \['female'\]"):
        pooling_estimates(tree, posterior.design, gcse.assign(female=gcse["female"] + 1))


def test_effects_at_the_ml_estimates_are_those_of_the_ml_fit(gcse):
    fit = fit_ml(FORMULA, gcse)
    frozen = effects_given(fit.design, fit.summary()["mean"])
    pd.testing.assert_frame_equal(frozen, fit.group_effects(), rtol=1e-7)


def test_the_law_of_total_variance_gives_the_exact_posterior(tree, posterior, gcse):
    design = Design.from_formula(FORMULA, gcse)
    names = [*design.group_sds, *design.correlations, "sigma"]
    rows = tree["posterior"].to_dataset()[names].to_dataframe().iloc[::10].to_dict("records")
    given = [effects_given(design, row) for row in rows]
    inside = np.mean([g["sd"] ** 2 for g in given], axis=0)
    between = np.var([g["mean"] for g in given], axis=0)
    variance = posterior.group_effects()["sd"] ** 2
    assert len(rows) == 400
    assert_allclose(inside + between, variance, rtol=0.06)
    assert not np.allclose(inside, variance, rtol=0.06)  # the second term is needed


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"sigma": 1.0}, r"values\['1\|school_sigma'\] must be positive, got nan"),
        ({"sigma": 0.0}, r"values\['sigma'\] must be positive, got 0"),
        ({"1,female|school_corr": 1.5}, r"values\['1,female\|school_corr'\] must be between"),
    ],
)
def test_bad_standard_deviations_are_named(gcse, values, message):
    design = Design.from_formula(FORMULA, gcse)
    good = {"1|school_sigma": 10.0, "female|school_sigma": 7.0, "sigma": 13.0}
    given = values if list(values) == ["sigma"] and values["sigma"] else good | values
    with pytest.raises(ValueError, match=message):
        effects_given(design, given)


def test_figures_of_schools_are_labelled(tree, posterior, boys, gcse):
    table = summarise_groups(boys)
    figure = labelled(plots.caterpillar(table, 70.0, "score"))
    shown = sum(len(line.get_xdata()) for line in figure.axes[0].lines[:2])
    assert shown == 73
    estimates = pooling_estimates(tree, posterior.design, gcse)
    figure = labelled(plots.shrinkage_by_size(estimates))
    heights = figure.axes[1].lines[1].get_ydata()
    assert_array_equal(heights, estimates.xs(0, level="female")["partial"])
    ranks = rank_groups(boys)
    figure = labelled(plots.rank_intervals({"boys": ranks, "own pupils": ranks}))
    assert_array_equal(figure.axes[0].lines[0].get_xdata(), np.sort(ranks["mean"]))
    draws = (boys.sel(school="60501") - boys.sel(school="68271")).to_numpy()
    figure = labelled(plots.pair_difference({"exact": draws, "NUTS": draws}, (5.0, 4.0), "points"))
    assert_allclose(figure.axes[0].lines[0].get_xdata(), draws.mean())
    ratios = pd.DataFrame({"one": [0.9, 1.0], "two": [1.0, 0.9]}, index=["a", "b"])
    labelled(plots.sd_ratios(ratios, pd.Series({"b": 20, "a": 4})))
    checks = pd.DataFrame({"r_hat": [1.0, 1.01], "ess_bulk": [500.0, 900.0]}, index=["x", "y"])
    figure = labelled(plots.diagnostics(checks, (1.01, 400), 1000))
    assert_array_equal(figure.axes[1].lines[0].get_xdata(), [0.5, 0.9])


def test_the_picture_of_all_pairs_has_four_shades():
    above = pairwise_probabilities(draws_around([9.0, 6.0, 5.9, 0.0]))
    image = labelled(plots.pairs(above)).axes[0].images[0].get_array()
    assert image.mask.diagonal().all()
    assert_array_equal(image[0, 1:], [3 if p > 0.975 else 2 for p in above.iloc[0, 1:]])
    assert image[1, 2] == 2
    assert image[2, 1] == 1
    assert (image[3, :3] == 0).all()


def test_pooled_lines_of_a_gender_have_a_band(tree, posterior, gcse):
    lines = group_lines(posterior, x="female").loc[["68137", "68207"]]
    band = pooling_estimates(tree, posterior.design, gcse)
    figure = plots.pooled_lines(
        gcse, {"partial": lines}, x="female", y="course", labels=("gender", "score"), band=band
    )
    assert (figure.get_supxlabel(), figure.get_supylabel()) == ("gender", "score")
    ax = figure.axes[0]
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["boys", "girls"]
    corners = ax.collections[1].get_paths()[0].vertices[:, 1]
    assert_allclose(
        [corners.min(), corners.max()],
        [band.loc["68137", "eti95_lb"].min(), band.loc["68137", "eti95_ub"].max()],
    )
