"""Maximum likelihood with statsmodels' MixedLM."""

from __future__ import annotations

import math
import time
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ..convergence import ConvergenceError
from ..gaussian import Conditional, condition, conditional_effects
from ..model import Design
from ..tables import summary_columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

# A maximum is accepted if a Newton step from it would move no parameter by more than this many
# standard errors.
MAX_STEP = 1e-3


@dataclass(frozen=True)
class MLFit:
    """A maximum likelihood (or REML) fit that has been checked to be a maximum.

    Attributes
    ----------
    engine : str
        ``"ML"`` or ``"REML"``.
    design : Design
        The model's matrices.
    result : statsmodels MixedLMResults
        What statsmodels returned, for everything that is not here.
    seconds : float
        Wall time of statsmodels' fit.
    variances, free_sds
        The estimated standard deviations and correlations, and the standard errors of their logs
        and atanhs.
    given : Conditional
        Coefficients and varying effects given these.
    """

    engine: str
    design: Design
    result: Any
    seconds: float
    variances: _Variances = field(repr=False)
    free_sds: NDArray[np.float64] = field(repr=False)
    given: Conditional = field(repr=False)

    @property
    def loglik(self) -> float:
        """The maximised log-likelihood, the restricted one for REML."""
        return self.given.reml_loglik if self.engine == "REML" else self.given.loglik

    def summary(self, ci_prob: float = 0.95) -> pd.DataFrame:
        r"""Estimates, standard errors and Wald intervals.

        The standard errors of the common coefficients are those of generalised least squares,
        :math:`(X^\top V^{-1} X)^{-1}`, as lme4 has them. Those of the standard deviations and
        correlations come from the curvature of the log-likelihood in log sd and atanh
        correlation, by the delta method; their intervals are computed on that scale. They are NaN
        for an estimate on the boundary, of which the fit has warned.

        Returns
        -------
        pandas.DataFrame
            Columns ``mean`` (the estimate), ``sd`` (its standard error) and the interval's bounds,
            named as ArviZ names those of a posterior, so that all engines' tables have one form.

        Raises
        ------
        ValueError
            If `ci_prob` is not between 0 and 1.
        """
        columns = summary_columns(ci_prob)
        from scipy.stats import norm

        b, b_sd = self.given.b, np.sqrt(np.diag(self.given.b_cov))
        v, q = self.variances, self.variances.q
        z = norm.ppf(0.5 + ci_prob / 2)
        lower, upper = (
            np.concatenate(
                [b + s * b_sd, _Variances.from_free(v.free + s * self.free_sds, q).natural]
            )
            for s in (-z, z)
        )
        mean = np.concatenate([b, v.natural])
        sd = np.concatenate([b_sd, v.slope * self.free_sds])
        return pd.DataFrame(
            np.column_stack([mean, sd, lower, upper]),
            index=self.design.parameters,
            columns=columns,
        )

    def group_effects(self) -> pd.DataFrame:
        """Conditional modes (BLUPs) of each group's effects and of their totals.

        Returns
        -------
        pandas.DataFrame
            Index (group, effect). ``mean`` and ``sd`` are of the deviation u_j, ``total_mean`` and
            ``total_sd`` of the deviation plus the common coefficient that it varies. The sds
            include the uncertainty in the common coefficients and leave out that in the standard
            deviations, which maximum likelihood takes as known.
        """
        return conditional_effects(self.design, self.given)


def fit_ml(formula: str, data: pd.DataFrame, *, reml: bool = False, **fit: Any) -> MLFit:
    r"""Fit a two-level Gaussian model by maximum likelihood.

    Parameters
    ----------
    formula : str
        Such as ``"course ~ female + (1 + female | school)"``; the varying effects of one factor
        are correlated.
    data : pandas.DataFrame
        One row an observation.
    reml : bool, default False
        Maximise the restricted likelihood, in which the common coefficients are integrated out.
    **fit
        Passed to statsmodels' ``MixedLM.fit``, such as ``method="powell"``. Without it BFGS is
        tried (``gtol`` 1e-6, as statsmodels' own leaves an error in the sixth digit), then
        L-BFGS, conjugate gradients and Powell's method; the first that reaches a maximum counts.

    Returns
    -------
    MLFit

    Raises
    ------
    ConvergenceError
        If statsmodels says that it has not converged, or says so wrongly: the log-likelihood is
        not finite, or a Newton step would still move the estimates.
    ValueError
        If the formula and the data do not fit together, as `Design.from_formula` says.
    """
    design = Design.from_formula(formula, data)
    if not design.effects:
        raise ValueError(f"formula must have varying effects for MixedLM, got {formula!r}")
    attempts: list[dict[str, Any]] = (
        [fit]
        if fit
        else [{"gtol": 1e-6}, {"method": "lbfgs"}, {"method": "cg"}, {"method": "powell"}]
    )
    for attempt in attempts:
        try:
            return _fit_once(design, reml, attempt)
        except ConvergenceError as error:
            failure = error
    raise failure


