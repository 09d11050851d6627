"""One object for all the priors of a model, and its translation for Bambi and PyMC."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scipy.stats import halfcauchy

from .conjugate import Normal

if TYPE_CHECKING:
    from .model import Design

# What SciPy, PyMC and Bambi call the same distribution: SciPy's name, then a rule that turns its
# shape parameters, location and scale into the name and the parameters of the other two.
_TRANSLATIONS: Mapping[str, Callable[..., tuple[str, dict[str, float]]]] = {
    "halfnorm": lambda loc, scale: ("HalfNormal", {"sigma": scale}),
    "halfcauchy": lambda loc, scale: ("HalfCauchy", {"beta": scale}),
    "expon": lambda loc, scale: ("Exponential", {"lam": 1 / scale}),
    "gamma": lambda a, loc, scale: ("Gamma", {"alpha": a, "beta": 1 / scale}),
    "invgamma": lambda a, loc, scale: ("InverseGamma", {"alpha": a, "beta": scale}),
    "lognorm": lambda s, loc, scale: ("LogNormal", {"mu": math.log(scale), "sigma": s}),
    "uniform": lambda loc, scale: ("Uniform", {"lower": loc, "upper": loc + scale}),
}


@dataclass(frozen=True)
class Priors:
    r"""The priors of a two-level Gaussian model.

    Parameters
    ----------
    group_sd : scipy.stats frozen distribution, or mapping of str to such
        Prior of the standard deviation of each varying effect, in the units of the outcome per
        unit of its column. One distribution serves all effects; a mapping names them all, such as
        ``{"1|school": halfnorm(scale=30), "female|school": halfnorm(scale=10)}``.
    residual_sd : scipy.stats frozen distribution
        Prior of the residual standard deviation, in the units of the outcome.
    common : mapping of str to Normal, optional
        Priors of the common coefficients by name. A name that is missing, or None, is flat.
        ``Intercept`` is the expected outcome where every column is 0: nothing is centred.
    correlation_eta : float or None, default 1.0
        The :math:`\eta` of an LKJ prior, :math:`p(R) \propto |R|^{\eta - 1}`, on the correlation
        matrix of the varying effects; 1 is uniform. None makes the effects independent.

    Raises
    ------
    ValueError
        If an sd prior is no frozen continuous distribution on the positive line, a common prior is
        no `Normal`, or `correlation_eta` is not positive.

    References
    ----------
    Lewandowski, Kurowicka and Joe (2009), Journal of Multivariate Analysis 100, 1989-2001.
    """

    group_sd: Any
    residual_sd: Any
    common: Mapping[str, Normal | None] = field(default_factory=dict)
    correlation_eta: float | None = 1.0

    def __post_init__(self) -> None:
        for name, prior in self.common.items():
            if prior is not None and not isinstance(prior, Normal):
                raise ValueError(f"common[{name!r}] must be a Normal or None, got {prior!r}")
        if isinstance(self.group_sd, Mapping):
            for name, prior in self.group_sd.items():
                require_positive_line(f"group_sd[{name!r}]", prior)
        else:
            require_positive_line("group_sd", self.group_sd)
        require_positive_line("residual_sd", self.residual_sd)
        eta = self.correlation_eta
        if eta is not None and not (math.isfinite(eta) and eta > 0):
            raise ValueError(f"correlation_eta must be positive or None, got {eta!r}")
        # Copies, so that what was checked stays what it was.
        object.__setattr__(self, "common", dict(self.common))
        if isinstance(self.group_sd, Mapping):
            object.__setattr__(self, "group_sd", dict(self.group_sd))

    def common_prior(self, name: str) -> Normal:
        """Prior of the common coefficient `name`; the flat one if none was given."""
        return self.common.get(name) or Normal(0.0, math.inf)

    def group_sd_prior(self, name: str) -> Any:
        """Prior of the sd of the varying effect `name`, such as ``female|school``."""
        return self.group_sd[name] if isinstance(self.group_sd, Mapping) else self.group_sd

    def require_names_of(self, design: Design) -> None:
        """Refuse priors for coefficients or effects that `design` does not have.

        Raises
        ------
        ValueError
            If `common` or `group_sd` names what the design lacks, or a `group_sd` mapping leaves
            an effect of the design out.
        """
        unknown = sorted(set(self.common) - set(design.common))
        if unknown:
            raise ValueError(
                f"priors.common names {unknown}, but the model has {list(design.common)}"
            )
        if isinstance(self.group_sd, Mapping) and set(self.group_sd) != set(design.varying):
            raise ValueError(
                f"priors.group_sd names {sorted(self.group_sd)}, but the model has {design.varying}"
            )


def translate(prior: Any) -> tuple[str, dict[str, float]]:
    """Name and parameters of `prior` in PyMC and Bambi, which agree on both.

    Parameters
    ----------
    prior : Normal or scipy.stats frozen distribution

    Raises
    ------
    ValueError
        If the distribution has no translation here, or is shifted away from 0.
    """
    if isinstance(prior, Normal):
        if math.isinf(prior.sd):
            return "Flat", {}
        return "Normal", {"mu": prior.mean, "sigma": prior.sd}
    name = prior.dist.name
    if name not in _TRANSLATIONS:
        raise ValueError(f"prior {name!r} has no PyMC translation; known: {list(_TRANSLATIONS)}")
    shapes, loc, scale = prior.dist._parse_args(*prior.args, **prior.kwds)
    if loc != 0 and name != "uniform":
        raise ValueError(f"prior {name!r} must start at 0 for PyMC, got loc={loc!r}")
    translated, parameters = _TRANSLATIONS[name](*shapes, loc=loc, scale=scale)
    return translated, {key: float(value) for key, value in parameters.items()}


def pymc_variable(name: str, prior: Any) -> Any:
    """Add a variable with this prior to the PyMC model that is being written.

    Raises
    ------
    ValueError
        If `prior` has no translation, as `translate` says.
    """
    import pymc as pm

    distribution, parameters = translate(prior)
    return getattr(pm, distribution)(name, **parameters)


def require_positive_line(argument: str, prior: Any) -> None:
    """Refuse what is no prior of a standard deviation.

    Raises
    ------
    ValueError
        If `prior` is no frozen distribution, or reaches below 0.
    """
    if not (hasattr(prior, "dist") and hasattr(prior, "logpdf")):
        raise ValueError(
            f"{argument} must be a frozen scipy.stats distribution such as halfnorm(scale=10), "
            f"got {prior!r}"
        )
    lower, upper = prior.support()
    if not (lower >= 0 and upper > lower):
        raise ValueError(f"{argument} must live on the positive line, got support {lower, upper}")


def _slope_priors(mean: float, sd: float) -> Priors:
    gamma = Normal(mean, sd)
    scale = halfcauchy(scale=5)
    return Priors(group_sd=scale, residual_sd=scale, common={"x": gamma, "x:u": gamma})


# The slides' study: priors of gamma_0 and gamma_1; alpha is flat, both sds are half-Cauchy(5).
PRIOR_DESIGNS: Mapping[str, Priors] = {
    "good": _slope_priors(1, 1),
    "bad": _slope_priors(2, 1),
    "weak bad": _slope_priors(2, 3),
    "weak slightly bad": _slope_priors(1.2, 3),
    "flat": _slope_priors(0, math.inf),
}
