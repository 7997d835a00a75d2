"""The report in Chromium, wide and narrow: what a person who opens the file sees."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fairaudit.reports.html import render
from fairaudit.result import Audit
from tests.reports.builders import BLACK, WHITE, adult, audit, finding, many, measurement, rule
from tests.reports.frontiers import frontier
from tests.reports.mitigations import mitigation, retrained
from tests.reports.test_html import ATTACK, infected
from tests.reports.test_sweeps import swept_audit

CHROMIUM = Path("/usr/bin/chromium")
ARGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
SIZES = {"wide": (1280, 800), "narrow": (390, 844)}
LONG = "prefers not to say, or did not answer question {} " + "unbreakable" * 12


def gap_audit() -> Audit:
    """One of a gap between two slices of some size, whose rows stand in one cell."""
    gap = finding(0.12, metric="selection_rate", kind="gap", limit=(None, 0.1), rows=12_345)
    return audit([gap], rules=[rule()], measurements=(measurement(WHITE, 0.73, rows=123_456), measurement(BLACK, 0.61, rows=12_345)))


PAGES: dict[str, Any] = {
    "adult": adult,
    "long names": lambda: many(4, name=LONG, attributes=2),
    "many slices": lambda: many(400),
    "attack": lambda: infected(ATTACK),
    "sweep": swept_audit,
    "gap": gap_audit,
    "mitigated": adult,
    "mitigated, long names": adult,
    "mitigated, attack": adult,
    "retrained": adult,
    "retrained, long names": adult,
    "retrained by a command": adult,
    "searched": adult,
    "searched, long names": adult,
    "searched, attack": adult,
}
MITIGATIONS = {
    "mitigated": mitigation(), "mitigated, long names": mitigation(LONG.format(1), values=tuple(LONG.format(one) for one in range(12))), "mitigated, attack": mitigation(ATTACK, values=(ATTACK, "m")),
    "retrained": retrained(), "retrained, long names": retrained(LONG.format(1), values=tuple(LONG.format(one) for one in range(12))), "retrained by a command": retrained(LONG.format(1), by_trainer=True),
    "searched": mitigation(), "searched, long names": mitigation(), "searched, attack": mitigation(),
}  # fmt: skip
FRONTIERS = {
    "searched": frontier(), "searched, long names": frontier(LONG.format(1), values=tuple(LONG.format(one) for one in range(6)), ids=tuple(LONG.format(one) for one in range(5))),
    "searched, attack": frontier(ATTACK, values=(ATTACK, "m"), ids=tuple(f"{ATTACK}{one}" for one in range(5))),
}  # fmt: skip

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed")


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=ARGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module", name="files")
def _files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("reports")
    files = {name: folder / f"{name}.html" for name in PAGES}
    for name, file in files.items():
        file.write_text(render(PAGES[name](), mitigation=MITIGATIONS.get(name), frontier=FRONTIERS.get(name)), encoding="utf-8")
    return files


class Opened:
    """A page, with everything it said or asked for."""

    def __init__(self, browser: Any, size: str) -> None:
        self.said: list[str] = []
        self.asked: list[str] = []
        width, height = SIZES[size]
        self.page = browser.new_page(viewport={"width": width, "height": height})
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", self._dismiss)
        self.page.on("request", lambda request: self.asked.append(request.url))

    def show(self, file: Path) -> Opened:
        """Load it, all folded as it comes, and forget what those before it said."""
        self.page.goto("about:blank")
        self.said.clear(), self.asked.clear()
        self.page.goto(file.as_uri())
        return self

    def _dismiss(self, dialog: Any) -> None:
        self.said.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@pytest.fixture(scope="module", name="windows")
def _windows(browser: Any) -> dict[str, Opened]:
    """One of each size: to begin another takes longer than to load a report."""
    return {size: Opened(browser, size) for size in SIZES}


@pytest.fixture(params=SIZES, name="size")
def _size(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=PAGES, name="opened")
def _opened(request: pytest.FixtureRequest, windows: dict[str, Opened], files: dict[str, Path], size: str) -> Opened:
    return windows[size].show(files[request.param])


def test_it_opens_without_a_complaint_and_asks_for_nothing_but_itself(opened: Opened) -> None:
    assert opened.said == []
    assert [url for url in opened.asked if not url.startswith("file://")] == [] and len(opened.asked) == 1


def test_the_page_never_scrolls_sideways_even_with_everything_unfolded(opened: Opened) -> None:
    overflow = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert opened.page.evaluate(overflow) == 0
    opened.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert opened.page.evaluate(overflow) == 0


@pytest.mark.parametrize("width", [1000, 1100, 1160])
def test_the_page_fits_widths_between_too(browser: Any, files: dict[str, Path], width: int) -> None:
    """At 1,100 its tables stood out by some 20 points."""
    opened = Opened(browser, "wide").show(files["adult"])
    opened.page.set_viewport_size({"width": width, "height": 900})
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width


def test_the_verdict_is_seen_without_scrolling(opened: Opened) -> None:
    for part in (".verdict h2", ".verdict .lead"):
        box = opened.page.locator(part).bounding_box()
        assert box and box["y"] + box["height"] <= opened.page.viewport_size["height"]


def test_wide_drawings_stand_under_their_axis(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, "wide").show(files["adult"])
    lefts = opened.page.evaluate(
        "[...document.querySelectorAll('.slicing .drawn')].slice(0, 1).flatMap(t =>"
        " [t.querySelector('.axis'), ...t.querySelectorAll('tr td:nth-child(3) .whisker')].map(s => Math.round(s.getBoundingClientRect().left)))"
    )
    assert len(lefts) == 6 and len(set(lefts)) == 1
    opened.page.close()


def test_the_numbers_of_a_judged_slice_stay_in_their_cells(opened: Opened) -> None:
    opened.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert (
        opened.page.evaluate("[...document.querySelectorAll('.judged td.n')].filter(one => one.scrollWidth > one.clientWidth).map(one => one.textContent)")
        == []
    )


def test_folded_tables_open_without_a_script(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, "wide").show(files["adult"])
    opened.page.get_by_text("Every metric of every slice").first.click()
    assert opened.page.get_by_role("region", name="Every metric of every slice by race").is_visible()
    opened.page.close()


def test_paper_has_every_judged_slice_and_nothing_wider_than_itself(browser: Any, files: dict[str, Path]) -> None:
    opened = Opened(browser, "wide").show(files["adult"])
    opened.page.emulate_media(media="print")
    opened.page.set_viewport_size({"width": 680, "height": 960})
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 680
    assert all(table.is_visible() for table in opened.page.locator("table.judged").all())
    assert not opened.page.locator("table.matrix").first.is_visible()
    opened.page.close()
