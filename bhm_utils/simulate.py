r"""Data from a model with a slope for each group and a predictor of that slope.

.. math::
    y_{ij} & = \alpha + \beta_j x_{ij} + \varepsilon_{ij},
    \quad \varepsilon_{ij} \sim \mathcal{N}(0, \sigma_y^2) \\
    \beta_j & = \gamma_0 + \gamma_1 u_j + \eta_j,
    \quad \eta_j \sim \mathcal{N}(0, \sigma_b^2)

As a formula this is `SLOPE_FORMULA`: ``Intercept`` is :math:`\alpha`, ``x`` is :math:`\gamma_0`,
``x:u`` is :math:`\gamma_1`, ``x|g_sigma`` is :math:`\sigma_b` and ``sigma`` is :math:`\sigma_y`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SLOPE_FORMULA = "y ~ x + x:u + (0 + x | g)"


@dataclass(frozen=True)
class Truth:
    r"""The parameters that data are simulated with.

    Parameters
    ----------
    alpha, gamma_0, gamma_1 : float
        Intercept, and intercept and slope of the groups' slopes.
    slope_sd, residual_sd : float
        Standard deviations :math:`\sigma_b` of eta and :math:`\sigma_y` of epsilon, at least 0.

    Raises
    ------
    ValueError
        If a number is not finite, or a standard deviation is negative.
    """

    alpha: float = 0.0
    gamma_0: float = 1.0
    gamma_1: float = 1.0
    slope_sd: float = 1.0
    residual_sd: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not math.isfinite(value) or (name.endswith("_sd") and value < 0):
                kind = "finite and at least 0" if name.endswith("_sd") else "finite"
                raise ValueError(f"{name} must be {kind}, got {value!r}")

    @property
    def parameters(self) -> dict[str, float]:
        """The truth under the names that summaries of `SLOPE_FORMULA` have."""
        return {
            "Intercept": self.alpha,
            "x": self.gamma_0,
            "x:u": self.gamma_1,
            "x|g_sigma": self.slope_sd,
            "sigma": self.residual_sd,
        }


@dataclass(frozen=True)
class Simulation:
    """Replicates of one design.

    Attributes
    ----------
    data : pandas.DataFrame
        Columns ``y`` (the first replicate), ``x``, ``u`` and ``g``; one row an individual.
    outcomes : numpy.ndarray, shape (replicates, N)
        The outcome of every replicate, on the rows of `data`.
    slopes : numpy.ndarray, shape (replicates, groups)
        The groups' true slopes.
    truth : Truth
        What they were simulated with.
    """

    data: pd.DataFrame
    outcomes: NDArray[np.float64]
    slopes: NDArray[np.float64]
    truth: Truth


@dataclass(frozen=True)
class SlopeDesign:
    """How many groups and individuals there are, and where their predictors come from.

    Parameters
    ----------
    groups, group_size : int
        Number of groups J, at least 2, and of individuals in each, at least 1.
    x, u : tuple of float
        Mean and standard deviation of the normal distributions of the individuals' and of the
        groups' predictor.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    groups: int
    group_size: int
    x: tuple[float, float]
    u: tuple[float, float]

    def __post_init__(self) -> None:
        for name, least in [("groups", 2), ("group_size", 1)]:
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)!r}")
        for name in ["x", "u"]:
            mean, sd = getattr(self, name)
            if not (math.isfinite(mean) and math.isfinite(sd) and sd > 0):
                raise ValueError(f"{name} must be a mean and a positive sd, got {mean, sd}")

    def simulate(
        self, truth: Truth, *, replicates: int = 1, rng: np.random.Generator
    ) -> Simulation:
        """Draw x and u once, and eta and epsilon anew for every replicate.

        Raises
        ------
        ValueError
            If `replicates` is less than 1.
        """
        if replicates < 1:
            raise ValueError(f"replicates must be at least 1, got {replicates!r}")
        codes = np.repeat(np.arange(self.groups), self.group_size)
        x = rng.normal(*self.x, size=len(codes))
        u = rng.normal(*self.u, size=self.groups)
        eta = rng.normal(0, truth.slope_sd, size=(replicates, self.groups))
        slopes = truth.gamma_0 + truth.gamma_1 * u + eta
        noise = rng.normal(0, truth.residual_sd, size=(replicates, len(codes)))
        outcomes = truth.alpha + slopes[:, codes] * x + noise
        labels = _labels(range(self.groups))
        data = pd.DataFrame({"y": outcomes[0], "x": x, "u": u[codes], "g": labels[codes]})
        return Simulation(data, outcomes, slopes, truth)


def _labels(numbers: range) -> pd.Index:
    """Write numbers so that they sort as text, too."""
    return pd.Index([f"{number:0{len(str(numbers[-1]))}d}" for number in numbers])


# The two processes of the slides' study. In the first the predictors are far from 0, so that
# gamma_0 and gamma_1 can hardly be told apart; the second is centred.
def dgp_1(groups: int, group_size: int) -> SlopeDesign:
    """Predictors from N(5, 0.3^2): not centred."""
    return SlopeDesign(groups, group_size, x=(5, 0.3), u=(5, 0.3))


def dgp_2(groups: int, group_size: int) -> SlopeDesign:
    """Predictors from N(0, 3^2): centred."""
    return SlopeDesign(groups, group_size, x=(0, 3), u=(0, 3))


