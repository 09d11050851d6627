"""Run a study: blocks of replicates, in parallel, each on disk as soon as it is done."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import xarray as xr

from ..priors import PRIOR_DESIGNS, Priors
from ..progress import steps
from ..simulate import SlopeDesign, Truth
from .designs import STUDY_DESIGNS
from .fits import Block, Sampler, fit_exact, fit_nuts
from .store import Store

BLOCK = {"exact": 100, "nuts": 20}  # replicates in a block


def run_study(
    design: SlopeDesign | str,
    *,
    priors: Mapping[str, Priors] | None = None,
    truth: Truth | None = None,
    replicates: int = 300,
    part: range | None = None,
    engine: str = "exact",
    seed: int = 500,
    jobs: int = 1,
    folder: str | os.PathLike[str] | None = None,
    sampler: Sampler | None = None,
) -> xr.Dataset:
    """Fit every replicate of a design under every prior.

    The predictors are drawn once, the outcomes anew for each replicate; all priors see the same
    outcomes. The result does not depend on `jobs`, nor on how often a run was interrupted.

    Parameters
    ----------
    design : SlopeDesign or str
        The design, or the name of one of `STUDY_DESIGNS`.
    priors : mapping of str to Priors, optional
        Priors by name; `PRIOR_DESIGNS` by default.
    truth : Truth, optional
        What the data are simulated with; the defaults of `Truth`.
    replicates : int, default 300
        How many outcomes.
    part : range, optional
        Fit these replicates only, of all that are simulated; they come out as in the whole study.
    engine : {"exact", "nuts"}
        How to fit.
    seed : int, default 500
        Seed of the data, and of the sampler.
    jobs : int, default 1
        Processes that work at the same time. Inside ``joblib.parallel_config`` its backend is
        used, such as a cluster's.
    folder : path, optional
        Where finished blocks are kept. The same call resumes there.
    sampler : Sampler, optional
        Settings of NUTS.

    Returns
    -------
    xarray.Dataset
        ``mean`` and ``sd`` (prior, replicate, parameter), ``quantile`` (..., probability) and
        ``seconds`` (prior, replicate); from NUTS also ``mcse``, ``ess``, ``rhat``, ``tries`` and
        ``failed``. Attributes hold the truth, the seed and the versions.

    Raises
    ------
    ValueError
        If a name is unknown, a number out of range, or `folder` holds another study.
    """
    if isinstance(design, str):
        if design not in STUDY_DESIGNS:
            raise ValueError(f"design must be one of {list(STUDY_DESIGNS)}, got {design!r}")
        design = STUDY_DESIGNS[design]
    if engine not in BLOCK:
        raise ValueError(f"engine must be one of {list(BLOCK)}, got {engine!r}")
    priors = PRIOR_DESIGNS if priors is None else priors
    if not priors:
        raise ValueError("priors must name at least one prior, got none")
    truth, sampler = truth or Truth(), sampler or Sampler()
    simulation = design.simulate(truth, replicates=replicates, rng=np.random.default_rng(seed))
    part = range(replicates) if part is None else part
    if not len(part) or part.step != 1 or part.start < 0 or part.stop > replicates:
        raise ValueError(f"part must be some of the {replicates} replicates in a row, got {part!r}")
    description = {
        "design": asdict(design),
        "truth": asdict(truth),
        "priors": {name: describe(prior) for name, prior in priors.items()},
        "replicates": replicates,
        "engine": engine,
        "seed": seed,
        "sampler": asdict(sampler) if engine == "nuts" else {},
    }
    if len(part) < replicates:
        description["part"] = repr(part)
    store = Store(folder, description)

    blocks = {}
    for k, (name, prior) in enumerate(priors.items()):
        seeds = np.random.SeedSequence([seed, k]).generate_state(replicates) // 2
        for start in part[:: BLOCK[engine]]:
            some = range(start, min(start + BLOCK[engine], part.stop))
            blocks[f"{k}-{start:05d}"] = Block(
                data=simulation.data,
                outcomes=simulation.outcomes[some],
                replicates=some,
                prior=name,
                priors=prior,
                seeds=seeds[some].tolist(),
            )
    todo = {key: block for key, block in blocks.items() if not store.has(key)}
    found = {key: store.read(key) for key in blocks if key not in todo}
    found |= compute(todo, engine, sampler, store, jobs)
    by_prior = [
        xr.concat([found[key] for key, block in blocks.items() if block.prior == name], "replicate")
        for name in priors
    ]
    return xr.concat(by_prior, "prior").assign_attrs(store.attributes())


def compute(
    todo: Mapping[str, Block], engine: str, sampler: Sampler, store: Store, jobs: int
) -> dict[str, xr.Dataset]:
    """Fit the blocks, several at a time, and keep each as soon as it arrives."""
    from joblib import Parallel, delayed

    arriving = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(fit)(key, block, engine, sampler) for key, block in todo.items()
    )
    found = {}
    for _, (key, fits) in zip(steps(len(todo), f"{engine}, blocks"), arriving, strict=True):
        store.write(key, fits)
        found[key] = fits
    return found


def fit(key: str, block: Block, engine: str, sampler: Sampler) -> tuple[str, xr.Dataset]:
    """Fit one block, in whatever process."""
    return key, fit_exact(block) if engine == "exact" else fit_nuts(block, sampler)


def describe(prior: Priors) -> dict[str, Any]:
    """Write priors in plain words and numbers, to tell one study from another."""

    def distribution(sd: Any) -> str:
        return f"{sd.dist.name}{sd.args}{sorted(sd.kwds.items())}"

    group = prior.group_sd
    return {
        "common": {name: repr(normal) for name, normal in prior.common.items()},
        "group_sd": {k: distribution(v) for k, v in group.items()}
        if isinstance(group, Mapping)
        else distribution(group),
        "residual_sd": distribution(prior.residual_sd),
        "correlation_eta": prior.correlation_eta,
    }
