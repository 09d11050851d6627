"""Files: those that travel with the library, and new ones that are written whole or not at all."""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path

# An installed wheel carries data/ and stan/ inside the package; a clone has them beside it.
ROOTS = [Path(__file__).parent, Path(__file__).parents[1]]


def shipped(name: str) -> Path:
    """Find a file that travels with the library, such as ``"data/gcsemv.csv"``.

    Raises
    ------
    FileNotFoundError
        If it is in none of the places where it belongs; the message lists them.
    """
    places = [root / name for root in ROOTS]
    for place in places:
        if place.is_file():
            return place
    raise FileNotFoundError(
        f"{name} not found: looked for it at {' or '.join(str(place) for place in places)}"
    )


def checksum_problem(content: bytes, sha256: str) -> str | None:
    """Say in what way `content` is not the file with this checksum; None if it is."""
    found = hashlib.sha256(content).hexdigest()
    return None if found == sha256 else f"its SHA-256 checksum is {found}, not {sha256}"


def write_whole(path: Path, content: bytes) -> None:
    """Write a file under a name of its own, then give it the right one in one step.

    Raises
    ------
    OSError
        If the disk is full or the folder cannot be written to; `path` is then as it was.
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
