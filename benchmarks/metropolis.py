"""Draws per second of random-walk samplers, on a normal target in two dimensions.

A draw is one state of one chain or walker, whether or not it depends on the one before. Each number
is the median of five runs on one core, after one run that is not timed: PyMC compiles in that one.
A run is the whole call, results included, with no progress bar, no tuning and no warm-up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import emcee
import numpy as np
import pymc as pm

from bhm_utils import GaussianWalk, metropolis_hastings

from .measure import median_seconds, rounded

if TYPE_CHECKING:
    from collections.abc import Callable

COVARIANCE = np.array([[1.0, 0.8], [0.8, 1.0]])
PRECISION = np.linalg.inv(COVARIANCE)


def log_target(x: np.ndarray) -> np.ndarray:
    """Log density of many states (chains, 2) at once."""
    return -0.5 * ((x @ PRECISION) * x).sum(axis=1)


def log_target_of_one(x: np.ndarray) -> float:
    """Log density of one state (2,)."""
    return -0.5 * x @ PRECISION @ x


def ours(chains: int) -> Callable[[int], Any]:
    """Run ours, with an isotropic walk, which is what PyMC has."""
    rng = np.random.default_rng(1)
    start = rng.normal(size=(chains, 2))
    return lambda steps: metropolis_hastings(log_target, GaussianWalk(1.0), start, steps, rng=rng)


def emcees(chains: int, vectorize: bool) -> Callable[[int], Any]:
    """Run the affine-invariant ensemble sampler of emcee."""
    start = np.random.default_rng(1).normal(size=(chains, 2))
    density = log_target if vectorize else log_target_of_one

    def run(steps: int) -> None:
        emcee.EnsembleSampler(chains, 2, density, vectorize=vectorize).run_mcmc(start, steps)

    return run


def pymcs(chains: int) -> Callable[[int], Any]:
    """Run PyMC's Metropolis; the step function is compiled once."""
    model = pm.Model()
    with model:
        pm.MvNormal("x", np.zeros(2), COVARIANCE)
        step = pm.Metropolis()
    return lambda steps: pm.sample(
        steps,
        tune=0,
        chains=chains,
        cores=1,
        step=step,
        model=model,
        random_seed=1,
        quiet=True,
        progressbar=False,
        compute_convergence_checks=False,
    )


def metropolis() -> list[dict[str, Any]]:
    """Time every engine: one row each."""
    entries = [
        ("bhm_utils", 4, 20_000, ours(4)),
        ("emcee, vectorize=True", 4, 4_000, emcees(4, True)),
        ("emcee", 4, 4_000, emcees(4, False)),
        ("pymc.Metropolis", 4, 20_000, pymcs(4)),
        ("bhm_utils", 100, 20_000, ours(100)),
        ("emcee, vectorize=True", 100, 2_000, emcees(100, True)),
        ("emcee", 100, 500, emcees(100, False)),
    ]
    found = []
    for engine, chains, steps, run in entries:
        seconds = median_seconds(lambda run=run, steps=steps: run(steps), 5)
        found.append(
            {
                "engine": engine,
                "chains or walkers": chains,
                "draws per second": rounded(chains * steps / seconds),
            }
        )
    return found