# A small school system: an intercept and a slope for each school, and a predictor of both.
SCHOOL_FORMULA = "score ~ income * teachers + (1 + income | school)"


@dataclass(frozen=True)
class SchoolTruth:
    r"""The parameters that `simulate_schools` works with.

    .. math::
        y_i & = \alpha_{j[i]} + \beta_{j[i]} x_i + \varepsilon_i \\
        \begin{pmatrix} \alpha_j \\ \beta_j \end{pmatrix}
        & = \gamma_0 + \gamma u_j + \eta_j \\
        \eta_j & \sim \mathcal{N}(0, \Sigma), \quad \varepsilon_i \sim \mathcal{N}(0, \sigma_y^2)

    Parameters
    ----------
    constant : tuple of float
        :math:`\gamma_0`: mean intercept (points) and mean slope where u is 0.
    per_teacher : tuple of float
        :math:`\gamma`: what one unit of u adds to the intercept and to the slope.
    effect_sds : tuple of float
        Standard deviations of the two entries of :math:`\eta_j`, at least 0.
    correlation : float, default 0.0
        Their correlation, between -1 and 1.
    residual_sd : float
        :math:`\sigma_y`, in points, at least 0.

    Raises
    ------
    ValueError
        If a number is not finite or out of its range.
    """

    constant: tuple[float, float] = (60.0, 4.0)
    per_teacher: tuple[float, float] = (3.0, -1.5)
    effect_sds: tuple[float, float] = (5.0, 2.0)
    correlation: float = 0.0
    residual_sd: float = 10.0

    def __post_init__(self) -> None:
        for name in ["constant", "per_teacher"]:
            if not all(math.isfinite(value) for value in getattr(self, name)):
                raise ValueError(f"{name} must be finite, got {getattr(self, name)!r}")
        for name, values in [("effect_sds", self.effect_sds), ("residual_sd", (self.residual_sd,))]:
            if not all(math.isfinite(value) and value >= 0 for value in values):
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)!r}")
        if not -1 <= self.correlation <= 1:
            raise ValueError(f"correlation must be between -1 and 1, got {self.correlation!r}")

    @property
    def parameters(self) -> dict[str, float]:
        """The truth under the names that summaries of `SCHOOL_FORMULA` have."""
        return {
            "Intercept": self.constant[0],
            "income": self.constant[1],
            "teachers": self.per_teacher[0],
            "income:teachers": self.per_teacher[1],
            "1|school_sigma": self.effect_sds[0],
            "income|school_sigma": self.effect_sds[1],
            "1,income|school_corr": self.correlation,
            "sigma": self.residual_sd,
        }


@dataclass(frozen=True)
class SchoolSimulation:
    """Replicates of one school system.

    Attributes
    ----------
    data : pandas.DataFrame
        Columns ``score`` (the first replicate), ``income``, ``teachers`` and ``school``.
    teachers : pandas.Series
        The predictor of each school, the labels its index.
    outcomes : numpy.ndarray, shape (replicates, N)
        The scores of every replicate, on the rows of `data`.
    intercepts, slopes : numpy.ndarray, shape (replicates, J)
        The schools' true intercepts and slopes, in the order of `teachers`.
    truth : SchoolTruth
        What they were simulated with.
    """

    data: pd.DataFrame
    teachers: pd.Series[float]
    outcomes: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    slopes: NDArray[np.float64]
    truth: SchoolTruth


def simulate_schools(
    sizes: Sequence[int],
    truth: SchoolTruth | None = None,
    *,
    replicates: int = 1,
    rng: np.random.Generator,
) -> SchoolSimulation:
    """Draw predictors from N(0, 1) once, and school effects and scores for every replicate.

    Parameters
    ----------
    sizes : sequence of int
        Students of each school: at least two schools, at least one student in each.
    truth : SchoolTruth, optional
        The parameters; ``SchoolTruth()`` if none are given.
    replicates : int, default 1
        How many times.
    rng : numpy.random.Generator
        Where the randomness comes from.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    truth = truth or SchoolTruth()
    if len(sizes) < 2 or min(sizes) < 1:
        raise ValueError(f"sizes must be two or more numbers of at least 1, got {list(sizes)}")
    if replicates < 1:
        raise ValueError(f"replicates must be at least 1, got {replicates!r}")
    J = len(sizes)
    codes = np.repeat(np.arange(J), sizes)
    x, u = rng.normal(size=len(codes)), rng.normal(size=J)
    z = rng.normal(size=(2, replicates, J))
    rho = truth.correlation
    eta = [z[0], rho * z[0] + math.sqrt(1 - rho**2) * z[1]]
    alpha, beta = (
        truth.constant[k] + truth.per_teacher[k] * u + truth.effect_sds[k] * eta[k] for k in (0, 1)
    )
    noise = rng.normal(0, truth.residual_sd, size=(replicates, len(codes)))
    outcomes = alpha[:, codes] + beta[:, codes] * x + noise
    labels = _labels(range(1, J + 1)).rename("school")
    data = pd.DataFrame(
        {"score": outcomes[0], "income": x, "teachers": u[codes], "school": labels[codes]}
    )
    teachers = pd.Series(u, index=labels, name="teachers")
    return SchoolSimulation(data, teachers, outcomes, alpha, beta, truth)
