import numpy as np
import pytest

from bhm_utils import gelman_rubin, plots

from .test_tables_and_plots import labelled

CHAINS = np.random.default_rng(1).standard_normal((4, 300)).cumsum(axis=1)


@pytest.fixture(autouse=True)
def _style():
    plots.use_style()


def test_burn_in_leaves_out_what_is_before_the_line():
    figure = plots.burn_in(CHAINS[0], 100, "x (cm)")
    first, second, third = figure.axes
    assert len(first.lines[0].get_xdata()) == 300
    assert second.lines[1].get_xdata() == [100, 100]
    assert third.lines[0].get_xdata()[0] == 100
    assert all(ax.get_ylabel() == "x (cm)" for ax in figure.axes)


def test_one_and_all_shows_the_same_draws():
    figure = plots.one_and_all(CHAINS, (50, 80), "x (cm)", alone=2)
    assert [len(ax.lines) for ax in figure.axes] == [1, 4]
    above, below = figure.axes[0].lines[0], figure.axes[1].lines[2]
    assert above.get_color() == below.get_color()
    assert above.get_ydata().tolist() == below.get_ydata().tolist()
    assert below.get_ydata().tolist() == CHAINS[2, 50:80].tolist()


def test_a_window_has_its_own_rhat_in_the_title():
    figure = labelled(plots.windows(CHAINS, {"early": (0, 50), "late": (50, 300)}, "x (cm)"))
    for ax, part in zip(figure.axes, [CHAINS[:, :50], CHAINS[:, 50:]], strict=True):
        assert ax.get_title(loc="left").endswith(f"= {gelman_rubin(part).rhat:.2f}")


def test_running_is_drawn_at_the_distance_from_one():
    figure = labelled(plots.running({"all": np.array([2.0, 1.1])}, [10, 100], [1.1, 1.01]))
    (ax,) = figure.axes
    assert np.allclose(ax.lines[0].get_ydata(), [1, 0.1])
    assert "1.01" in [tick.get_text() for tick in ax.get_yticklabels()]


def test_foolers_shows_ranks_in_percent():
    figure = plots.foolers({"wild": CHAINS, "wilder": 2 * CHAINS}, {"wild": (-5, 5)})
    assert figure.axes[0].get_ylim() == (-5, 5)
    for patch in figure.axes[1].patches:
        assert np.isclose(patch.get_data().values.sum(), 100)


def test_divergences_are_marked():
    bad = CHAINS[0] > CHAINS[0].max() - 1
    figure = labelled(plots.divergences(CHAINS[1], CHAINS[0], bad, (2, 0.75), ("x", "log sd")))
    crosses = next(line for line in figure.axes[0].lines if line.get_marker() == "X")
    assert len(crosses.get_xdata()) == bad.sum()
