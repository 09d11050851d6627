"""Seconds and memory of the exact posterior as the data grow."""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import scipy.stats as st

from bhm_utils import GroupStatistics, Normal, Priors, exact_posterior

from .measure import rounded

FORMULA = "y ~ x + (1 + x | g)"
PRIORS = Priors(
    group_sd=st.halfnorm(scale=5),
    residual_sd=st.halfnorm(scale=5),
    common={"Intercept": Normal(0, 10), "x": Normal(0, 10)},
)
ROWS = [(10**k, 100) for k in range(3, 8)]
GROUPS = [(10**6, 10**k) for k in range(1, 6)]


def growth() -> list[dict[str, Any]]:
    """Run one size after the other, each in a process of its own so that its peak is its own."""
    table = []
    for rows, groups in [*ROWS, *GROUPS]:
        run = subprocess.run(
            [sys.executable, "-m", "benchmarks.growth", str(rows), str(groups)],
            capture_output=True,
            text=True,
            check=True,
        )
        table.append(json.loads(run.stdout))
    return table


def simulated(rows: int, groups: int) -> pd.DataFrame:
    """Rows in groups with an intercept and a slope of their own."""
    rng = np.random.default_rng(1)
    g, x = rng.integers(0, groups, rows), rng.normal(size=rows)
    u = rng.multivariate_normal([1, 0.5], [[1, 0.2], [0.2, 0.25]], groups)
    return pd.DataFrame({"y": u[g, 0] + u[g, 1] * x + rng.normal(size=rows), "x": x, "g": g})


def one(rows: int, groups: int) -> dict[str, Any]:
    """Time one size, the data frame being in memory."""
    exact_posterior(FORMULA, simulated(1000, 10), priors=PRIORS)  # imports
    data = simulated(rows, groups)
    before = memory("VmRSS")
    forget_peak()
    start = time.perf_counter()
    statistics = GroupStatistics.from_rows(FORMULA, data)
    middle = time.perf_counter()
    exact_posterior(FORMULA, statistics, priors=PRIORS)
    end = time.perf_counter()
    return {
        "rows": f"{rows:,}",
        "groups": f"{groups:,}",
        "statistics (s)": rounded(middle - start),
        "posterior (s)": rounded(end - middle),
        "both (s)": rounded(end - start),
        "data (MB)": rounded(data.memory_usage().sum() / 1e6),
        "memory on top (MB)": rounded(memory("VmHWM") - before),
    }


def memory(entry: str) -> float:
    """Memory of this process in MB, as Linux counts it: VmRSS now, VmHWM at its peak."""
    status = Path("/proc/self/status").read_text()
    return float(status.split(f"{entry}:")[1].split()[0]) / 1024


def forget_peak() -> None:
    """Let the peak start from what is in use now."""
    Path("/proc/self/clear_refs").write_text("5")


if __name__ == "__main__":
    print(json.dumps(one(int(sys.argv[1]), int(sys.argv[2]))))
