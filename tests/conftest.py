import os
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import pytest
import scipy.stats as st

from bhm_utils import Normal, Priors, load_gcse

ROOT = Path(__file__).parents[1]
FORMULA = "course ~ female + (1 + female | school)"

mpl.use("agg")


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def clean_env():
    """The environment without what pytest and coverage add, for subprocesses."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}


@pytest.fixture(scope="session")
def students():
    return load_gcse()


@pytest.fixture(scope="session")
def gcse():
    return load_gcse(outcome="course")


@pytest.fixture(scope="session")
def priors():
    return Priors(
        common={"Intercept": Normal(70, 50), "female": Normal(0, 50)},
        group_sd=st.halfnorm(scale=30),
        residual_sd=st.halfnorm(scale=30),
    )


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")
