"""The posterior by Stan, for the one model that the course writes in Stan's own language."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..files import shipped
from ..model import INTERCEPT, Design
from ..priors import Priors, translate
from ..progress import watched
from .fits import BayesFit, gated_fit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

HALF_CAUCHY = ("HalfCauchy", {"beta": 5.0})
NEEDS_PYSTAN = (
    "fit_stan needs PyStan: pip install bhm-utils[stan]. PyStan needs Python 3.12, Linux or macOS, "
    "and a C++ compiler; all other engines do without."
)


def fit_stan(
    formula: str,
    data: pd.DataFrame,
    *,
    priors: Priors,
    seed: int,
    limits: Mapping[str, Any] | None = None,
    **sample: Any,
) -> BayesFit:
    """Sample the posterior of a varying slope with Stan.

    The program is `stan/varying_slope.stan`, and it is one model: `SLOPE_FORMULA`, with any names
    of its columns. The first call ever compiles it, which takes half a minute; PyStan keeps the
    result in the user's cache, and what was drawn from it, so that the same call with the same
    seed is answered from there.

    Parameters
    ----------
    formula, data
        As for `Design.from_formula`, of the form ``"y ~ x + x:u + (0 + x | g)"``. The column ``u``
        has one value a group.
    priors : Priors
        As in `PRIOR_DESIGNS`: flat for the intercept, one normal or flat prior for the two other
        coefficients, half-Cauchy(5) for both standard deviations.
    seed : int
        Seed of the sampler.
    limits : mapping, optional
        Limits for `require_converged`, such as ``{"max_rhat": 1.02}``.
    **sample
        ``draws`` (2,000), ``tune`` (1,000) and ``chains`` (4); anything else, such as
        ``delta=0.95``, is passed to PyStan.

    Returns
    -------
    BayesFit

    Raises
    ------
    ConvergenceError
        If the chains have not converged.
    ImportError
        If PyStan is not installed.
    ValueError
        If the formula, the data and the priors do not fit together, or the program cannot
        express them.
    """
    settings = {"draws": 2000, "tune": 1000, "chains": 4} | sample
    if settings.pop("save_warmup", False):
        raise ValueError("save_warmup must be False: draws of the warm-up are no draws")
    design = Design.from_formula(formula, data)
    start = time.perf_counter()
    program = stan_program(formula, data, priors=priors, seed=seed)
    draws = in_own_thread(
        program.sample,
        num_samples=settings.pop("draws"),
        num_warmup=settings.pop("tune"),
        num_chains=settings.pop("chains"),
        **settings,
    )
    return gated_fit(
        "Stan", design, priors, _tree(design, draws), time.perf_counter() - start, limits
    )


def stan_program(formula: str, data: pd.DataFrame, *, priors: Priors, seed: int) -> Any:
    """Compile the program, once, and join it to data.

    Parameters
    ----------
    formula, data, priors, seed
        As for `fit_stan`.

    Returns
    -------
    stan.model.Model
        Call its methods through `in_own_thread`.

    Raises
    ------
    ImportError
        If PyStan is not installed.
    ValueError
        If the program cannot express the model.
    """
    block = stan_data(formula, data, priors=priors)
    stan = _pystan()
    code = program_code()
    with _alone():
        return in_own_thread(stan.build, code, data=block, random_seed=seed)


def stan_data(formula: str, data: pd.DataFrame, *, priors: Priors) -> dict[str, Any]:
    """Fill the data block of the program.

    Parameters
    ----------
    formula, data, priors
        As for `fit_stan`.

    Raises
    ------
    ValueError
        If the program cannot express the model.
    """
    design = Design.from_formula(formula, data)
    priors.require_names_of(design)
    gamma = _prior_of_gamma(design, priors)
    flat = gamma.precision == 0
    return {
        "N": len(design.y),
        "J": len(design.labels),
        "g": (design.codes + 1).tolist(),
        "x": design.Z[:, 0].tolist(),
        "y": design.y.tolist(),
        "u": _group_predictor(design, data).tolist(),
        "flat": int(flat),
        "prior_mean": 0.0 if flat else float(gamma.mean),
        "prior_sd": 1.0 if flat else float(gamma.sd),
    }


def program_code() -> str:
    """Text of the program.

    Raises
    ------
    FileNotFoundError
        If it is in none of the places where it belongs.
    """
    return shipped("stan/varying_slope.stan").read_text()


def in_own_thread(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Call a function of PyStan so that it works in a notebook, and leaves nothing behind.

    PyStan starts an event loop, which is not allowed where one runs already, as in a notebook:
    in a thread of its own it is. It is one thread for all calls, because a compiled program works
    only in the thread that loaded it. PyStan also leaves a folder of compiled files in the working
    directory, and writes its progress to the process's own output. Here it works in a temporary
    directory, and says nothing if the environment variable BHM_UTILS_PROGRESS is 0.

    Parameters
    ----------
    function : callable
        Such as ``program.log_prob``.
    *args, **kwargs
        What to call it with.

    Returns
    -------
    object
        What the function returns.
    """
    quiet = contextlib.nullcontext() if watched() else _silence()
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        quiet,
        warnings.catch_warnings(),
    ):
        # All are about how PyStan is written: old calls, processes forked beside threads.
        warnings.simplefilter("ignore")
        return _thread().submit(function, *args, **kwargs).result()


