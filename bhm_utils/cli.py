"""The command line: ``bhm-utils study`` runs the Monte Carlo study of priors."""

from __future__ import annotations

import argparse
import contextlib
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 1 after one line about what is wrong."""
    from .priors import PRIOR_DESIGNS
    from .study import STUDY_DESIGNS, run_study, study_table

    parser = argparse.ArgumentParser(prog="bhm-utils", description=__doc__)
    study = parser.add_subparsers(required=True, metavar="command").add_parser(
        "study",
        help="the Monte Carlo study of priors",
        description="Simulate data sets, fit each under every prior, and print how well that goes. "
        "Stop it at any moment: the same command resumes.",
    )
    study.add_argument("--design", default="dgp2-J10-N200", help=f"of {', '.join(STUDY_DESIGNS)}")
    study.add_argument(
        "--priors", nargs="+", default=list(PRIOR_DESIGNS), help=f"of {list(PRIOR_DESIGNS)}"
    )
    study.add_argument("--engine", choices=["exact", "nuts"], default="exact")
    study.add_argument("--replicates", type=int, default=300, help="data sets (300)")
    study.add_argument("--seed", type=int, default=500, help="of data and sampler (500)")
    study.add_argument("--jobs", type=int, default=1, help="processes at a time (1)")
    study.add_argument("--out", required=True, help="folder to keep the fits in")
    study.add_argument("--scheduler", help="address of a dask cluster (extra 'cluster')")
    options = parser.parse_args(arguments)
    try:
        unknown = sorted(set(options.priors) - set(PRIOR_DESIGNS))
        if unknown:
            raise ValueError(f"priors must be of {list(PRIOR_DESIGNS)}, got {unknown}")
        with cluster(options.scheduler):
            result = run_study(
                options.design,
                priors={name: PRIOR_DESIGNS[name] for name in options.priors},
                replicates=options.replicates,
                engine=options.engine,
                seed=options.seed,
                jobs=options.jobs,
                folder=options.out,
            )
    except (ValueError, OSError, ImportError) as error:
        print(f"bhm-utils: {error}", file=sys.stderr)
        return 1
    columns = ["bias", "bias_mcse", "rmse", "rmse_mcse", "coverage", "coverage_mcse"]
    print(study_table(result)[columns].round(3).to_string())
    return 0


@contextlib.contextmanager
def cluster(address: str | None) -> Any:
    """Send joblib's work to a dask cluster, if there is an address."""
    if address is None:
        yield
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError(
            "scheduler needs dask.distributed: pip install 'bhm-utils[cluster]'"
        ) from error
    from joblib import parallel_config

    with Client(address), parallel_config(backend="dask"):
        yield
