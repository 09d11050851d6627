import numpy as np
import pandas as pd
import pytest

from bhm_utils import Normal, plots, run_study, study_table
from bhm_utils.simulate import dgp_1, dgp_2

from .test_tables_and_plots import labelled

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


@pytest.fixture(scope="module")
def table():
    designs = {"dgp1-J5-N20": dgp_1(5, 20), "dgp2-J5-N20": dgp_2(5, 20)}
    return pd.concat(
        {name: study_table(run_study(design, replicates=4)) for name, design in designs.items()}
    )


def test_bundles_draw_a_line_a_replicate():
    grid = np.linspace(-1, 3, 50)
    curves = Normal(1, 1).density(grid) * np.ones((7, 1))
    figure = labelled(plots.bundles(dict.fromkeys("abc", (grid, curves)), 1.0, "gamma"))
    assert [len(ax.lines) for ax in figure.axes[:3]] == [8, 8, 8]
    assert not figure.axes[3].get_visible()


def test_by_design_draws_every_prior(table):
    figure = labelled(plots.by_design(table, "rmse", {"x": "g0", "x:u": "g1"}, "RMSE", log=True))
    assert [len(ax.containers) for ax in figure.axes] == [5] * 4
    drawn = figure.axes[1].containers[0].lines[0].get_xdata()
    assert np.allclose(drawn, table.loc[("dgp2-J5-N20", "good", "x"), "rmse"])
    labelled(plots.by_design(table, "bias", {"x": "g0"}, "bias", reference=0))
    with pytest.raises(ValueError, match=r"criterion must be one of \['bias'.*got 'luck'"):
        plots.by_design(table, "luck", {"x": "g0"}, "luck")


def test_by_design_puts_the_smallest_design_first(table):
    names = {"dgp1-J5-N20": "dgp1-J10-N200", "dgp2-J5-N20": "dgp2-J10-N200"}
    larger = table.rename(index=names, level=0)
    middle = table.rename(index={k: v.replace("N200", "N50") for k, v in names.items()}, level=0)
    figure = plots.by_design(pd.concat([larger, table, middle]), "bias", {"x": "g0"}, "bias")
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows == ["J5, N20", "J10, N50", "J10, N200"]


def test_ridge_draws_priors_and_line():
    draws = pd.DataFrame(RNG.normal(1, 1, (50, 2)), columns=["g0", "g1"])
    prior = Normal(2, 1)
    priors = {"a": (prior, prior), "b": (Normal(0, np.inf), prior)}
    truths = dict.fromkeys("ab", (1.0, 1.0))
    figure = labelled(plots.ridge({"a": draws, "b": draws}, priors, truths, {"a": 6.0}))
    texts = [t.get_text() for t in figure.legends[0].get_texts()]
    assert texts == ["posterior", "prior, 1 and 2 sd", "the ridge", "truth"]
    x, y = figure.axes[0].lines[3].get_data()
    assert np.allclose(x + 5 * y, 6)
    assert [line.get_ydata()[0] for line in figure.axes[1].lines[1:5]] == [1, 3, 0, 4]


def test_shifts_are_labelled():
    ours = pd.DataFrame(RNG.normal(0.1, 0.02, (9, 2)))
    figure = labelled(plots.shifts(ours, {"theirs": (0.2, 0.1)}, "one", "other"))
    assert figure.axes[0].lines[0].get_xydata().tolist() == [[0.2, 0.1]]


def test_rank_curves_end_at_zero():
    values = RNG.uniform(size=100)
    figure = labelled(plots.rank_curves({"right": {"a": values}, "wrong": {"a": values**2}}))
    right, wrong = (np.abs(ax.lines[0].get_ydata()).max() for ax in figure.axes)
    assert right < 0.16 < wrong


def test_agreement_has_a_scale_for_each_panel():
    z = RNG.normal(size=200)
    figure = labelled(plots.agreement({"right": z, "wrong": 20 * z}))
    right, wrong = (ax.get_xlim()[1] for ax in figure.axes)
    assert right < 5 < wrong


def test_ladder_leaves_out_what_has_no_draws():
    rows = [("DGP 1", "a", 3.0), ("DGP 2", "a", 30.0), ("DGP 1", "b", 40.0), ("DGP 1", "c", None)]
    figure = labelled(
        plots.ladder(pd.DataFrame(rows, columns=["process", "rung", "ESS per second"]))
    )
    (ax,) = figure.axes
    assert [text.get_text() for text in ax.get_yticklabels()] == ["a", "b"]
    assert [line.get_xdata().tolist() for line in ax.lines] == [[3, 40], [30]]
