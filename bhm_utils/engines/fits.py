"""What a fit answers with, whichever engine made it, and the table that compares fits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import pandas as pd

from ..convergence import require_converged
from ..progress import watched

if TYPE_CHECKING:
    import xarray as xr

    from ..model import Design
    from ..priors import Priors


class Fit(Protocol):
    """What every engine's fit offers."""

    @property
    def design(self) -> Design:
        """The model's matrices."""

    @property
    def seconds(self) -> float:
        """Wall time of the fit."""

    def summary(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """One row a parameter, columns ``mean``, ``sd`` and two interval bounds at least."""

    def group_effects(self) -> pd.DataFrame:
        """One row a group and effect: ``mean``, ``sd``, ``total_mean``, ``total_sd``."""


@dataclass(frozen=True)
class BayesFit:
    """Posterior draws that have passed `require_converged`.

    Attributes
    ----------
    engine : str
        Which engine drew them.
    design : Design
        The model's matrices.
    priors : Priors
        The priors.
    tree : xarray.DataTree
        The draws, under Bambi's names, dimensions ``chain``, ``draw`` and the group's name.
    seconds : float
        Wall time, compilation included.
    """

    engine: str
    design: Design
    priors: Priors
    tree: xr.DataTree
    seconds: float

    def summary(self, ci_prob: float = 0.95) -> pd.DataFrame:
        """Posterior mean, sd and equal-tailed interval, with ArviZ's diagnostics beside them."""
        import arviz as az

        table: pd.DataFrame = az.summary(
            self.tree,
            var_names=[name for name in self.design.parameters if name in self.tree.posterior],
            ci_prob=ci_prob,
            ci_kind="eti",
            round_to="none",
        )
        return table

    def group_effects(self) -> pd.DataFrame:
        """Posterior mean and sd of each group's effects and of their totals.

        Returns
        -------
        pandas.DataFrame
            Index (group, effect). ``mean`` and ``sd`` are of the deviation u_j, ``total_mean`` and
            ``total_sd`` of the deviation plus the common coefficient that it varies, if any.
        """
        posterior = self.tree["posterior"].to_dataset()
        effects = [posterior[name] for name in self.design.varying]
        totals = [
            u if k is None else u + posterior[self.design.common[k]]
            for u, k in zip(effects, self.design.counterparts, strict=True)
        ]
        over = ["chain", "draw"]
        return self.design.effects_frame(
            mean=[u.mean(over).values for u in effects],
            sd=[u.std(over).values for u in effects],
            total_mean=[total.mean(over).values for total in totals],
            total_sd=[total.std(over).values for total in totals],
        )


def gated_fit(
    engine: str,
    design: Design,
    priors: Priors,
    tree: xr.DataTree,
    seconds: float,
    limits: Mapping[str, Any] | None,
) -> BayesFit:
    """Make a `BayesFit`, unless its chains have not converged."""
    return BayesFit(engine, design, priors, require_converged(tree, **dict(limits or {})), seconds)


def sampler_settings(sample: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Merge the settings of a NUTS run: ours, overruled by `sample`.

    A progress bar is drawn unless the environment variable BHM_UTILS_PROGRESS is 0.
    """
    bar = watched()
    ours = {"draws": 2000, "tune": 1000, "chains": 4, "progressbar": bar, "quiet": not bar}
    return ours | dict(sample) | {"random_seed": seed}


def compare(fits: Mapping[str, Fit]) -> pd.DataFrame:
    """Put fits side by side.

    Parameters
    ----------
    fits : mapping of str to fit
        Column heading to fit; all of one outcome.

    Returns
    -------
    pandas.DataFrame
        One row a parameter, in the order of `Design.parameters`; for each fit the columns
        (heading, "mean") and (heading, "sd"). NaN where a model does not have the parameter.

    Raises
    ------
    ValueError
        If there is no fit, or the fits are of different outcomes.
    """
    if not fits:
        raise ValueError("fits must hold at least one fit, got none")
    outcomes = sorted({fit.design.outcome for fit in fits.values()})
    if len(outcomes) > 1:
        raise ValueError(f"fits must be of one outcome, got {outcomes}")
    table = pd.concat(
        {heading: fit.summary()[["mean", "sd"]] for heading, fit in fits.items()}, axis=1
    )
    rows = dict.fromkeys(name for fit in fits.values() for name in fit.design.parameters)
    return table.reindex([name for name in rows if name in table.index])