def _fit_once(design: Design, reml: bool, fit: Mapping[str, Any]) -> MLFit:
    """Run one optimiser of MixedLM, and check what it returns."""
    from statsmodels.regression.mixed_linear_model import MixedLM

    engine = "REML" if reml else "ML"
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is checked below
        try:
            result = MixedLM(design.y, design.X, groups=design.codes, exog_re=design.Z).fit(
                reml=reml, **fit
            )
        except np.linalg.LinAlgError as error:
            raise ConvergenceError(f"MixedLM ({engine}) failed: {error}") from error
    seconds = time.perf_counter() - start
    if not (result.converged and np.isfinite(result.llf) and result.scale > 0):
        raise ConvergenceError(
            f"MixedLM ({engine}) has not converged on {design.formula!r}: "
            f"log-likelihood {result.llf}"
        )
    variances = _Variances.from_covariance(result.cov_re, math.sqrt(result.scale))
    if variances.on_boundary(design):
        _require_best_of_neighbours(engine, design, variances)
        warnings.warn(
            f"{engine} estimate on the boundary (an sd of 0 or a correlation of 1): no standard "
            f"errors for {design.parameters[len(design.common) :]}",
            stacklevel=3,
        )
        free_sds = np.full_like(variances.natural, np.nan)
    else:
        free_sds = _free_sds(engine, design, variances)
    return MLFit(
        engine=engine,
        design=design,
        result=result,
        seconds=seconds,
        variances=variances,
        free_sds=free_sds,
        given=condition(design, variances.natural[-1], result.cov_re),
    )


@dataclass(frozen=True)
class _Variances:
    """Standard deviations (q,), correlations and residual sd in one vector, and the same freed.

    The free form is log sd, atanh correlation, log residual sd: unbounded, so that derivatives
    and Wald intervals make sense.
    """

    natural: NDArray[np.float64]
    q: int

    @classmethod
    def from_covariance(cls, covariance: NDArray[np.float64], sigma: float) -> _Variances:
        sds = np.sqrt(np.clip(np.diag(covariance), 0, None))
        scale = np.outer(sds, sds)
        pairs = np.triu_indices(len(sds), k=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            correlations = np.clip(np.nan_to_num((covariance / scale)[pairs]), -1, 1)
        return cls(np.concatenate([sds, correlations, [sigma]]), len(sds))

    @classmethod
    def from_free(cls, free: NDArray[np.float64], q: int) -> _Variances:
        return cls(np.concatenate([np.exp(free[:q]), np.tanh(free[q:-1]), np.exp(free[-1:])]), q)

    @property
    def free(self) -> NDArray[np.float64]:
        v = self.natural
        with np.errstate(divide="ignore"):  # an estimate on the boundary is infinitely far
            return np.concatenate([np.log(v[: self.q]), np.arctanh(v[self.q : -1]), np.log(v[-1:])])

    @property
    def slope(self) -> NDArray[np.float64]:
        """Derivative of the natural by the free form."""
        v = self.natural
        return np.concatenate([v[: self.q], 1 - v[self.q : -1] ** 2, v[-1:]])

    @property
    def covariance(self) -> NDArray[np.float64]:
        sds = self.natural[: self.q]
        correlation = np.eye(self.q)
        pairs = np.triu_indices(self.q, k=1)
        correlation[pairs] = correlation.T[pairs] = self.natural[self.q : -1]
        return correlation * np.outer(sds, sds)

    def on_boundary(self, design: Design) -> bool:
        spread = self.natural[: self.q] * np.sqrt(np.mean(design.Z**2, axis=0))
        correlations = self.natural[self.q : -1]
        tiny = 1e-3 * self.natural[-1]
        return bool((spread < tiny).any() or (np.abs(correlations) > 0.999).any())


def _loglik(engine: str, design: Design, at: _Variances) -> float:
    given = condition(design, at.natural[-1], at.covariance)
    return given.reml_loglik if engine == "REML" else given.loglik


def _require_best_of_neighbours(engine: str, design: Design, at: _Variances) -> None:
    """Refuse an estimate on the boundary if one a few per cent away is better."""
    best = _loglik(engine, design, at)
    for k in range(len(at.natural)):
        for factor in (0.95, 1.05):
            moved = at.natural.copy()
            moved[k] *= factor
            moved[at.q : -1] = np.clip(moved[at.q : -1], -1, 1)
            if _loglik(engine, design, _Variances(moved, at.q)) > best + 1e-3:
                raise ConvergenceError(
                    f"MixedLM ({engine}) stopped on the boundary, but moving "
                    f"{design.parameters[len(design.common) + k]} would be better"
                )


def _free_sds(engine: str, design: Design, at: _Variances) -> NDArray[np.float64]:
    """Compute standard errors of the free variances; refuse a point that is no maximum."""
    from statsmodels.tools.numdiff import approx_fprime, approx_hess

    def loglik(free: NDArray[np.float64]) -> float:
        return _loglik(engine, design, _Variances.from_free(free, at.q))

    information = -np.atleast_2d(approx_hess(at.free, loglik))
    if np.linalg.eigvalsh(information).min() <= 0:
        raise ConvergenceError(f"MixedLM ({engine}) stopped where the log-likelihood is no maximum")
    covariance = np.linalg.inv(information)
    sds: NDArray[np.float64] = np.sqrt(np.diag(covariance))
    steps = np.abs(covariance @ approx_fprime(at.free, loglik, centered=True)) / sds
    if steps.max() > MAX_STEP:
        raise ConvergenceError(
            f"MixedLM ({engine}) stopped short of the maximum: a Newton step would still move "
            f"{design.parameters[len(design.common) + steps.argmax()]} by {steps.max():.3f} "
            f"standard errors, at most {MAX_STEP} allowed"
        )
    return sds
