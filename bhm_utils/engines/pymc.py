"""The posterior by PyMC, from the same formula and priors, correlation included."""

from __future__ import annotations

import time
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from ..likelihoods import Gaussian
from ..model import Design
from ..priors import Priors, pymc_variable
from .fits import BayesFit, gated_fit, sampler_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pymc as pm


def fit_pymc(
    formula: str,
    data: pd.DataFrame,
    *,
    priors: Priors,
    seed: int,
    centred: bool = False,
    likelihood: Gaussian | None = None,
    limits: Mapping[str, Any] | None = None,
    **sample: Any,
) -> BayesFit:
    """Sample the posterior with PyMC's NUTS.

    Parameters
    ----------
    formula, data
        As for `Design.from_formula`.
    priors : Priors
        The priors; with ``correlation_eta`` the varying effects are correlated.
    seed : int
        Seed of the sampler.
    centred : bool, default False
        How the sampler sees the varying effects, as `pymc_model` says; the posterior is the same.
    likelihood : Gaussian, optional
        How scores scatter: one of `bhm_utils.likelihoods`, `Gaussian()` by default.
    limits : mapping, optional
        Limits for `require_converged`, such as ``{"max_rhat": 1.02}``.
    **sample
        Passed to ``pymc.sample``: ``draws`` (2,000), ``tune`` (1,000), ``chains`` (4), ...

    Returns
    -------
    BayesFit

    Raises
    ------
    ConvergenceError
        If the chains have not converged.
    ValueError
        If the formula, the data and the priors do not fit together.
    """
    import pymc as pm

    design = Design.from_formula(formula, data)
    start = time.perf_counter()
    tree = pm.sample(
        model=pymc_model(design, priors, centred=centred, likelihood=likelihood),
        **sampler_settings(sample, seed),
    )
    return gated_fit("PyMC", design, priors, tree, time.perf_counter() - start, limits)


def pymc_model(
    design: Design,
    priors: Priors,
    *,
    centred: bool = False,
    likelihood: Gaussian | None = None,
) -> pm.Model:
    r"""Write the two-level model for PyMC.

    With the Cholesky factor :math:`L` of the covariance of the varying effects, effect i of group
    j is :math:`u_{ij} = \sum_{k \le i} L_{ik} z_{kj}` with standard normal :math:`z`. Both forms
    build it so, one effect after the other:

    - non-centred: :math:`z` is sampled and :math:`u` computed. It suits groups that say little.
    - centred: the group's own coefficient :math:`c_{ij} = b_i + u_{ij}` is sampled and :math:`z`
      computed. It suits groups that say much.

    Parameters
    ----------
    design : Design
        The model's matrices.
    priors : Priors
        The priors.
    centred : bool, default False
        Which of the two forms.
    likelihood : Gaussian, optional
        How scores scatter: one of `bhm_utils.likelihoods`, `Gaussian()` by default.

    Returns
    -------
    pymc.Model

    Raises
    ------
    ValueError
        If the priors name what the model does not have, or have no PyMC translation.
    """
    import pymc as pm
    import pytensor.tensor as pt

    priors.require_names_of(design)

    group = design.group
    with pm.Model(coords={group: design.labels.to_list()}) as model:
        b = [pymc_variable(name, priors.common_prior(name)) for name in design.common]
        sds = [
            pymc_variable(sd, priors.group_sd_prior(name))
            for sd, name in zip(design.group_sds, design.varying, strict=True)
        ]
        R = _correlation_factor(design, priors.correlation_eta)

        mean = sum(b[k] * design.X[:, k] for k in range(len(b)))
        z: list[Any] = []
        for i, (name, k) in enumerate(zip(design.varying, design.counterparts, strict=True)):
            shift = sum((sds[i] * R[i][m] * z[m] for m in range(i)), start=pt.zeros(()))
            spread = sds[i] * R[i][i]
            if centred:
                base = b[k] if k is not None else 0.0
                own = pm.Normal(f"{name}_own", base + shift, spread, dims=group)
                u = pm.Deterministic(name, own - base, dims=group)
                z.append((u - shift) / spread)
            else:
                z.append(pm.Normal(f"{name}_offset", 0, 1, dims=group))
                u = pm.Deterministic(name, shift + spread * z[i], dims=group)
            mean += u[design.codes] * design.Z[:, i]
        (likelihood or Gaussian()).observe(design, mean, priors)
    return model


def _correlation_factor(design: Design, eta: float | None) -> list[list[Any]]:
    r"""Build the Cholesky factor of a correlation matrix, LKJ(eta) or the identity.

    With partial correlations :math:`2 \beta - 1`, :math:`\beta \sim \mathrm{Beta}(a, a)` and
    :math:`a = \eta + (q - 2 - k) / 2` in column k = 0, 1, ..., the matrix is LKJ(eta). PyMC's own
    ``LKJCorr`` is the same distribution, but its graph takes 4 to 6 times as long to compile.
    """
    import pymc as pm
    import pytensor.tensor as pt

    q = len(design.effects)
    if eta is None:
        return np.eye(q).tolist()
    rows: list[list[Any]] = [[1.0]]
    for i in range(1, q):
        row: list[Any] = []
        left = pt.ones(())  # of the row's unit length
        for k in range(i):
            a = eta + (q - 2 - k) / 2
            pair = f"{design.effects[k]},{design.effects[i]}|{design.group}"
            partial = 2 * pm.Beta(f"{pair}_beta", a, a) - 1
            row.append(partial * pt.sqrt(left))
            left = left * (1 - partial**2)
        rows.append([*row, pt.sqrt(left)])
    for name, (first, second) in zip(design.correlations, combinations(rows, 2), strict=True):
        pm.Deterministic(name, sum(x * y for x, y in zip(first, second, strict=False)))
    return rows
