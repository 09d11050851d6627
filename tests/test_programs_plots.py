import numpy as np
import pytest

from bhm_utils import PRIOR_DESIGNS, Truth, exact_posterior, plots
from bhm_utils.simulate import SLOPE_FORMULA, dgp_1, dgp_2

from .test_tables_and_plots import labelled

SIMULATIONS = {
    name: design.simulate(Truth(), rng=np.random.default_rng(5))
    for name, design in {"DGP 1": dgp_1(5, 20), "DGP 2": dgp_2(5, 20)}.items()
}


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


def test_true_lines_start_where_x_is_0():
    figure = labelled(plots.varying_slopes(SIMULATIONS))
    assert len(figure.axes) == 2
    for ax, simulation in zip(figure.axes, SIMULATIONS.values(), strict=True):
        assert len(ax.lines) == 5 and len(ax.collections) == 5
        for line, slope in zip(ax.lines, simulation.slopes[0], strict=True):
            (x_0, x_1), (y_0, y_1) = line.get_data()
            assert x_0 <= 0
            assert np.isclose(y_1 - y_0, slope * (x_1 - x_0))


def test_draws_lie_over_the_exact_density():
    data = SIMULATIONS["DGP 2"].data
    posterior = exact_posterior(SLOPE_FORMULA, data, priors=PRIOR_DESIGNS["good"])
    draws = posterior.sample(2000, chains=4, rng=np.random.default_rng(1)).posterior["x:u"]
    figure = labelled(
        plots.programs_and_exact(
            {"DGP 2": posterior}, {"DGP 2": {"A": draws, "B": draws + 1}}, "x:u", 1.0, "gamma"
        )
    )
    right, wrong = (patch.get_data() for patch in figure.axes[0].patches)
    middles = (right.edges[1:] + right.edges[:-1]) / 2
    density = posterior.density("x:u", middles)
    assert np.abs(right.values - density).max() < 0.1 * density.max()
    assert np.abs(wrong.values - density).max() > 0.3 * density.max()
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels == ["exact", "A", "B", "truth"]
