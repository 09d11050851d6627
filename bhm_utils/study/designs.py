"""The designs of the slides and of the paper behind them."""

from __future__ import annotations

from collections.abc import Mapping

from ..simulate import SlopeDesign, dgp_1, dgp_2

SIZES = [(10, 200), (5, 50), (50, 500), (10, 100), (5, 200)]  # groups, individuals in each

STUDY_DESIGNS: Mapping[str, SlopeDesign] = {
    f"{name}-J{groups}-N{size}": dgp(groups, size)
    for name, dgp in [("dgp1", dgp_1), ("dgp2", dgp_2)]
    for groups, size in SIZES
}
