"""Answers of the exercises: say whether a number is right, without giving it away.

The truth is computed when it is asked for, never stored. A chapter adds a function here::

    @answer("ex-nine-tenths", hint="Solve for n, then round up.")
    def _nine_tenths() -> float: ...
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.stats as st

from .conjugate import Normal
from .exact import exact_posterior
from .gcse import load_gcse
from .likelihoods import Truncated
from .priors import Priors
from .schools import expected_outcomes, rank_groups
from .simulate import SchoolTruth

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


@dataclass(frozen=True)
class Reply:
    """What `check` found: true if the number is right; a notebook shows the message."""

    right: bool
    message: str

    def __bool__(self) -> bool:
        return self.right

    def __repr__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Answer:
    """The right number, how near is near enough, and a nudge for those who are not there yet."""

    truth: Callable[[], float]
    tolerance: float
    hint: str


ANSWERS: dict[str, Answer] = {}


def answer(
    exercise: str, *, hint: str, tolerance: float = 0.005
) -> Callable[[Callable[[], float]], Callable[[], float]]:
    """Register the function below as the truth of `exercise`.

    Parameters
    ----------
    exercise : str
        The label of the exercise in the book.
    hint : str
        What a reader with another number is told.
    tolerance : float, default 0.005
        The largest error that counts as right, in the units of the answer.

    Raises
    ------
    ValueError
        If the exercise has an answer already, or `tolerance` is not positive.
    """
    if exercise in ANSWERS:
        raise ValueError(f"exercise {exercise!r} has an answer already")
    if not tolerance > 0:
        raise ValueError(f"tolerance must be positive, got {tolerance!r}")

    def register(truth: Callable[[], float]) -> Callable[[], float]:
        ANSWERS[exercise] = Answer(truth, tolerance, hint)
        return truth

    return register


def check(exercise: str, value: float | None) -> Reply:
    """Say whether `value` answers the exercise.

    Parameters
    ----------
    exercise : str
        The label of the exercise in the book.
    value : float or None
        Your number. None means that you have none yet.

    Returns
    -------
    Reply
        True in an `assert` if the number is right; a hint if it is not.

    Raises
    ------
    ValueError
        If there is no such exercise, or `value` is not finite.
    """
    if exercise not in ANSWERS:
        raise ValueError(f"exercise must be one of {sorted(ANSWERS)}, got {exercise!r}")
    if value is None:
        return Reply(False, "No number yet.")
    if not math.isfinite(value):
        raise ValueError(f"value must be finite, got {value!r}")
    known = ANSWERS[exercise]
    if abs(value - known.truth()) <= known.tolerance:
        return Reply(True, "Right.")
    return Reply(False, f"Not yet. {known.hint}")


# Chapter 1

PRIOR, NOISE_SD = Normal(74, 9), 14  # of a school's mean, and of the scores around it


def _scores(school: str) -> pd.Series[float]:
    scores = load_gcse(outcome="course")
    return scores.loc[scores["school"] == school, "course"]


def _mean_of_71927() -> Normal:
    return PRIOR.update(_scores("71927"), NOISE_SD)


@answer("ex-nine-tenths", tolerance=0.5, hint="Solve for n, and round up to whole students.")
def _nine_tenths() -> float:
    return float(next(n for n in range(1, 1000) if PRIOR.data_weight(n, NOISE_SD) >= 0.9))


@answer("ex-second-paper", hint="Each school's likelihood is now a product of two shares.")
def _second_paper() -> float:
    scores = load_gcse(outcome="course")
    high = (scores["course"] >= 70).groupby(scores["school"], observed=True)
    schools = ["68137", "71927", "60437"]
    joint = (high.size() * high.mean() ** 2)[schools]
    return float(joint["60437"] / joint.sum())


@answer("ex-next-student", hint="Two spreads count: of the mean, and of one student around it.")
def _next_student() -> float:
    after = _mean_of_71927().predictive(NOISE_SD)
    return float(st.norm.sf(80, after.mean, after.sd))


# Chapter 2


@answer("ex-draws-needed", tolerance=0.5, hint="Which variance has an h that is 0 or 1?")
def _draws_needed() -> float:
    posterior = _mean_of_71927()
    p = st.norm.sf(70, posterior.mean, posterior.sd)
    return float(math.ceil((1.96 / 0.005) ** 2 * p * (1 - p)))


# Chapter 3


@answer("ex-accept-by-hand", hint="Three factors: a power, an exponential, the Hastings ratio.")
def _accept_by_hand() -> float:
    y = _scores("68207")
    squares = float(((y - y.mean()) ** 2).sum())
    targets = 1.2 ** -len(y) * math.exp(-squares / 2 * (12**-2 - 10**-2))
    return min(targets * 1.2, 1.0)


@answer("ex-memory", tolerance=0.5, hint="Find the effective draws first, then sum the series.")
def _memory() -> float:
    phi = 0.9
    return 20**2 * (1 + phi) / (1 - phi)


# Chapter 4


@answer("ex-own-weight", tolerance=0.5, hint="How many students is the prior of a school worth?")
def _own_weight() -> float:
    return float(next(n for n in range(1, 1000) if n / (n + 10**2 / 5**2) >= 0.75))


@answer("ex-unseen-school", hint="Its teachers shift the mean; schools differ around it.")
def _unseen_school() -> float:
    truth = SchoolTruth()
    centre = truth.constant[0] + truth.per_teacher[0]
    return float(st.norm.sf(70, centre, truth.effect_sds[0]))


# Chapter 5


@answer("ex-constant", tolerance=0.05, hint="Count the normals, then look at the two Cauchys.")
def _constant() -> float:
    normals = -0.5 * (10 * 200 + 10 + 2) * math.log(2 * math.pi)
    return normals - 2 * math.log(3) + 2 * math.log(2 / (5 * math.pi))


# Chapter 6


@answer("ex-rhat-by-hand", hint="W first; B/N is the sample variance of the two means.")
def _rhat_by_hand() -> float:
    within, of_means = 5.0, 0.5
    return math.sqrt((0.99 * within + of_means) / within)


@answer("ex-how-long", tolerance=20, hint="Solve (6) for N, with its first form.")
def _how_long() -> float:
    return (50 - 1) / (1.01**2 - 1)


# Chapter 8


@answer("ex-ridge", hint="Move from the prior's centre towards the line by the shortest way.")
def _ridge() -> float:
    centre = 0.0
    return centre - 5 * (centre + 5 * centre - 6) / (1 + 5**2)


# Chapter 11


@answer(
    "ex-overlap", tolerance=0.5, hint="Two half-widths must add up to 1.96 sds of a difference."
)
def _overlap() -> float:
    return 100 * float(1 - 2 * st.norm.sf(1.96 / math.sqrt(2)))


@answer("ex-top-ten", tolerance=0.15, hint="Ten events: the expected count adds probabilities.")
def _top_ten() -> float:
    gcse = load_gcse(outcome="course")
    wide = st.halfnorm(scale=30)
    means = {"Intercept": Normal(70, 50), "female": Normal(0, 50)}
    posterior = exact_posterior(
        "course ~ female + (1 + female | school)",
        gcse,
        priors=Priors(group_sd=wide, residual_sd=wide, common=means),
    )
    girls = gcse.groupby("school", observed=True)["female"].mean()
    draws = posterior.sample(250, rng=np.random.default_rng(0))
    table = rank_groups(expected_outcomes(draws, posterior.design, {"female": girls}))
    return float(table.nsmallest(10, "mean")["top"].sum())


# Chapter 12


@answer("ex-below-the-bound", tolerance=0.06, hint="Work out z first; phi is a density.")
def _below_the_bound() -> float:
    return float(Truncated(at=100.0).expected(np.array(90.0), np.array(15.0)))


# The ledger


@answer("ex-sharper-check", tolerance=150, hint="Four errors are the tolerance: solve for R.")
def _sharper_check() -> float:
    return 8 * (_mean_of_71927().sd / 0.05) ** 2
