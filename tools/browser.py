"""Chromium and a local server, for tests, the offline edition and a benchmark."""

import os
import shutil
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from playwright.async_api import Browser, Page, async_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome"]
# How MathJax marks what it could not set, and, in red, a command that it does not know.
FAILED_MATHS = 'mjx-merror, [data-mjx-error], mjx-container [mathcolor="red"]'
# Bytes of a page and its pictures: what it adds to the files that all pages share.
OWN_BYTES = """() => [
  ...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource").filter(file => !file.name.includes("/_static/"))
].reduce((sum, file) => sum + file.decodedBodySize, 0)"""
MISSING = (
    f"no browser: none of {', '.join(NAMES)} is on the PATH (Debian: apt-get install chromium)"
)


def find_chromium() -> str | None:
    """Path of the browser, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Run the browser, without a window."""
    path = find_chromium()
    if path is None:
        raise FileNotFoundError(MISSING)
    # Chromium refuses to run its sandbox as root, which is who CI containers are.
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox"] if root else []
        )
        yield browser
        await browser.close()


async def typeset(page: Page) -> None:
    """Wait until MathJax has set the page's equations."""
    await page.evaluate("async () => { await window.MathJax?.startup?.promise }")


class _Silent(SimpleHTTPRequestHandler):
    def log_message(self, *message: object) -> None:
        """Say nothing about requests."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on this machine, and give its address."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
