"""Finished blocks of a study on disk: written whole or not at all, and only for one study."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

from ..files import write_whole

MANIFEST = "study.json"
VERSIONS = ["bhm-utils", "numpy", "scipy", "nutpie", "pymc"]


@dataclass(frozen=True)
class Store:
    """A folder of blocks, or none.

    Parameters
    ----------
    folder : path or None
        Where to keep the blocks; None keeps nothing.
    description : dict
        What makes the study what it is, in plain words and numbers.

    Raises
    ------
    ValueError
        If the folder holds another study, one of another version, or something else.
    OSError
        If it cannot be made or written to.
    """

    folder: str | os.PathLike[str] | None
    description: dict[str, Any]
    versions: dict[str, str] = field(
        default_factory=lambda: {name: version(name) for name in VERSIONS}
    )

    def __post_init__(self) -> None:
        if self.folder is None:
            return
        path = Path(self.folder)
        path.mkdir(parents=True, exist_ok=True)
        mine = json.loads(json.dumps({"study": self.description, "versions": self.versions}))
        manifest = path / MANIFEST
        if manifest.exists():
            theirs = json.loads(manifest.read_text())
            for part in ["study", "versions"]:
                for key in mine[part]:
                    if theirs.get(part, {}).get(key) != mine[part][key]:
                        raise ValueError(
                            f"folder {str(path)!r} holds a study with another {key}: "
                            f"{theirs.get(part, {}).get(key)!r}, not {mine[part][key]!r}; "
                            "choose another folder"
                        )
        elif any(not file.name.startswith(".") for file in path.iterdir()):
            raise ValueError(f"folder {str(path)!r} holds files, but no study; choose another one")
        else:
            write_whole(manifest, json.dumps(mine, indent=1).encode())

    def has(self, key: str) -> bool:
        """Whether the block is there."""
        return self.folder is not None and self._path(key).exists()

    def read(self, key: str) -> xr.Dataset:
        """Read a block."""
        # How one block was encoded does not suit all of them together: names have many lengths.
        return xr.load_dataset(self._path(key), engine="h5netcdf").drop_encoding()

    def write(self, key: str, block: xr.Dataset) -> None:
        """Write a block."""
        if self.folder is not None:
            write_whole(self._path(key), bytes(block.to_netcdf(engine="h5netcdf")))

    def attributes(self) -> dict[str, str]:
        """Say what a result comes from."""
        return {"study": json.dumps(self.description), "versions": json.dumps(self.versions)}

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return Path(self.folder) / f"block-{key}.nc"
