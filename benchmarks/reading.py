"""How soon a page of the book is there, read from this machine with an empty cache."""

import asyncio
import statistics
from pathlib import Path

from tools.browser import chromium, served
from tools.offline import pages

from .measure import rounded

HTML = Path(__file__).parents[1] / "_build" / "html"
REPEATS = 3
# The last candidate before the reader could do anything: text or picture.
LARGEST_PAINT = """() => new Promise(found => new PerformanceObserver(
  list => found(list.getEntries().at(-1).startTime / 1000)
).observe({type: "largest-contentful-paint", buffered: true}))"""
# Bytes of the page and its pictures: what it adds to the files that all pages share.
OWN_BYTES = """() => [
  ...performance.getEntriesByType("navigation"),
  ...performance.getEntriesByType("resource").filter(file => !file.name.includes("/_static/"))
].reduce((sum, file) => sum + file.decodedBodySize, 0)"""


async def _open(browser, address):
    """Largest contentful paint (s), and bytes of its own (MB)."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_timeout(500)  # a later paint may still be larger
    measured = await page.evaluate(LARGEST_PAINT), await page.evaluate(OWN_BYTES) / 1e6
    await context.close()
    return measured


async def _measure():
    rows = []
    with served(HTML) as base:
        async with chromium() as browser:
            for name in pages():
                opened = [await _open(browser, f"{base}{name}.html") for _ in range(REPEATS)]
                seconds, size = zip(*opened, strict=True)
                rows.append(
                    {
                        "page": name.removeprefix("book/"),
                        "largest contentful paint (s)": rounded(statistics.median(seconds)),
                        "slowest of three (s)": rounded(max(seconds)),
                        "size beyond shared files (MB)": rounded(max(size)),
                    }
                )
    return rows


def reading():
    """One row a page of the built book."""
    if not HTML.is_dir():
        raise FileNotFoundError(f"no book in {HTML}: run make book first")
    return asyncio.run(_measure())
