"""How soon a page of the book is there, read from this machine with an empty cache."""

import asyncio
import statistics
from pathlib import Path

from tools.browser import OWN_BYTES, chromium, served
from tools.offline import pages

from .measure import rounded

HTML = Path(__file__).parents[1] / "_build" / "html"
REPEATS = 3
# The last candidate before the reader could do anything: text or picture.
LARGEST_PAINT = """() => new Promise(found => new PerformanceObserver(
  list => found(list.getEntries().at(-1).startTime / 1000)
).observe({type: "largest-contentful-paint", buffered: true}))"""


async def _open(browser, address):
    """Title, largest contentful paint (s), and size of its own files (MB)."""
    context = await browser.new_context(viewport={"width": 1280, "height": 900})
    page = await context.new_page()
    await page.goto(address)
    await page.wait_for_timeout(500)  # a later paint may still be larger
    title = (await page.title()).split(" — ")[0]
    seconds, size = await page.evaluate(LARGEST_PAINT), await page.evaluate(OWN_BYTES)
    await context.close()
    return title, seconds, size / 1e6


async def _measure():
    rows = []
    with served(HTML) as base:
        async with chromium() as browser:
            for name in pages():
                opened = [await _open(browser, f"{base}{name}.html") for _ in range(REPEATS)]
                titles, seconds, size = zip(*opened, strict=True)
                rows.append(
                    {
                        "page": titles[0],
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
