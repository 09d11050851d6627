"""The slides' model of the Monte Carlo study, written for the samplers in three ways."""

from typing import Any

import numpy as np
import pandas as pd
import pymc as pm

from bhm_utils.priors import Priors, translate


def _variable(name: str, prior: Any) -> Any:
    distribution, parameters = translate(prior)
    return getattr(pm, distribution)(name, **parameters)


def _top(data: pd.DataFrame, priors: Priors) -> dict[str, Any]:
    """Everything above the groups, and the groups' predictor."""
    return {
        "alpha": pm.Flat("alpha"),
        "gamma_0": _variable("gamma_0", priors.common_prior("x")),
        "gamma_1": _variable("gamma_1", priors.common_prior("x:u")),
        "sigma_b": _variable("sigma_b", priors.group_sd),
        "sigma_y": _variable("sigma_y", priors.residual_sd),
        "u": data.groupby("g")["u"].first().to_numpy(),
    }


def as_on_the_slides(data: pd.DataFrame, priors: Priors) -> pm.Model:
    """Write eta ~ N(0, sigma_b), beta = gamma_0 + gamma_1 u + eta."""
    with pm.Model() as model:
        top = _top(data, priors)
        eta = pm.Normal("eta", 0, top["sigma_b"], shape=len(top["u"]))
        beta = top["gamma_0"] + top["gamma_1"] * top["u"] + eta
        mean = top["alpha"] + beta[pd.factorize(data["g"])[0]] * data["x"].to_numpy()
        pm.Normal("y", mean, top["sigma_y"], observed=data["y"].to_numpy())
    return model


def centred(data: pd.DataFrame, priors: Priors) -> pm.Model:
    """Write beta ~ N(gamma_0 + gamma_1 u, sigma_b)."""
    with pm.Model() as model:
        top = _top(data, priors)
        centre = top["gamma_0"] + top["gamma_1"] * top["u"]
        beta = pm.Normal("beta", centre, top["sigma_b"], shape=len(top["u"]))
        mean = top["alpha"] + beta[pd.factorize(data["g"])[0]] * data["x"].to_numpy()
        pm.Normal("y", mean, top["sigma_y"], observed=data["y"].to_numpy())
    return model


def on_group_sums(data: pd.DataFrame, priors: Priors) -> pm.Model:
    """Write the same, and the likelihood from sums within groups in place of rows."""
    sums = (
        data.assign(n=1.0, xx=data["x"] ** 2, xy=data["x"] * data["y"], yy=data["y"] ** 2)
        .groupby("g")[["n", "x", "xx", "y", "xy", "yy"]]
        .sum()
    )
    n, x, xx, y, xy, yy = sums.to_numpy().T
    with pm.Model() as model:
        top = _top(data, priors)
        centre = top["gamma_0"] + top["gamma_1"] * top["u"]
        a, b = top["alpha"], pm.Normal("beta", centre, top["sigma_b"], shape=len(top["u"]))
        squares = yy - 2 * a * y - 2 * b * xy + n * a**2 + 2 * a * b * x + b**2 * xx
        loglik = -squares.sum() / (2 * top["sigma_y"] ** 2) - n.sum() * np.log(top["sigma_y"])
        pm.Potential("y", loglik)
    return model
