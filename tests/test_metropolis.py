"""The sampler against closed forms, within Monte Carlo error, and against its own faults."""

from functools import partial

import arviz as az
import numpy as np
import pytest
import scipy.stats as st
from numpy.testing import assert_allclose, assert_array_equal

from bhm_utils import (
    AdaptiveWalk,
    GaussianWalk,
    LogNormalWalk,
    Normal,
    metropolis_hastings,
    progress,
    require_converged,
)

COVARIANCE = np.array([[1.0, 1.6], [1.6, 4.0]])  # sds 1 and 2, correlation 0.8
PRECISION = np.linalg.inv(COVARIANCE)


def correlated(x):
    return -0.5 * ((x @ PRECISION) * x).sum(axis=1)


def standard_normal(x):
    return -0.5 * (x**2).sum(axis=1)


def student_t(x):
    return -3 * np.log1p(x[:, 0] ** 2 / 5)


def gamma(x, shape=3):
    """Zero outside the positive line, without a logarithm of what is not there."""
    inside = x[:, 0] > 0
    x = np.where(inside, x[:, 0], 1.0)
    return np.where(inside, (shape - 1) * np.log(x) - x, -np.inf)


exponential = partial(gamma, shape=1)


def sample(log_target, proposal, d=1, draws=8000, seed=1, start=1.0, **kwargs):
    rng = np.random.default_rng(seed)
    return metropolis_hastings(
        log_target, proposal, np.full((4, d), start), draws, warmup=500, rng=rng, **kwargs
    )


# Known targets


def worst_z(draws, truth):
    """Largest error of mean, sd and five quantiles, in Monte Carlo standard errors."""
    errors = [
        (draws.mean() - truth.mean()) / az.mcse(draws, method="mean"),
        (draws.std() - truth.std()) / az.mcse(draws, method="sd"),
    ]
    for prob in [0.05, 0.25, 0.5, 0.75, 0.95]:
        error = np.quantile(draws, prob) - truth.ppf(prob)
        errors.append(error / az.mcse(draws, method="quantile", prob=prob))
    return np.abs(errors).max()


STEP = 1.6 * np.linalg.cholesky(COVARIANCE)


@pytest.mark.parametrize(
    "walk", [GaussianWalk(1.0), GaussianWalk([1.0, 2.0]), GaussianWalk(STEP), AdaptiveWalk(0.1)]
)
def test_correlated_normal(walk):
    tree = require_converged(sample(correlated, walk, d=2))
    x = tree.posterior["x"].values
    assert worst_z(x[..., 0], st.norm(0, 1)) < 4
    assert worst_z(x[..., 1], st.norm(0, 2)) < 4
    assert worst_z(x[..., 1] - x[..., 0], st.norm(0, np.sqrt(1.8))) < 4  # 1 + 4 - 2 x 1.6
    wrong = st.norm(0, np.sqrt(5))  # without the correlation
    assert worst_z(x[..., 1] - x[..., 0], wrong) > 10


@pytest.mark.parametrize(
    ("log_target", "walk", "truth"),
    [
        (student_t, GaussianWalk(3.0), st.t(5)),
        (student_t, AdaptiveWalk(), st.t(5)),
        (exponential, GaussianWalk(2.0), st.expon()),
        (exponential, LogNormalWalk(1.5), st.expon()),
        (gamma, GaussianWalk(4.0), st.gamma(3)),
        (gamma, LogNormalWalk(1.5), st.gamma(3)),
    ],
)
def test_heavy_tails_and_a_bounded_support(log_target, walk, truth):
    x = require_converged(sample(log_target, walk, draws=20_000)).posterior["x"].values[..., 0]
    assert worst_z(x, truth) < 4
    assert worst_z(1.1 * x, truth) > 6


def test_log_normal_walk_needs_its_ratio():
    walk = LogNormalWalk(1.5)

    def without_ratio(x, rng):
        return walk(x, rng)[0], 0.0

    wrong = sample(gamma, without_ratio).posterior["x"].values[..., 0]
    assert worst_z(wrong, st.gamma(3)) > 10
    assert worst_z(wrong, st.gamma(2)) < 4  # what it samples instead: the density over x


def test_log_normal_walk_is_a_gaussian_walk_of_the_logarithms():
    """Several dimensions: the same chain as on the log scale with the Jacobian in the target."""
    target = st.lognorm(0.5)

    def log_target(x):
        return target.logpdf(x).sum(axis=1)

    walk = partial(sample, d=2, draws=300)
    multiplicative = walk(log_target, LogNormalWalk([0.5, 1.0]))
    additive = walk(
        lambda z: log_target(np.exp(z)) + z.sum(axis=1), GaussianWalk([0.5, 1.0]), start=0.0
    )
    assert_allclose(np.log(multiplicative.posterior["x"]), additive.posterior["x"], atol=1e-10)


