"""Finished blocks of a study on disk: written whole or not at all, and only for one study."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import xarray as xr

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
            replace(manifest, json.dumps(mine, indent=1).encode())

    def has(self, key: str) -> bool:
        """Whether the block is there."""
        return self.folder is not None and self._path(key).exists()

    def read(self, key: str) -> xr.Dataset:
        """Read a block."""
        return xr.load_dataset(self._path(key), engine="h5netcdf")

    def write(self, key: str, block: xr.Dataset) -> None:
        """Write a block."""
        if self.folder is not None:
            replace(self._path(key), bytes(block.to_netcdf(engine="h5netcdf")))

    def attributes(self) -> dict[str, str]:
        """Say what a result comes from."""
        return {"study": json.dumps(self.description), "versions": json.dumps(self.versions)}

    def _path(self, key: str) -> Path:
        assert self.folder is not None
        return Path(self.folder) / f"block-{key}.nc"


def replace(path: Path, content: bytes) -> None:
    """Write a file under a name of its own, then give it the right one in one step."""
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
