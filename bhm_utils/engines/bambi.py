"""The posterior by Bambi, which writes the PyMC model from the formula by itself."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ..model import INTERCEPT, Design
from ..priors import Priors, translate
from .fits import BayesFit, gated_fit, sampler_settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd


def fit_bambi(
    formula: str,
    data: pd.DataFrame,
    *,
    priors: Priors,
    seed: int,
    limits: Mapping[str, Any] | None = None,
    **sample: Any,
) -> BayesFit:
    """Sample the posterior with Bambi.

    Bambi has no correlated varying effects, so a model with several takes
    ``correlation_eta=None``. It takes numeric columns as they are: a category, a transformed
    column or a product that varies must be made in the data frame first, because Bambi 0.21 sets up
    a wrong model for the last and names the first in its own way. Its habit of centring the
    predictors, which would change what the prior of the intercept means, is switched off.

    Parameters
    ----------
    formula, data
        As for `Design.from_formula`, with numeric columns only; a common effect may be a product.
    priors : Priors
        The priors; ``correlation_eta`` must be None if there are several varying effects.
    seed : int
        Seed of the sampler.
    limits : mapping, optional
        Limits for `require_converged`, such as ``{"max_rhat": 1.02}``.
    **sample
        Passed to the sampler: ``draws`` (2,000), ``tune`` (1,000), ``chains`` (4), ...

    Returns
    -------
    BayesFit

    Raises
    ------
    ConvergenceError
        If the chains have not converged.
    ValueError
        If the formula, the data and the priors do not fit together, or Bambi cannot express them.
    """
    design = Design.from_formula(formula, data)
    priors.require_names_of(design)
    factors = [f for name in design.common for f in name.split(":")]
    unfit = sorted({*factors, *design.effects} - {INTERCEPT, "1", *data.columns})
    if unfit:
        raise ValueError(f"Bambi takes numeric columns of data only; make these columns: {unfit}")
    if len(design.effects) > 1 and priors.correlation_eta is not None:
        raise ValueError(
            "Bambi has no correlated varying effects: priors.correlation_eta must be None for "
            f"{design.varying}, got {priors.correlation_eta!r}"
        )
    import bambi as bmb

    def prior(source: Any) -> bmb.Prior:
        name, parameters = translate(source)
        return bmb.Prior(name, **parameters)

    model_priors = {name: prior(priors.common_prior(name)) for name in design.common}
    model_priors |= {
        name: bmb.Prior("Normal", mu=0, sigma=prior(priors.group_sd_prior(name)))
        for name in design.varying
    }
    model_priors["sigma"] = prior(priors.residual_sd)
    start = time.perf_counter()
    if design.effects:  # so that Bambi orders the groups as we do
        data = data.assign(**{design.group: data[design.group].astype(str)})
    model = bmb.Model(formula, data, priors=model_priors, center_predictors=False)
    tree = model.fit(inference_method="nutpie", **sampler_settings(sample, seed))
    seconds = time.perf_counter() - start
    if design.effects:
        posterior = tree["posterior"].dataset.rename({f"{design.group}__factor_dim": design.group})
        tree["posterior"] = posterior.sel({design.group: design.labels.to_list()})
    return gated_fit("Bambi", design, priors, tree, seconds, limits)