# Detailed balance on three states

PI = np.array([0.2, 0.3, 0.5])
Q = np.array([[0.1, 0.6, 0.3], [0.2, 0.2, 0.6], [0.7, 0.2, 0.1]])  # row: from, not symmetric


def transition_matrix(ratio):
    """Write the Metropolis-Hastings kernel out: what is not accepted stays."""
    K = Q * np.minimum(PI / PI[:, None] * ratio, 1)
    return K + np.diag(1 - K.sum(axis=1))


def on_three_states(x, rng):
    here = x[:, 0].astype(int)
    there = (rng.random(len(x))[:, None] > Q.cumsum(axis=1)[here]).sum(axis=1)
    return there[:, None], np.log(Q[there, here] / Q[here, there])


def test_detailed_balance_by_matrix():
    flow = PI[:, None] * transition_matrix(Q.T / Q)
    assert_allclose(flow, flow.T, atol=1e-15)
    assert_allclose(flow.sum(axis=0), PI)
    unbalanced = PI[:, None] * transition_matrix(1)
    assert np.abs(unbalanced - unbalanced.T).max() > 0.05
    assert np.abs(unbalanced.sum(axis=0) - PI).max() > 0.03


def test_the_sampler_moves_as_the_matrix_says():
    tree = metropolis_hastings(
        lambda x: np.log(PI[x[:, 0].astype(int)]),
        on_three_states,
        np.zeros((1000, 1)),
        200,
        rng=np.random.default_rng(3),
    )
    path = tree.posterior["x"].values[..., 0].astype(int)
    counts = np.zeros((3, 3))
    np.add.at(counts, (path[:, :-1], path[:, 1:]), 1)
    visits = counts.sum(axis=1, keepdims=True)

    def z(K):
        return np.abs((counts / visits - K) / np.sqrt(K * (1 - K) / visits)).max()

    assert z(transition_matrix(Q.T / Q)) < 4
    assert z(transition_matrix(1)) > 10


# Calibration

SETS, SIZE, PRIOR, NOISE = 1000, 3, Normal(1.0, 1.5), 2.0