@cache
def _thread() -> ThreadPoolExecutor:
    """Keep the one thread that PyStan works in."""
    return ThreadPoolExecutor(1, thread_name_prefix="stan")


def _pystan() -> Any:
    """Import PyStan, or say how to get it."""
    with warnings.catch_warnings():
        # Of packages that PyStan needs, when Python compiles them for the first time.
        warnings.simplefilter("ignore")
        try:
            stan = import_module("stan")
        except ImportError as error:
            raise ImportError(NEEDS_PYSTAN) from error
    if not hasattr(stan, "build"):  # a clone's folder stan/ passes for an empty package
        raise ImportError(NEEDS_PYSTAN)
    return stan


def compiler_message(code: str) -> str:
    """Ask Stan's compiler about a program; nothing is built.

    Parameters
    ----------
    code : str
        A program in Stan's language.

    Returns
    -------
    str
        What the compiler does not understand, with the place; empty if it has no objection.

    Raises
    ------
    ImportError
        If PyStan is not installed.
    """
    _pystan()
    try:
        in_own_thread(import_module("httpstan.compile").compile, code, "program")
    except ValueError as error:
        return re.sub(r"'[^']*program\.stan'", "the program", str(error))
    return ""


def _prior_of_gamma(design: Design, priors: Priors) -> Any:
    """Find the one prior of both coefficients; refuse what the program does not say."""
    x = design.effects[0] if len(design.effects) == 1 else None
    if x is None or design.common[:2] != (INTERCEPT, x) or len(design.common) != 3:
        raise ValueError(
            f"formula must be of the form 'y ~ x + x:u + (0 + x | g)' for Stan, got "
            f"{design.formula!r}"
        )
    intercept, first, second = (priors.common_prior(name) for name in design.common)
    if intercept.precision != 0:
        raise ValueError(f"priors.common[{INTERCEPT!r}] must be flat for Stan, got {intercept!r}")
    if first != second:
        raise ValueError(
            f"priors.common must be one prior for {design.common[1:]} for Stan, got "
            f"{first!r} and {second!r}"
        )
    sds = {"group_sd": priors.group_sd_prior(design.varying[0]), "residual_sd": priors.residual_sd}
    for argument, prior in sds.items():
        if translate(prior) != HALF_CAUCHY:
            raise ValueError(
                f"priors.{argument} must be halfcauchy(scale=5) for Stan, got {translate(prior)}"
            )
    return first


def _group_predictor(design: Design, data: pd.DataFrame) -> NDArray[np.float64]:
    """One value of u a group, from the column that the third coefficient names."""
    x, product = design.common[1:]
    u = product.removeprefix(f"{x}:")
    if u == product or u not in data.columns:
        raise ValueError(f"formula must have a product {x}:u with a column u, got {product!r}")
    by_group = data[u].groupby(design.codes)
    if (by_group.nunique() > 1).any():
        raise ValueError(f"data must have one value of {u!r} a group of {design.group!r}")
    values: NDArray[np.float64] = by_group.first().to_numpy(dtype=float)
    return values


def _tree(design: Design, draws: Any) -> xr.DataTree:
    """Put draws under Bambi's names, chains first."""
    import arviz as az

    def chains_first(name: str) -> NDArray[np.float64]:
        flat = draws[name]  # the chains alternate along the last axis
        by_chain = flat.reshape(*flat.shape[:-1], -1, draws.num_chains)
        return np.moveaxis(by_chain, [-1, -2], [0, 1])

    (varying,) = design.varying
    names = ["alpha", "gamma_0", "gamma_1", "sigma_b", "sigma_y"]
    posterior = {
        theirs: chains_first(ours)[..., 0]
        for ours, theirs in zip(names, design.parameters, strict=True)
    }
    tree: xr.DataTree = az.from_dict(
        {
            "posterior": posterior | {varying: chains_first("eta")},
            "sample_stats": {"diverging": chains_first("divergent__")[..., 0] > 0},
        },
        coords={design.group: design.labels.to_list()},
        dims={varying: [design.group]},
    )
    return tree


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    """Let one process at a time compile into PyStan's cache, which all of them share."""
    import fcntl

    folder = import_module("httpstan.cache").cache_directory()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "bhm_utils.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """Send both outputs of Python, and of the process under it, to nowhere."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        kept = [os.dup(1), os.dup(2)]
        try:
            for descriptor in (1, 2):
                os.dup2(nowhere.fileno(), descriptor)
            yield
        finally:
            for descriptor, saved in zip((1, 2), kept, strict=True):
                os.dup2(saved, descriptor)
                os.close(saved)
