"""Draw the picture of each part for the front page, from the course's own data.

python tools/pictures.py [FOLDER]
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import scipy.stats as st

from bhm_utils import GaussianWalk, Normal, Priors, exact_posterior, load_gcse, metropolis_hastings
from bhm_utils.plots.style import PALETTE, use_style

FOLDER = Path(__file__).parents[1] / "book" / "pictures"
COLOURS = ["prior", "likelihood", "ML", "Bayes"]  # of four chains
# No date and no random names: the same picture is the same file.
PLAIN = {"svg.hashsalt": "bhm", "svg.fonttype": "none", "path.simplify_threshold": 0.5}


def canvas():
    """Make a small figure without axes: these pictures are seen at a glance."""
    figure, ax = plt.subplots(figsize=(3.2, 1.6))
    ax.set_axis_off()
    return figure, ax


def schools(gcse):
    """Exact posterior of each school's mean, by a model of intercepts alone: lowest first."""
    priors = Priors(group_sd=st.halfnorm(scale=30), residual_sd=st.halfnorm(scale=30))
    posterior = exact_posterior("course ~ 1 + (1 | school)", gcse, priors=priors)
    means = posterior.group_effects().droplevel("effect").sort_values("total_mean")
    return posterior.summary().loc["Intercept", "mean"], means


def thinking(gcse):
    """Part I: prior, likelihood and posterior of one school's mean."""
    figure, ax = canvas()
    scores = gcse.loc[gcse["school"] == "71927", "course"].to_numpy()
    prior = Normal(74, 9)
    curves = {
        "prior": (prior, ":"),
        "likelihood": (Normal(scores.mean(), 14 / len(scores) ** 0.5), "--"),
        "posterior": (prior.update(scores, noise_sd=14), "-"),
    }
    grid = np.linspace(45, 100, 120)
    for name, (curve, line) in curves.items():
        density = st.norm.pdf(grid, curve.mean, curve.sd)
        ax.plot(grid, density, line, color=PALETTE[name], lw=2)
    ax.fill_between(grid, density, color=PALETTE["posterior"], alpha=0.2, lw=0)
    return figure


def hierarchy(gcse):
    """Part II: every fourth school's mean, pulled towards the mean of all."""
    figure, ax = canvas()
    centre, pooled = schools(gcse)
    pooled = pooled["total_mean"].iloc[::4]
    own = gcse.groupby("school", observed=True)["course"].mean()[pooled.index]
    ax.plot([0, 1], [own, pooled], color=PALETTE["boys"], lw=1)
    ax.plot(np.zeros(len(own)), own, "o", color=PALETTE["ML"], ms=4)
    ax.plot(np.ones(len(own)), pooled, "s", color=PALETTE["Bayes"], ms=4)
    ax.axhline(centre, color=PALETTE["truth"], lw=1, ls=":")
    return figure


def study(gcse):
    """Part III: four chains that start far apart and meet."""
    figure, ax = canvas()
    starts = np.array([[-9.0], [-4.0], [5.0], [10.0]])
    chains = metropolis_hastings(
        lambda x: st.norm.logpdf(x[:, 0]),
        GaussianWalk(0.8),
        starts,
        120,
        rng=np.random.default_rng(3),
    )
    for chain, name in zip(chains.posterior["x"], COLOURS, strict=True):
        ax.plot(chain[:, 0], color=PALETTE[name], lw=1)
    return figure


def application(gcse):
    """Part IV: 73 schools in order, each with its 95% interval."""
    figure, ax = canvas()
    centre, means = schools(gcse)
    mean, half = means["total_mean"].to_numpy(), 1.96 * means["total_sd"].to_numpy()
    ax.vlines(np.arange(len(mean)), mean - half, mean + half, color=PALETTE["Bayes"], lw=1)
    ax.plot(mean, "o", color=PALETTE["truth"], ms=1.8)
    ax.axhline(centre, color=PALETTE["truth"], lw=1, ls=":")
    return figure


PICTURES = {
    "part1": thinking,
    "part2": hierarchy,
    "part3": study,
    "part4": application,
}


def main(folder):
    """Write one SVG a part."""
    use_style()
    gcse = load_gcse(outcome="course")
    with plt.rc_context(PLAIN):
        for name, draw in PICTURES.items():
            figure = draw(gcse)
            figure.savefig(folder / f"{name}.svg", metadata={"Date": None}, transparent=True)
            plt.close(figure)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