def uniformity(factor=1.0, prior_mean=PRIOR.mean):
    """P-value of the ranks of the truths among the draws; one chain for each data set."""
    rng = np.random.default_rng(5)
    truth = rng.normal(PRIOR.mean, PRIOR.sd, SETS)
    y = rng.normal(truth[:, None], NOISE, (SETS, SIZE))

    def log_target(mu):
        log_likelihood = -0.5 * (((y - mu) / NOISE) ** 2).sum(axis=1)
        log_prior = -0.5 * ((mu[:, 0] - prior_mean) / PRIOR.sd) ** 2
        return factor * log_likelihood + log_prior

    start = rng.normal(PRIOR.mean, PRIOR.sd, (SETS, 1))
    tree = metropolis_hastings(log_target, GaussianWalk(2.4), start, 99 * 20, warmup=200, rng=rng)
    nearly_independent = tree.posterior["x"].values[:, ::20, 0]
    ranks = (nearly_independent < truth[:, None]).sum(axis=1)  # 0 to 99
    assert len(ranks) == SETS
    return st.chisquare(np.bincount(ranks // 5, minlength=20)).pvalue


def test_simulation_based_calibration():
    assert uniformity() > 1e-3


@pytest.mark.parametrize("wrong", [{"factor": 2.0}, {"prior_mean": 0.0}])
def test_calibration_sees_a_wrong_target(wrong):
    """It would not see one without data or without prior, whose ranks are uniform as well."""
    assert uniformity(**wrong) < 1e-4


# What is kept


def test_what_is_kept_belongs_together():
    tree = sample(correlated, GaussianWalk(1.0), d=2, draws=200)
    x = tree.posterior["x"]
    assert x.dims == ("chain", "draw", "dimension")
    assert x.shape == (4, 200, 2)
    stats = tree.sample_stats
    assert stats["accepted"].dtype == bool
    assert_allclose(stats["lp"], [correlated(chain) for chain in x.values])
    moved = (np.diff(x, axis=1) != 0).all(axis=-1)
    assert_array_equal(moved, stats["accepted"][:, 1:])
    assert moved.any() and not moved.all()


def test_reproducible_by_seed_and_free_of_the_length_of_the_run():
    walk = GaussianWalk(1.0)

    def run(draws, warmup, seed=1):
        rng = np.random.default_rng(seed)
        start = np.zeros((3, 1))
        tree = metropolis_hastings(standard_normal, walk, start, draws, warmup=warmup, rng=rng)
        return tree.posterior["x"].values

    full = run(300, 0)
    assert_array_equal(run(300, 0), full)
    assert_array_equal(run(100, 0), full[:, :100])
    assert_array_equal(run(100, 150), full[:, 150:250])
    assert not np.allclose(run(300, 0, seed=2), full)
    assert np.abs(np.corrcoef(run(5000, 0)[..., 0])[np.triu_indices(3, 1)]).max() < 0.1


def test_chains_do_not_see_each_other():
    """A chain whose target is elsewhere leaves the others as they were."""

    def apart(x, centre):
        return -0.5 * ((x - centre) ** 2).sum(axis=1)

    run = partial(sample, proposal=GaussianWalk(1.0), draws=200)
    alike = run(partial(apart, centre=0.0))
    last_moved = run(partial(apart, centre=np.array([[0.0], [0.0], [0.0], [9.0]])))
    one, other = alike.posterior["x"].values, last_moved.posterior["x"].values
    assert_array_equal(one[:3], other[:3])
    assert not np.allclose(one[3], other[3])


# The adaptive walk


class Witness:
    """An adaptive walk that writes down which walk took each step."""

    def __init__(self, walk, steps):
        self.walk, self.steps = walk, steps

    def __call__(self, x, rng):
        self.steps.append(self.walk)
        return self.walk(x, rng)

    def adapted(self, x, acceptance, step):
        return Witness(self.walk.adapted(x, acceptance, step), self.steps)


@pytest.mark.parametrize("scale", [0.01, 1.0, 50.0])
@pytest.mark.parametrize(("d", "aim"), [(1, 0.44), (2, 0.337), (10, 0.2546)])
def test_adaptive_walk_reaches_its_acceptance(d, aim, scale):
    tree = metropolis_hastings(
        standard_normal,
        AdaptiveWalk(scale),
        np.zeros((8, d)),
        2000,
        warmup=2000,
        rng=np.random.default_rng(2),
    )
    assert abs(float(tree.sample_stats["accepted"].mean()) - aim) < 0.05


def test_adaptive_walk_aims_where_it_is_told():
    tree = sample(correlated, AdaptiveWalk(acceptance=0.6), d=2)
    assert abs(float(tree.sample_stats["accepted"].mean()) - 0.6) < 0.05


def test_adaptive_walk_learns_the_directions_and_then_is_frozen():
    stiff = np.array([[1.0, 99.9], [99.9, 10_000.0]])  # sds 1 and 100, correlation 0.999
    precision = np.linalg.inv(stiff)

    def log_target(x):
        return -0.5 * ((x @ precision) * x).sum(axis=1)

    def run(walk):
        rng, start = np.random.default_rng(4), np.zeros((4, 2))
        return metropolis_hastings(log_target, walk, start, 2000, warmup=3000, rng=rng)

    first, steps = AdaptiveWalk(1.0), []
    adaptive = run(Witness(first, steps))
    assert steps[0] is first and first.scale == 1.0  # what the caller holds is as it was
    assert len({id(walk) for walk in steps[:3001]}) == 3001
    assert len({id(walk) for walk in steps[3000:]}) == 1 and len(steps) == 5000

    learned = steps[-1].scale @ steps[-1].scale.T
    assert_allclose(learned[0, 1] / np.sqrt(learned[0, 0] * learned[1, 1]), 0.999, atol=5e-4)
    assert_allclose(np.sqrt(learned[1, 1] / learned[0, 0]), 100, rtol=0.1)
    ess = [az.ess(tree)["x"].values.min() for tree in (adaptive, run(GaussianWalk(1.0)))]
    assert ess[0] > 20 * ess[1]


def test_one_acceptance_too_high_widens_the_walk_and_one_too_low_narrows_it():
    x = np.zeros((4, 1))
    walk = AdaptiveWalk(1.0)
    wide, narrow = (walk.adapted(x, np.full(4, p), 0).scale.item() for p in (1.0, 0.0))
    assert_allclose(np.log(wide / narrow), 1)  # the gain of the first step is 1


# Progress


def test_progress_is_silent_when_short_or_unwanted(monkeypatch, capsys):
    monkeypatch.setenv("FORCE_COLOR", "1")  # a terminal, for rich
    monkeypatch.setenv("BHM_UTILS_PROGRESS", "1")
    assert list(progress.steps(3, "Walking")) == [0, 1, 2]
    assert capsys.readouterr().out == ""
    assert list(progress.steps(3, "Walking", patience=0)) == [0, 1, 2]
    assert "Walking" in capsys.readouterr().out
    monkeypatch.setenv("BHM_UTILS_PROGRESS", "0")
    assert list(progress.steps(3, "Walking", patience=0)) == [0, 1, 2]
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


# Bad input


def outside(x):
    return np.where(x[:, 0] > 0, 0.0, -np.inf)


def half_way(value):
    """A target that is good at the start and `value` elsewhere."""
    return lambda x: np.where(x[:, 0] == 1, 0.0, value)


def answer(candidate=None, log_ratio=0.0):
    def proposal(x, rng):
        return (x + 1 if candidate is None else candidate), log_ratio

    return proposal


def in_place(x, rng):
    x += 1
    return x, 0.0


def move_argument(x):
    x -= 1
    return standard_normal(x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"draws": 0}, "draws must be an integer of at least 1, got 0"),
        ({"draws": 2.5}, "draws must be an integer of at least 1, got 2.5"),
        ({"warmup": -1}, "warmup must be an integer of at least 0, got -1"),
        ({"initial": np.zeros((0, 1))}, r"initial must have shape \(chains, d\), got \(0, 1\)"),
        ({"initial": np.zeros((2, 0))}, r"initial must have shape \(chains, d\), got \(2, 0\)"),
        ({"initial": [1.0]}, r"initial must have shape \(chains, d\), got \(1,\)"),
        ({"initial": [[1.0], [np.nan]]}, r"initial must be finite, got \[\[1.0\], \[nan\]\]"),
        (
            {"log_target": outside, "initial": [[1.0], [-3.0]]},
            r"initial must be inside the support, got \[-3.\] where log_target is -inf",
        ),
        ({"log_target": half_way(np.nan)}, r"log_target must be below infinity, got nan at \["),
        ({"log_target": half_way(np.inf)}, r"log_target must be below infinity, got inf at \["),
        (
            {"log_target": lambda x: np.full(len(x), np.nan)},
            r"log_target must be below infinity, got nan at \[1.\]",
        ),
        ({"log_target": lambda x: -(x**2)}, r"log_target must return shape \(2,\), got \(2, 1\)"),
        ({"log_target": lambda x: 0.0}, r"log_target must return shape \(2,\), got \(\)"),
        (
            {"proposal": answer(np.zeros(2))},
            r"proposal must return candidates of shape \(2, 1\), got \(2,\)",
        ),
        (
            {"proposal": answer(np.array([[0.0], [np.nan]]))},
            r"proposal must return finite candidates, got \[nan\]",
        ),
        (
            {"proposal": answer(log_ratio=np.zeros((2, 1)))},
            r"proposal must return a log ratio of shape \(2,\) or \(\), got \(2, 1\)",
        ),
        ({"proposal": answer(log_ratio=np.nan)}, "a log ratio below infinity, got array.nan"),
        ({"proposal": answer(log_ratio=np.inf)}, "a log ratio below infinity, got array.inf"),
        ({"proposal": in_place}, "read-only"),
        ({"log_target": move_argument}, "read-only"),
        (
            {"proposal": LogNormalWalk(1.0), "initial": [[1.0], [-1.0]]},
            "x must be positive for a LogNormalWalk, got",
        ),
        (
            {"proposal": GaussianWalk([1.0, 2.0])},
            r"scale must be for 1 dimensions, got shape \(2,\)",
        ),
    ],
)
def test_bad_input_is_named(change, message):
    good = {
        "log_target": standard_normal,
        "proposal": GaussianWalk(1.0),
        "initial": np.ones((2, 1)),
        "draws": 5,
        "rng": np.random.default_rng(0),
    }
    metropolis_hastings(**good)
    with pytest.raises(ValueError, match=message):
        metropolis_hastings(**good | change)


