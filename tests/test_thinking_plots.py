import numpy as np
import pandas as pd
import pytest

from bhm_utils import Normal, NormalInverseGamma, plots

from .test_tables_and_plots import labelled

PRIOR = Normal(74, 9)
Y = np.array([67.5, 66.6, 68.5, 75.0])


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


def test_mosaic_shows_prior_and_posterior():
    table = pd.DataFrame({"prior": [0.75, 0.25], "likelihood": [0.2, 0.8]}, index=["A", "B"])
    figure = labelled(plots.bayes_mosaic(table, "students", "share"))
    bars = [bar.get_height() for group in figure.axes[1].containers for bar in group]
    assert np.allclose(bars, [75, 25, 100 * 15 / 35, 100 * 20 / 35])
    with pytest.raises(ValueError, match=r"priors that sum to 1, got .*0\.5"):
        plots.bayes_mosaic(table.assign(prior=[0.25, 0.25]), "students", "share")


def test_prior_to_posterior_is_labelled():
    labelled(plots.prior_to_posterior(PRIOR, Normal(Y.mean(), 7), Y, 14))


def test_one_by_one_ends_at_the_posterior_of_all():
    figure = labelled(plots.one_by_one(PRIOR, Y, 14))
    means = figure.axes[0].lines[0].get_ydata()
    assert means[0] == 74
    assert means[-1] == PRIOR.update(Y, 14).mean


def test_what_alpha_does_marks_the_values_given():
    figure = labelled(plots.what_alpha_does(PRIOR, 20, 67.2, 14))
    weights = [ax.lines[1].get_ydata()[0] for ax in figure.axes[::2]]
    assert np.allclose(weights, PRIOR.data_weight(20, 14))
    assert [ax.lines[1].get_xdata()[0] for ax in figure.axes[::2]] == [20, 14, 9]


def test_against_grid_is_labelled():
    mu = np.linspace(40, 110, 701)
    right = PRIOR.update(Y, 14)
    claims = {"right": right, "wrong": Normal(right.mean, 7)}
    figure = labelled(plots.against_grid(mu, right.density(mu), claims))
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["grid", "right", "wrong"]


def test_unknown_variance_is_labelled():
    prior = NormalInverseGamma(74, 2.4, 3, 588)
    rng = np.random.default_rng(0)
    labelled(plots.unknown_variance(prior, Y, 2, PRIOR.update(Y, 14), rng))


def test_interval_ratios_points_at_the_school():
    table = pd.DataFrame({"n": [1, 9], "tail": [1.2, 1.1], "ratio": [0.8, 1.6]}, index=["a", "b"])
    figure = labelled(plots.interval_ratios(table, "b", "B"))
    (note,) = figure.axes[0].texts
    assert note.get_text() == "school B" and tuple(note.xy) == (9, 1.6)
