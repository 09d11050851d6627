import numpy as np
import pandas as pd
import pytest
import scipy.stats as st
from numpy.testing import assert_allclose, assert_array_equal

from bhm_utils import Priors, exact_posterior, fit_ml, plots
from bhm_utils.pooling import group_lines, pooling_errors, root_mean_square, separate_lines
from bhm_utils.simulate import SCHOOL_FORMULA, SchoolTruth, simulate_schools

from .test_tables_and_plots import labelled

SIZES = [5, 10, 20, 40, 5, 10, 20, 40]
PRIORS = Priors(st.halfcauchy(scale=5), st.halfcauchy(scale=5), correlation_eta=None)


def simulated(truth=None, replicates=3, sizes=SIZES, seed=0):
    return simulate_schools(sizes, truth, replicates=replicates, rng=np.random.default_rng(seed))


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


@pytest.fixture(scope="module")
def system():
    return simulated()


def test_schools_have_the_moments_of_the_model():
    truth = SchoolTruth(correlation=-0.5)
    s = simulated(truth, replicates=4000)
    u = s.teachers.to_numpy()
    for k, values in enumerate([s.intercepts, s.slopes]):
        centre = truth.constant[k] + truth.per_teacher[k] * u
        sd = truth.effect_sds[k]
        assert_allclose(values.mean(axis=0), centre, atol=4.5 * sd / np.sqrt(4000))
        assert_allclose((values - centre).std(), sd, rtol=0.03)
    eta = [(s.intercepts - s.intercepts.mean(0)).ravel(), (s.slopes - s.slopes.mean(0)).ravel()]
    assert_allclose(np.corrcoef(eta)[0, 1], -0.5, atol=0.02)
    rows = s.data["school"].astype(int).to_numpy() - 1
    noise = s.outcomes - s.intercepts[:, rows] - s.slopes[:, rows] * s.data["income"].to_numpy()
    assert_allclose(noise.std(), truth.residual_sd, rtol=0.01)
    assert_array_equal(s.data["score"], s.outcomes[0])
    assert_array_equal(s.data["teachers"], u[rows])


def test_a_large_school_system_gives_the_truth_back():
    s = simulated(SchoolTruth(correlation=-0.4), replicates=1, sizes=[20] * 300)
    priors = Priors(st.halfcauchy(scale=5), st.halfcauchy(scale=5))
    table = exact_posterior(SCHOOL_FORMULA, s.data, priors=priors).summary()
    truth = pd.Series(s.truth.parameters)
    assert set(table.index) == set(truth.index)
    assert (((table["mean"] - truth) / table["sd"]).abs() < 4).all()


def test_separate_lines_are_least_squares(system):
    lines = separate_lines(system.data, outcome="score", x="income", group="school")
    for school, rows in system.data.groupby("school"):
        slope, intercept = np.polyfit(rows["income"], rows["score"], 1)
        assert_allclose(lines.loc[school], [intercept, slope])


def test_group_lines_without_a_predictor_are_the_totals(system):
    formula = "score ~ income + (1 + income | school)"
    posterior = exact_posterior(formula, system.data, priors=PRIORS)
    total = posterior.group_effects()["total_mean"].unstack()
    lines = group_lines(posterior, x="income")
    assert_allclose(lines, total[["1|school", "income|school"]], atol=1e-8)


def test_group_lines_of_the_full_model_are_means_of_draws(system):
    posterior = exact_posterior(SCHOOL_FORMULA, system.data, priors=PRIORS)
    lines = group_lines(posterior, x="income", u=system.teachers)
    draws = posterior.sample(2000, rng=np.random.default_rng(1))["posterior"].dataset
    u = system.teachers.to_numpy()
    for column, base, moved, effect in [
        ("intercept", "Intercept", "teachers", "1|school"),
        ("slope", "income", "income:teachers", "income|school"),
    ]:
        value = (
            draws[base].values[..., None]
            + draws[moved].values[..., None] * u
            + draws[effect].values
        ).reshape(-1, len(u))
        z = (lines[column] - value.mean(axis=0)) / (value.std(axis=0) / np.sqrt(len(value)))
        assert np.abs(z).max() < 4.5


def test_group_lines_take_any_fit(system):
    fit = fit_ml("score ~ income + (1 | school)", system.data)
    assert group_lines(fit, x="income")["slope"].nunique() == 1


def test_pooling_errors_are_zero_where_there_is_nothing_to_learn():
    exactly = SchoolTruth(effect_sds=(0, 0), per_teacher=(0, 0), residual_sd=1e-3)
    errors = pooling_errors(simulated(exactly), priors=PRIORS, partial={})
    assert set(errors.index.unique("method")) == {"complete", "none"}
    assert errors.abs().to_numpy().max() < 0.02


def test_partial_pooling_has_the_smallest_error():
    table = root_mean_square(pooling_errors(simulated(replicates=15), priors=PRIORS))
    for column in ["intercept", "slope"]:
        rmse = table[column, "mean"]
        assert rmse["partial"] < min(rmse["complete"], rmse["none"])