@pytest.mark.parametrize("walk", [GaussianWalk, LogNormalWalk, AdaptiveWalk])
@pytest.mark.parametrize(
    ("scale", "message"),
    [
        (0.0, "scale must be positive and finite, got 0.0"),
        (np.nan, "scale must be positive and finite, got nan"),
        ([1.0, -1.0], r"scale must be positive and finite, got \[1.0, -1.0\]"),
        ([[1.0, 0.0], [np.inf, 1.0]], "scale must be positive and finite, got"),
        ([], r"scale must have shape \(\), \(d,\) or \(d, d\), got \(0,\)"),
        (np.ones((2, 3)), r"scale must have shape \(\), \(d,\) or \(d, d\), got \(2, 3\)"),
        (COVARIANCE, "scale must be a lower Cholesky factor if it is a matrix, got"),
    ],
)
def test_bad_scales_are_named(walk, scale, message):
    with pytest.raises(ValueError, match=message):
        walk(scale)


@pytest.mark.parametrize("walk", [GaussianWalk, LogNormalWalk, AdaptiveWalk])
def test_a_walk_stays_what_it_was_checked_to_be(walk):
    sds = np.array([1.0, 2.0])
    made = walk(sds)
    sds[0] = -1
    assert made.scale.tolist() == [1, 2]
    with pytest.raises(ValueError, match="read-only"):
        made.scale[0] = -1


def test_bad_acceptance_is_named():
    with pytest.raises(ValueError, match="acceptance must be between 0 and 1, got 1"):
        AdaptiveWalk(acceptance=1)
