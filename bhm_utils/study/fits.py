"""Fit a block of replicates under one prior, exactly or by NUTS, and summarise each fit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from ..convergence import ConvergenceError, require_converged
from ..exact import exact_posterior
from ..simulate import SLOPE_FORMULA, Truth

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..priors import Priors

    Array = NDArray[np.float64]

PARAMETERS = list(Truth().parameters)
PROBABILITIES = [0.025, 0.05, 0.5, 0.95, 0.975]


@dataclass(frozen=True)
class Block:
    """Some replicates to be fitted under one prior.

    Attributes
    ----------
    data : pandas.DataFrame
        The design: columns x, u and g.
    outcomes : numpy.ndarray, shape (R, N)
        The outcomes of these replicates.
    replicates : sequence of int
        Their numbers.
    prior : str
        Name of the prior.
    priors : Priors
        The prior itself.
    seeds : sequence of int
        A seed for each replicate.
    """

    data: pd.DataFrame
    outcomes: Array
    replicates: Sequence[int]
    prior: str
    priors: Priors
    seeds: Sequence[int]


def fit_exact(block: Block) -> xr.Dataset:
    """Compute all posteriors of the block in one call."""
    start = time.perf_counter()
    posterior = exact_posterior(
        SLOPE_FORMULA, block.data, priors=block.priors, outcomes=block.outcomes
    )
    shape = (len(block.replicates), len(PARAMETERS))
    summary = posterior.summary()
    quantiles = [
        np.reshape(posterior.quantile(name, PROBABILITIES), (len(block.replicates), -1))
        for name in PARAMETERS
    ]
    seconds = (time.perf_counter() - start) / len(block.replicates)
    return dataset(
        block,
        mean=summary["mean"].to_numpy().reshape(shape),
        sd=summary["sd"].to_numpy().reshape(shape),
        quantile=np.stack(quantiles, axis=1),
        seconds=np.full(shape[0], seconds),
    )


@dataclass(frozen=True)
class Sampler:
    """Settings of NUTS for one fit of the study.

    Attributes
    ----------
    draws, tune, chains : int
        As for nutpie.
    tries : int
        How often a fit that has not converged is repeated, each time with twice the warm-up and
        smaller steps.
    """

    draws: int = 1000
    tune: int = 500
    chains: int = 4
    tries: int = 3


def fit_nuts(block: Block, sampler: Sampler) -> xr.Dataset:
    """Sample the posteriors of the block one by one; each is gated.

    A fit that does not pass is repeated with more warm-up; one that never passes is kept, and
    ``failed`` says so.
    """
    keys = ["mean", "sd", "quantile", "mcse", "ess", "rhat", "seconds", "tries", "failed"]
    found: dict[str, list[Any]] = {key: [] for key in keys}
    coordinates, prior = Coordinates.of(block.data), prior_data(block.priors)
    model = compiled(len(coordinates.u))
    for y, seed in zip(block.outcomes, block.seeds, strict=True):
        start = time.perf_counter()
        posterior = model.with_data(**coordinates.data(y), **prior)
        for attempt in range(sampler.tries):
            draws = sample(posterior, sampler, seed, attempt)
            try:
                require_converged(draws)
            except ConvergenceError:
                continue
            break
        else:
            attempt = sampler.tries
        seconds = time.perf_counter() - start
        for key, value in summarise(draws).items():
            found[key].append(value)
        found["seconds"].append(seconds)
        found["tries"].append(min(attempt + 1, sampler.tries))
        found["failed"].append(attempt == sampler.tries)
    return dataset(block, **{key: np.asarray(values) for key, values in found.items()})


def sample(model: Any, sampler: Sampler, seed: int, attempt: int) -> xr.DataTree:
    """Run nutpie on one replicate."""
    import nutpie

    tree: xr.DataTree = nutpie.sample(
        model,
        draws=sampler.draws,
        tune=sampler.tune * 2**attempt,
        chains=sampler.chains,
        cores=1,
        seed=seed + attempt,
        target_accept=[0.8, 0.95, 0.99][min(attempt, 2)],
        progress_bar=False,
        save_warmup=False,
    )
    posterior = tree["posterior"].dataset[[*PARAMETERS]]
    return xr.DataTree.from_dict(
        {"posterior": posterior, "sample_stats": tree["sample_stats"].dataset[["diverging"]]}
    )


@cache
def compiled(groups: int) -> Any:
    r"""Compile the model of `groups` groups once; data and priors are swapped later.

    The intercept and the groups' slopes are sampled as :math:`z` with
    :math:`(\alpha, \beta) = m + K z`, in which the likelihood is
    :math:`\mathcal{N}(z; 0, \sigma^2 I)`: groups of these sizes say much about their slope, and
    predictors far from 0 tie slopes and intercept together. :math:`(\gamma_0, \gamma_1)` are
    sampled as :math:`G g`, so that the columns that they multiply are orthogonal. Both maps are
    linear, their Jacobians constant.
    """
    import nutpie
    import pymc as pm

    p = groups + 1
    shapes = {"m": (p,), "K": (p, p), "G": (2, 2), "u": (groups,)}
    with pm.Model() as model:
        d = {name: pm.Data(name, np.ones(shape)) for name, shape in shapes.items()}
        for name in ["rows", "residual_squares", "gamma_mean", "gamma_precision", "scale"]:
            d[name] = pm.Data(name, 1.0)
        z, g = pm.Flat("z", shape=p), pm.Flat("g", shape=2)
        coefficients = d["m"] + (d["K"] * z).sum(axis=1)
        gammas = (d["G"] * g).sum(axis=1)
        pm.Deterministic("Intercept", coefficients[0])
        for k, name in enumerate(["x", "x:u"]):
            pm.Deterministic(name, gammas[k])
        away = gammas - d["gamma_mean"]
        pm.Potential("prior", -0.5 * d["gamma_precision"] * (away**2).sum())
        sd = pm.HalfCauchy("x|g_sigma", d["scale"])
        sigma = pm.HalfCauchy("sigma", d["scale"])
        eta = coefficients[1:] - gammas[0] - gammas[1] * d["u"]
        pm.Potential("slopes", -groups * pm.math.log(sd) - 0.5 * (eta**2).sum() / sd**2)
        squares = d["residual_squares"] + (z**2).sum()
        pm.Potential("y", -d["rows"] * pm.math.log(sigma) - 0.5 * squares / sigma**2)
    return nutpie.compile_pymc_model(model)


@dataclass(frozen=True)
class Coordinates:
    """What the model of `compiled` needs of a design, by least squares.

    Attributes
    ----------
    X, Q, R : numpy.ndarray
        Intercept and the groups' slopes as columns (N, J + 1), and their QR decomposition.
    G : numpy.ndarray, shape (2, 2)
        Makes the columns 1 and u orthonormal.
    u : numpy.ndarray, shape (J,)
        The groups' predictor.
    """

    X: Array
    Q: Array
    R: Array
    G: Array
    u: Array

    @classmethod
    def of(cls, data: pd.DataFrame) -> Coordinates:
        """Decompose the design with columns x, u and g."""
        x, codes = data["x"].to_numpy(), pd.factorize(data["g"], sort=True)[0]
        X = np.zeros((len(x), codes.max() + 2))
        X[:, 0] = 1.0
        X[np.arange(len(x)), codes + 1] = x
        u = data.groupby("g")["u"].first().to_numpy()
        G = np.linalg.inv(np.linalg.qr(np.column_stack([np.ones_like(u), u]))[1])
        return cls(X, *np.linalg.qr(X), G, u)

    def data(self, y: Array) -> dict[str, Array]:
        """Fit one outcome; the likelihood is normal around this fit."""
        m = np.linalg.solve(self.R, self.Q.T @ y)
        return {
            "m": m,
            "K": np.linalg.inv(self.R),
            "G": self.G,
            "u": self.u,
            "rows": np.asarray(float(len(y))),
            "residual_squares": np.asarray(((y - self.X @ m) ** 2).sum()),
        }


def prior_data(priors: Priors) -> dict[str, Array]:
    """Write the priors of the study as numbers; a flat one has precision 0.

    Raises
    ------
    ValueError
        If the priors are not of the study's form.
    """
    gamma, scale = priors.common_prior("x"), priors.residual_sd
    of_form = (
        priors.common_prior("x:u") == gamma
        and priors.common_prior("Intercept").precision == 0
        and all(sd.dist.name == "halfcauchy" for sd in (priors.group_sd, scale))
        and priors.group_sd.kwds == scale.kwds
        and set(scale.kwds) == {"scale"}
        and not (scale.args or priors.group_sd.args)
    )
    if not of_form:
        raise ValueError(
            "priors must have one Normal for x and x:u, a flat intercept and one "
            f"halfcauchy(scale=) for both sds where the engine is 'nuts', got {priors!r}"
        )
    values = [gamma.mean, gamma.precision, scale.kwds["scale"]]
    names = ["gamma_mean", "gamma_precision", "scale"]
    return {name: np.asarray(float(v)) for name, v in zip(names, values, strict=True)}


def summarise(draws: xr.DataTree) -> dict[str, Any]:
    """Moments, quantiles and diagnostics of every parameter, in the order of `PARAMETERS`."""
    import arviz as az

    posterior = draws["posterior"].dataset
    values = np.stack([posterior[name].to_numpy() for name in PARAMETERS])  # (p, chain, draw)
    flat = values.reshape(len(PARAMETERS), -1)
    diagnostics = {
        "mcse": az.mcse(posterior),
        "ess": az.ess(posterior),
        "rhat": az.rhat(posterior),
    }
    return {
        "mean": flat.mean(axis=1),
        "sd": flat.std(axis=1, ddof=1),
        "quantile": np.quantile(flat, PROBABILITIES, axis=1).T,
    } | {key: [float(d[name]) for name in PARAMETERS] for key, d in diagnostics.items()}


def dataset(block: Block, **values: Array) -> xr.Dataset:
    """Arrange the results of a block."""
    dims = ["prior", "replicate", "parameter", "probability"]
    return xr.Dataset(
        {name: (dims[: 1 + array.ndim], array[None]) for name, array in values.items()},
        coords={
            "prior": [block.prior],
            "replicate": list(block.replicates),
            "parameter": PARAMETERS,
            "probability": PROBABILITIES,
        },
    )
