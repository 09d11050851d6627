import numpy as np
import pandas as pd
import pytest

from bhm_utils import plots

from .test_tables_and_plots import labelled

RNG = np.random.default_rng(1)
DRAWS = RNG.standard_normal((4, 400))
GRID = np.linspace(-3, 3, 50)
DENSITY = np.exp(-0.5 * GRID**2) / np.sqrt(2 * np.pi)


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


def test_walk_stages_shows_so_many_states():
    path = RNG.standard_normal((500, 2)).cumsum(axis=0)
    figure = plots.walk_stages([2, 2], 0.5 * np.eye(2), DRAWS.reshape(-1, 2), path)
    walks = [line for ax in figure.axes[1:] for line in ax.lines if line.get_marker() == "."]
    lengths = [len(line.get_xdata()) for line in walks if line.get_linestyle() == "-"]
    assert lengths == [10, 70, 500]
    circle = figure.axes[0].lines[1].get_xydata() - 2  # the contour that holds one half
    assert np.allclose((circle**2).sum(axis=1), 0.5 * 2 * np.log(2))


def test_trace_and_density_is_labelled():
    figure = labelled(plots.trace_and_density(DRAWS[:, :50], DRAWS, GRID, DENSITY, "x (cm)"))
    assert len(figure.axes[0].lines) == 4


def test_draws_and_density_are_normalised():
    figure = labelled(
        plots.draws_and_density(DRAWS, 10 + DRAWS, GRID, DENSITY, ("right", "wrong"), "x (cm)")
    )
    right, wrong = (patch.get_xy() for patch in figure.axes[0].patches)
    assert right[:, 1].max() < 0.6
    assert wrong[:, 1].max() == 0  # all of them off the grid


def test_step_sizes_has_a_row_a_chain():
    traces = {"short": DRAWS[0], "long": DRAWS[1]}
    figure = plots.step_sizes(traces, {"short": [1.0, 0.5], "long": [1.0, 0.1]}, "x (cm)")
    assert len(figure.axes) == 4
    assert all(ax.get_ylabel() for ax in figure.axes)


def test_curves_are_labelled():
    table = pd.DataFrame({"acceptance": [0.9, 0.4], "ESS": [0.1, 0.2]}, index=[1, 10])
    steps = plots.step_size_curves(table, np.array([0.9, 0.4]), best=0.44)
    dimensions = plots.dimension_curves(table, limits=(0.44, 0.234))
    for figure in (steps, dimensions):
        figure.canvas.draw()
        upper, lower = figure.axes
        assert all(ax.get_ylabel() and ax.get_title(loc="left") for ax in figure.axes)
        assert lower.get_xlabel() and upper.get_shared_x_axes().joined(upper, lower)
    assert [label.get_text() for label in lower.get_xticklabels()] == ["1", "10"]


def test_engines_side_by_side_puts_marks_on_their_rows():
    columns = pd.MultiIndex.from_product([["ours", "exact"], ["mean", "sd"]])
    table = pd.DataFrame([[1.0, 0.5, 1.1, 0.5], [3.0, 1.0, 2.9, 1.0]], ["a", "b"], columns)
    figure = plots.engines_side_by_side(table, pd.Series({"b": 4.0}), "exact", "x (cm)")
    (ax,) = figure.axes
    assert ax.get_xlabel() == "x (cm)"
    assert ax.lines[-1].get_xydata().tolist() == [[4.0, 1.0]]
