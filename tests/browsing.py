"""What a browser finds on a page: requests, complaints, maths, width, weight and accessibility."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, Page

from tools.browser import FAILED_MATHS, OWN_BYTES, chromium, typeset

DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 360, "height": 780}
# Pages open at once: one typesets while another is checked.
TOGETHER = 2
# What MathJax draws is left out: it has the colour of the text around it.
AXE = """async rules => (await axe.run({exclude: ["mjx-container > *"]}, {
  runOnly: {type: "rule", values: rules}, resultTypes: ["violations"], preload: false
})).violations.map(rule => `${rule.id} (${rule.nodes.length}): ${rule.nodes[0].html}
    ${rule.nodes[0].failureSummary}`)"""
# A page has thousands of coloured words of code: one of each kind in each kind of box is enough.
THIN_OUT = """() => {
  const seen = new Set();
  for (const word of document.querySelectorAll("pre span, dt.sig span")) {
    const box = word.closest(".cell_input, .cell_output, .highlight, dt, pre").className;
    const kind = `${word.className} in ${box}`;
    if (seen.has(kind)) word.replaceWith(...word.childNodes);
    seen.add(kind);
  }
}"""
# Every rule of WCAG 2.2 AA, those that axe leaves off by default too, and headings in order.
RULES = """axe.getRules(["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"])
  .filter(rule => !rule.tags.includes("experimental"))
  .map(rule => rule.ruleId).concat("heading-order")"""
COLOURS = ["color-contrast", "link-in-text-block"]
# What MathJax could not set, and what it never saw: dollars, brackets, commands.
MATHS = r"""failed => {
  const errors = [...document.querySelectorAll(failed)];
  const seen = document.querySelector("article, body").cloneNode(true);
  seen.querySelectorAll("pre, code, script, mjx-container").forEach(node => node.remove());
  const raw = seen.textContent.match(/\$\$|\\[([]|\\(begin|frac|sigma|mu)\b/g) ?? [];
  return [...errors.map(node => node.outerHTML.slice(0, 200)), ...raw];
}"""
# A control that the mouse can reach and the Tab key cannot.
UNREACHABLE = """() => [...document.querySelectorAll("a[href], button, summary, input, select")]
  .filter(node => node.checkVisibility({visibilityProperty: true}) && node.tabIndex < 0)
  .map(node => node.outerHTML.slice(0, 200))"""
STILL = "*, *::before, *::after { transition: none !important; animation: none !important }"


@dataclass
class Visit:
    """One page, opened once."""

    page: str
    external: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    maths: list[str] = field(default_factory=list)
    unreachable: list[str] = field(default_factory=list)
    violations: dict[str, list[str]] = field(default_factory=dict)
    scroll_width: int = 0
    weight: int = 0
    links: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)


def listen(page: Page, visit: Visit, base: str) -> None:
    """Write down what the page asks for and what goes wrong."""

    def request(asked):
        if not asked.url.startswith((base, "data:", "blob:")):
            visit.external.append(asked.url)

    def response(answer):
        if answer.status >= 400:
            visit.complaints.append(f"{answer.status} {answer.url}")

    def console(message):
        if message.type in ("error", "warning"):
            visit.complaints.append(f"{message.type}: {message.text}")

    page.on("request", request)
    page.on("response", response)
    page.on("console", console)
    page.on("pageerror", lambda error: visit.complaints.append(f"exception: {error}"))
    page.on("requestfailed", lambda asked: visit.complaints.append(f"failed: {asked.url}"))


async def examine(page: Page, visit: Visit) -> None:
    """Judge a page on a desktop and on a phone, in both themes."""
    await page.evaluate(AXE_SCRIPT)
    await page.add_style_tag(content=STILL)
    rules = await page.evaluate(RULES)
    await page.evaluate(THIN_OUT)
    for device, size in {"desktop": DESKTOP, "phone": PHONE}.items():
        await page.set_viewport_size(size)
        await page.wait_for_timeout(400)  # a little later the theme sees what now scrolls
        # Outlines and names are those of the light theme: only colours change.
        for theme, judged in {"light": rules, "dark": COLOURS}.items():
            await page.emulate_media(color_scheme=theme)
            await page.wait_for_function(
                "theme => [theme, undefined].includes(document.documentElement.dataset.theme)",
                arg=theme,
            )
            visit.violations[f"{device}, {theme}"] = await page.evaluate(AXE, judged)
    visit.scroll_width = await page.evaluate("document.documentElement.scrollWidth")


async def visit_page(browser: Browser, base: str, name: str, thorough: bool) -> Visit:
    """Open one page in a context of its own."""
    visit = Visit(name)
    context = await browser.new_context(viewport=DESKTOP, color_scheme="light")
    page = await context.new_page()
    listen(page, visit, base)
    await page.goto(base + name)
    await typeset(page)
    visit.maths = await page.evaluate(MATHS, FAILED_MATHS)
    if thorough:
        visit.unreachable = await page.evaluate(UNREACHABLE)
        visit.weight = await page.evaluate(OWN_BYTES)
        visit.links = await page.evaluate("[...document.links].map(link => link.href)")
        visit.anchors = set(
            await page.evaluate("[...document.querySelectorAll('[id]')].map(node => node.id)")
        )
        await examine(page, visit)
    await context.close()
    return visit


async def _visit_all(base: str, names: Sequence[str], thorough: bool) -> list[Visit]:
    turn = asyncio.Semaphore(TOGETHER)
    async with chromium() as browser:

        async def one(name: str) -> Visit:
            async with turn:
                return await visit_page(browser, base, name, thorough)

        return await asyncio.gather(*map(one, names))


def visit_all(base: str, names: Sequence[str], thorough: bool = True) -> dict[str, Visit]:
    """Open pages, a few at a time; `thorough` also judges what does not depend on the server."""
    return {visit.page: visit for visit in asyncio.run(_visit_all(base, names, thorough))}


def broken_links(visits: dict[str, Visit], base: str, folder: Path) -> list[str]:
    """Links of these pages into the book that lead to no file, or to no such place on a page."""
    broken = []
    for visit in visits.values():
        for link in visit.links:
            if not link.startswith(base):
                continue
            address, anchor = urldefrag(link)
            name = unquote(urlsplit(address).path).lstrip("/")
            there = visits[name].anchors | {""} if name in visits else {unquote(anchor)}
            if not (folder / name).is_file() or unquote(anchor) not in there:
                broken.append(f"{visit.page} -> {link}")
    return broken
