import os
import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import scipy.stats as st

from bhm_utils import Normal, Priors, load_gcse

ROOT = Path(__file__).parents[1]
FORMULA = "course ~ female + (1 + female | school)"

mpl.use("agg")


def simulated(J=8, n=6, group_sd=1.0, slope_sd=0.0, rho=0.0, seed=0, centre=0.0):
    """Unbalanced groups, the first with one member."""
    rng = np.random.default_rng(seed)
    sizes = np.concatenate([[1], rng.integers(2, 2 * n, J - 1)])
    g = np.repeat(np.arange(J), sizes)
    x = rng.normal(centre, 1, len(g))
    z = rng.normal(size=(J, 2))
    a, b = group_sd * z[:, 0], slope_sd * (rho * z[:, 0] + np.sqrt(1 - rho**2) * z[:, 1])
    y = 1 + a[g] + (0.5 + b[g]) * x + rng.normal(size=len(g))
    return pd.DataFrame({"y": y, "x": x, "g": [f"g{k:02d}" for k in g]})


@pytest.fixture(scope="session")
def root():
    return ROOT


@pytest.fixture(scope="session")
def clean_env():
    """The environment without what pytest and coverage add, for subprocesses."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV"))}


@pytest.fixture(scope="session")
def html(root, tmp_path_factory, clean_env):
    """The book, built as CI builds it: every warning is an error."""
    out = tmp_path_factory.mktemp("book")
    build = [Path(sys.executable).parent / "jupyter-book", "build", "-W", "--keep-going", "-n"]
    run = subprocess.run(
        [*build, "--all", "--path-output", out, root], capture_output=True, text=True, env=clean_env
    )
    assert run.returncode == 0, run.stderr[-5000:]
    return out / "_build" / "html"


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