def test_root_mean_square_and_its_monte_carlo_error():
    rng = np.random.default_rng(2)
    index = pd.MultiIndex.from_product(
        [["a"], range(4000), range(5)], names=["method", "replicate", "school"]
    )
    errors = pd.DataFrame({"intercept": rng.normal(0, 3, len(index))}, index=index)
    row = root_mean_square(errors).loc["a", "intercept"]
    assert_allclose(row["mean"], 3, atol=4 * row["sd"])
    assert_allclose(row["sd"], 3 * np.sqrt(2 / 20_000) / 2, rtol=0.1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: SchoolTruth(constant=(np.nan, 1)), "constant must be finite"),
        (lambda s: SchoolTruth(effect_sds=(1, -1)), "effect_sds must be at least 0"),
        (lambda s: SchoolTruth(residual_sd=-1), "residual_sd must be at least 0, got -1"),
        (lambda s: SchoolTruth(correlation=2), "correlation must be between -1 and 1, got 2"),
        (lambda s: simulated(sizes=[3]), r"sizes must be .* got \[3\]"),
        (lambda s: simulated(replicates=0), "replicates must be at least 1, got 0"),
        (
            lambda s: separate_lines(
                s.data.assign(income=1.0), outcome="score", x="income", group="school"
            ),
            "x takes a single value in the group '1'",
        ),
        (
            lambda s: group_lines(
                exact_posterior(SCHOOL_FORMULA, s.data, priors=PRIORS), x="income"
            ),
            "no part of a line",
        ),
        (
            lambda s: group_lines(
                exact_posterior(SCHOOL_FORMULA, s.data, priors=PRIORS),
                x="income",
                u=s.teachers[:3],
            ),
            "u lacks the groups",
        ),
        (
            lambda s: plots.pooled_lines(s.data, {"some": pd.DataFrame()}),
            r"lines has \['some'\]",
        ),
    ],
)
def test_bad_input_is_named(system, call, message):
    with pytest.raises(ValueError, match=message):
        call(system)


def test_the_graph_has_circles_squares_and_four_arrows_a_school():
    from matplotlib.patches import Circle, FancyArrowPatch, Rectangle

    patches = plots.structure_graph().axes[0].patches
    kinds = [sum(isinstance(p, kind) for p in patches) for kind in (Circle, Rectangle)]
    assert kinds == [7, 6]
    assert sum(isinstance(p, FancyArrowPatch) for p in patches) == 12


def test_two_levels_draws_students_and_schools(system):
    left, middle, right = labelled(plots.two_levels(system)).axes
    assert len(left.collections[0].get_offsets()) == len(system.data)
    assert len(left.lines) == len(SIZES)
    for ax, values in [(middle, system.intercepts[0]), (right, system.slopes[0])]:
        assert_allclose(ax.collections[0].get_offsets()[:, 1], values)


def test_line_figures_have_a_line_a_school_or_method(system):
    own = separate_lines(system.data, outcome="score", x="income", group="school")
    figure = plots.varying_lines({"a": own, "b": own})
    assert [len(ax.lines) for ax in figure.axes] == [8, 8]
    figure = plots.pooled_lines(system.data, {"none": own[:4], "truth": own})
    shown = [ax for ax in figure.axes if ax.get_visible()]
    assert [len(ax.lines) for ax in shown] == [2] * 4
    assert_allclose(shown[0].lines[0].get_ydata().mean(), own["intercept"].iloc[0])


def test_error_curves_draw_the_table():
    rmse = pd.DataFrame({"none": [1.0, 1.0], "partial": [0.5, 0.8]}, index=[0, 4])
    ax = labelled(
        plots.error_curves(rmse, rmse / 10, (2, "here"), xlabel="sd", ylabel="error")
    ).axes[0]
    assert_allclose(ax.containers[0].lines[0].get_ydata().astype(float), rmse["none"])
    assert ax.get_ylim() == (0, 1.6)


def test_prior_schools_gathers_what_is_far_out():
    means = np.array([[50.0, 60.0], [-500.0, 500.0]])
    ax = plots.prior_schools({"wide": means}, (0, 100), "mean").axes[0]
    inside, left, right = [c.get_offsets() for c in ax.collections]
    assert_array_equal(inside, [[50, 1], [60, 1]])
    assert_array_equal([left[0], right[0]], [[-60, 2], [160, 2]])


def test_funnel_shows_effect_and_offset():
    rng = np.random.default_rng(0)
    z, sd = rng.normal(size=100), rng.uniform(1, 2, 100)
    left, right = plots.funnel(sd * z, z, sd).axes
    assert_allclose(left.collections[0].get_offsets()[:, 0], sd * z)
    assert_allclose(right.collections[0].get_offsets(), np.column_stack([z, np.log(sd)]))
