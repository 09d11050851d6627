import numpy as np
import pandas as pd
import pytest
import scipy.stats as st
from matplotlib.colors import to_rgb

from bhm_utils import Priors, exact_posterior, fit_ml, plots
from bhm_utils.engines import BayesFit
from bhm_utils.tables import show

from .conftest import FORMULA

RNG = np.random.default_rng(1)


def test_show_formats_numbers_and_dashes():
    table = pd.DataFrame({"a": [1.23456, np.nan], "n": [3, 4], "t": ["x", None]})
    assert show(table, 2).to_numpy().tolist() == [["1.23", "3", "x"], ["–", "4", "–"]]
    with pytest.raises(ValueError, match="digits must be at least 0, got -1"):
        show(table, -1)


def test_show_joins_means_and_sds():
    columns = pd.MultiIndex.from_product([["ML", "Bayes"], ["mean", "sd"]])
    table = pd.DataFrame([[1.0, 0.5, 2.0, np.nan], [np.nan, np.nan, 3.0, 1.0]], columns=columns)
    assert show(table, 1).to_numpy().tolist() == [["1.0 (0.5)", "2.0"], ["–", "3.0 (1.0)"]]


def luminance(colour):
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return np.dot(linear, [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("name", plots.PALETTE)
def test_every_colour_stands_out_from_white(name):
    assert 1.05 / (luminance(plots.PALETTE[name]) + 0.05) >= 3


def labelled(figure):
    for ax in figure.axes:
        if not ax.get_visible():
            continue
        assert ax.get_title(loc="left") or ax.get_title()
        across, down = (
            axes.get_siblings(ax) for axes in (ax.get_shared_x_axes(), ax.get_shared_y_axes())
        )
        assert figure.get_supxlabel() or any(sibling.get_xlabel() for sibling in across)
        ticks = [tick.get_text() for sibling in down for tick in sibling.get_yticklabels()]
        named = any(text[:1].isalpha() for text in ticks)  # rows that say what they are
        assert named or any(sibling.get_ylabel() for sibling in down)
    return figure


@pytest.mark.parametrize(
    "draw",
    [
        plots.score_distributions,
        plots.school_means,
        plots.school_sizes,
        plots.missing_scores,
        plots.written_and_course,
        plots.school_lines,
    ],
)
def test_figures_of_the_data_are_labelled(students, draw):
    plots.use_style()
    labelled(draw(students))


def test_school_sizes_shows_every_student(students):
    bars = plots.school_sizes(students).axes[0].containers
    assert sum(bar.get_height() for container in bars for bar in container) == 1725


def test_forest_shows_the_summaries(gcse):
    plots.use_style()
    fits = {"ML": fit_ml(FORMULA, gcse), "REML": fit_ml(FORMULA, gcse, reml=True)}
    figure = labelled(plots.forest(fits, ["Intercept", "sigma"]))
    with pytest.raises(ValueError, match=r"parameters has \['rho'\], which no fit has"):
        plots.forest(fits, ["rho"])
    drawn = [line.get_xdata()[0] for line in figure.axes[0].lines]
    assert drawn == [fit.summary().loc["Intercept", "mean"] for fit in fits.values()]


def test_implied_sds_are_labelled():
    table = pd.DataFrame({"boys": [1.0, 2.0], "girls": [2.0, 1.0]}, index=["one", "two"])
    labelled(plots.implied_sds(table, "standard deviation", "model"))


def test_figures_of_the_exact_posterior_are_labelled(gcse):
    formula = "course ~ 1 + (1 | school)"
    priors = Priors(st.halfnorm(scale=30), st.halfnorm(scale=30))
    posterior = exact_posterior(formula, gcse, priors=priors)
    sds = np.linspace(0.1, 20, 50)
    density = posterior.density("1|school_sigma", sds)
    labelled(plots.densities({"posterior": (sds, density)}, "sd", "Spread"))
    answers = posterior.group_effects()["total_mean"].droplevel("effect")
    lines = pd.DataFrame(np.outer(sds, answers) / 20, index=sds, columns=answers.index)
    figure = labelled(
        plots.shrinkage(lines, density, answers, {"22520": "one"}, xlabel="sd", ylabel="mean")
    )
    assert len(figure.axes[0].lines) == 73 + 2 + 1  # schools, the marked one and its dot, a rule
    fit = BayesFit("draws", posterior.design, priors, posterior.sample(50, rng=RNG), 0.0)
    labelled(plots.exact_and_draws(posterior, fit, {"sigma": "sd within", "Intercept": "mean"}))
