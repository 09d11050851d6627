"""A ledger of claims: what was said, what we find, and a verdict that is computed."""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

Numbers = tuple[float, ...]


class Verdict(StrEnum):
    """What a comparison can come to."""

    HOLDS = "holds"
    CORRECTED = "holds with a correction"
    FAILS = "does not hold"
    OPEN = "cannot be checked"


HOLDS, CORRECTED, FAILS, OPEN = Verdict


@dataclass(frozen=True)
class Claim:
    r"""One row: numbers that were claimed, ours, and the numbers of a corrected claim.

    Attributes
    ----------
    name : str
        Label of the row.
    section : str
        Where the claim was made.
    computed : tuple of float, optional
        What we find.
    claimed : tuple of float, optional
        What was said, or what the formula that was printed gives.
    tolerance : tuple of float
        The largest difference :math:`|\mathrm{computed} - \mathrm{claimed}|` that counts as equal.
    corrected : tuple of float, optional
        What the corrected claim says.
    yes_no : bool
        Whether the numbers are answers, 1 for yes and 0 for no.
    """

    name: str
    section: str
    computed: Numbers | None
    claimed: Numbers | None
    tolerance: Numbers
    corrected: Numbers | None = None
    yes_no: bool = False

    @property
    def verdict(self) -> Verdict:
        """Holds; holds with a correction, if it fails as it was made and passes corrected; fails.

        A claim that has nothing to compare, on one side or the other, cannot be checked.
        """
        if self.claimed is None or self.computed is None:
            return OPEN
        if self._agrees_with(self.claimed):
            return HOLDS
        if self.corrected is not None and self._agrees_with(self.corrected):
            return CORRECTED
        return FAILS

    def _agrees_with(self, said: Numbers) -> bool:
        assert self.computed is not None
        return all(
            abs(found - number) <= tol
            for found, number, tol in zip(self.computed, said, self.tolerance, strict=True)
        )

    @property
    def numbers(self) -> str:
        """The numbers in words, with no more digits than the tolerance gives a meaning to."""
        parts = [
            f"{what} {', '.join(map(self._written, values, self.tolerance))}"
            for what, values in [
                ("claimed", self.claimed),
                ("corrected", self.corrected),
                ("found", self.computed),
            ]
            if values is not None
        ]
        widths = dict.fromkeys(f"{float(f'{tol:.2g}'):g}" for tol in self.tolerance)
        if not self.yes_no and self.verdict is not OPEN and set(widths) != {"0"}:
            parts.append(f"tolerance {', '.join(widths)}")
        return "; ".join(parts)

    def _written(self, value: float, tolerance: float) -> str:
        if self.yes_no:
            return "yes" if value else "no"
        decimals = 4
        if tolerance and round(value, 4) != value:  # a number as it was printed stays as it is
            decimals = min(max(math.ceil(-math.log10(tolerance)) + 1, 0), 4)
        text = f"{round(value, decimals) + 0.0:,.{decimals}f}"  # + 0.0: no minus before a zero
        return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass
class Ledger:
    """The rows of a page, in the order in which they were checked."""

    claims: dict[str, Claim] = field(default_factory=dict)
    section: str = ""

    def begin(self, section: str) -> None:
        """Open the next section: the rows that follow belong to it."""
        self.section = section

    def check(
        self,
        name: str,
        computed: ArrayLike | None,
        claimed: ArrayLike | None,
        tolerance: ArrayLike = 0.0,
        *,
        corrected: ArrayLike | None = None,
    ) -> Claim:
        """Compare what was computed with what was claimed, and keep the row.

        Parameters
        ----------
        name : str
            Label of the row: small letters, digits and hyphens.
        computed : array_like, optional
            A number, several, or an answer (bool). None where nothing can be computed.
        claimed : array_like, optional
            As many. None where the source gives nothing to compare.
        tolerance : array_like, default 0
            The largest absolute difference that counts as equal, for all numbers or for each.
        corrected : array_like, optional
            As many, of the corrected claim.

        Returns
        -------
        Claim
            The row, with its verdict.

        Raises
        ------
        ValueError
            If no section was begun, a name is taken or malformed, or the numbers are not finite,
            not as many, or the tolerance is negative.
        """
        if not self.section:
            raise ValueError(f"section must be begun before a check, got {name!r} without one")
        if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
            raise ValueError(f"name must be of small letters, digits and hyphens, got {name!r}")
        if name in self.claims:
            raise ValueError(f"name must be new, got {name!r} again")
        sides = {"computed": computed, "claimed": claimed, "corrected": corrected}
        numbers = {key: _numbers(key, value) for key, value in sides.items()}
        sizes = {len(value) for value in numbers.values() if value is not None}
        if len(sizes) > 1:
            raise ValueError(f"computed, claimed and corrected must be as many, got {numbers}")
        size = sizes.pop() if sizes else 0
        tol = np.asarray(tolerance, dtype=float)
        if not (np.isfinite(tol) & (tol >= 0)).all() or tol.size not in (1, size):
            raise ValueError(
                f"tolerance must be one number or {size}, at least 0, got {tolerance!r}"
            )
        claim = Claim(
            name,
            self.section,
            numbers["computed"],
            numbers["claimed"],
            tuple(np.broadcast_to(tol.ravel(), size).tolist()),
            numbers["corrected"],
            yes_no=any(np.asarray(value).dtype == bool for value in sides.values()),
        )
        self.claims[name] = claim
        return claim

    def counts(self) -> dict[str, dict[Verdict, int]]:
        """Count the verdicts of each section."""
        found: dict[str, Counter[Verdict]] = {}
        for claim in self.claims.values():
            found.setdefault(claim.section, Counter())[claim.verdict] += 1
        return {section: {v: count[v] for v in Verdict} for section, count in found.items()}


def _numbers(argument: str, value: ArrayLike | None) -> Numbers | None:
    """Finite numbers as a flat tuple."""
    if value is None:
        return None
    array = np.asarray(value, dtype=float).ravel()
    if not (array.size and np.isfinite(array).all()):
        raise ValueError(f"{argument} must be finite numbers, got {value!r}")
    return tuple(array.tolist())
