import numpy as np
import pytest

from bhm_utils import Normal, plots

from .test_tables_and_plots import labelled

RNG = np.random.default_rng(0)
Z = RNG.standard_normal((5, 500))


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


def test_running_means_end_at_the_mean_of_all_draws():
    figure = labelled(plots.running_means(Z, Normal(0, 1), histogram_of=100))
    ends = [line.get_ydata()[-1] for line in figure.axes[1].lines[:5]]
    np.testing.assert_allclose(ends, Z.mean(axis=1))


def test_two_limits_draws_every_run_in_both_panels():
    figure = labelled(plots.two_limits(Z.cumsum(axis=1) + 3, Z.cumsum(axis=1), 3.0, 1.0))
    assert [len(ax.lines) for ax in figure.axes] == [6, 7]


def test_quantile_errors_line_passes_through_the_formula():
    p = np.array([0.05, 0.5, 0.95])
    ax = labelled(plots.quantile_errors(p, p**0, lambda q: q * (1 - q))).axes[0]
    line, points = ax.lines[:2]
    np.testing.assert_allclose(line.get_xdata()[[0, -1]], [0.05, 0.95])
    np.testing.assert_allclose(line.get_ydata().max(), 0.25)
    np.testing.assert_array_equal(points.get_ydata(), [1, 1, 1])


def test_difference_marks_mean_interval_and_zero():
    ax = labelled(plots.difference(Z[0], Normal(0, 1), ("a", "b"))).axes[0]
    marks = [line.get_xdata()[0] for line in ax.lines[1:]]
    np.testing.assert_allclose(marks, [Z[0].mean(), *np.quantile(Z[0], [0.025, 0.975]), 0])
    assert ax.get_xlabel() == "mean of a minus mean of b (points)"


def test_unnamed_posterior_has_each_curve_in_both_panels():
    grid = np.linspace(-3, 3, 61)
    stand_ins = {"one": Normal(0, 1), "two": Normal(1, 2)}
    normal = Normal(0, 1).density(grid)
    figure = labelled(plots.unnamed_posterior(grid, normal, stand_ins, np.array([0.5, 1])))
    assert [len(ax.lines) for ax in figure.axes] == [4, 3]


def test_two_modes_puts_the_first_mean_on_the_horizontal_axis():
    grid = np.linspace(-4, 4, 41)
    posterior = np.outer(Normal(2, 0.5).density(grid), Normal(-2, 0.5).density(grid))
    figure = labelled(plots.two_modes(grid, posterior, Z[:2].T))
    points = figure.axes[0].collections[1].get_paths()[-1].vertices
    np.testing.assert_allclose(points.mean(axis=0), [2, -2], atol=0.2)


def test_rejection_counts_what_is_kept():
    kept = Z[0] > 0
    figure = labelled(plots.rejection(Z[1], np.abs(Z[2]), kept))
    labels = figure.axes[0].get_legend_handles_labels()[1]
    assert labels == [f"rejected: {(~kept).sum()}", f"kept: {kept.sum()}"]


def test_useful_share_starts_at_dimension_one():
    shares = {"ball": 0.5 ** np.arange(4), "box": 0.1 ** np.arange(4)}
    figure = labelled(plots.useful_share(shares, {"ball": shares["ball"][:2]}, "dimension"))
    lengths = [len(line.get_xdata()) for line in figure.axes[0].lines]
    assert lengths == [4, 2, 4, 0]
    assert figure.axes[0].lines[0].get_xdata()[0] == 1


def test_calibration_tells_the_spread_and_keeps_every_score():
    figure = labelled(plots.calibration({"right": Z[0], "wrong": 5 * Z[1]}))
    assert figure.axes[1].get_title(loc="left") == f"wrong: sd {5 * Z[1].std():.2f}"
    for ax in figure.axes:
        area = sum(bar.get_height() * bar.get_width() for bar in ax.patches)
        assert area == pytest.approx(1)
