"""A real browser (Debian's Chromium, driven by Playwright) for pages and viewer, with the network off.

`page`               : an empty page; the test fails on an error in its console, and if it asks for anything on a network
`complaints`         : what the page complained of so far; a test that expects complaints clears it
`visit`              : visit(page, path or address, size=(1280, 800)): load it, wait until Bokeh has drawn
`assert_no_overlap`  : assert_no_overlap(page, size=None, ignore=()): no text is cut, overlaps, or makes the page too wide
`read_source`        : read_source(page, name): the columns of a Bokeh data source, as lists
`read_model`         : read_model(page, name, "property"): a property of a named Bokeh model
`screens`            : build/screens/, which git ignores; keep what you looked at there

Without Chromium or Playwright these tests are skipped, with the reason.
"""

import asyncio
import os
import re
import shutil
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
HERE = re.compile(r"(file|data|blob|about|(http|ws)://(127\.0\.0\.1|localhost)(:\d+)?/)")
SIZE = (1280, 800)
PATIENCE = 15_000  # milliseconds until a page that does not answer is a fault

VALUES = """value => {
  const plain = (v) => {
    if (ArrayBuffer.isView(v)) {
      const flat = Array.from(v, Number), shape = v.shape ?? [];
      return shape.length == 2 ? Array.from({length: shape[0]}, (_, i) => flat.slice(i * shape[1], (i + 1) * shape[1])) : flat;
    }
    return Array.isArray(v) ? v.map(plain) : v;
  };
  return Object.fromEntries(Object.entries(value).map(([name, column]) => [name, plain(column)]));
}"""
MODEL = "(name) => Bokeh.documents.map((d) => d.get_model_by_name(name)).find((m) => m != null)"
IDLE = "() => typeof Bokeh === 'undefined' || Bokeh.documents.every((d) => d.is_idle)"


@pytest.fixture(scope="session")
def _driver():
    """(Playwright, its event loop), stopped at the end. The loop counts as running only while a test has a page."""
    sync = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install playwright")
    playwright = sync.sync_playwright().start()
    loop = asyncio.get_running_loop()
    _running(None)
    yield playwright, loop
    _running(loop)
    playwright.stop()
    _running(None)


def _running(loop) -> None:
    """Playwright leaves its loop running between calls, and asyncio then refuses to run another in the tests that follow."""
    asyncio._set_running_loop(loop)


@pytest.fixture(scope="session")
def chromium(_driver):
    """(Chromium, started once for each worker, the loop of its driver)."""
    playwright, loop = _driver
    path = next((found for found in map(shutil.which, BROWSERS) if found), None)
    if path is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    _running(loop)
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    started = playwright.chromium.launch(executable_path=path, args=[*root, "--hide-scrollbars"])
    _running(None)
    yield started, loop
    _running(loop)
    started.close()
    _running(None)


@pytest.fixture
def complaints() -> list[str]:
    """What the page complained of so far."""
    return []


@pytest.fixture
def page(chromium, complaints):
    """An empty page of 1280 x 800 pixels, without network."""
    started, loop = chromium
    _running(loop)
    try:
        context = started.new_context(viewport=dict(zip(("width", "height"), SIZE, strict=True)), accept_downloads=True)
        context.route(lambda url: not HERE.match(url), lambda route: _refuse(route, complaints))
        empty = context.new_page()
        empty.set_default_timeout(PATIENCE)
        empty.on("console", lambda said: complaints.append(f"console: {said.text}") if said.type == "error" else None)
        empty.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        yield empty
        context.close()
    finally:
        _running(None)
    assert not complaints, "\n".join(complaints)


def _refuse(route, complaints: list[str]) -> None:
    complaints.append(f"the page asked for {route.request.url}")
    route.abort()


@pytest.fixture(scope="session")
def screens() -> Path:
    """The folder for screens, which git ignores."""
    folder = ROOT / "build" / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def visit():
    """visit(page, path or address, size=(1280, 800)): load it, wait until Bokeh has drawn."""

    def go(page, where, size=SIZE):
        page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
        page.goto(where.resolve().as_uri() if isinstance(where, Path) else where, wait_until="load")
        page.wait_for_function(IDLE)
        return page

    return go


@pytest.fixture(scope="session")
def assert_no_overlap():
    """assert_no_overlap(page, size=None, ignore=()): no text is cut, overlaps, or makes the page wider than the screen.

    size : (width, height) of the screen, or as it is    ignore : selectors of elements whose text is left out
    """
    script = (Path(__file__).parent / "text_faults.js").read_text(encoding="utf-8")

    def check(page, size=None, ignore=(), tolerance=2):
        if size is not None:
            page.set_viewport_size(dict(zip(("width", "height"), size, strict=True)))
            page.wait_for_function(IDLE)
        faults = page.evaluate(script, {"ignore": list(ignore), "tolerance": tolerance})
        assert not faults, "\n".join(faults[:20])

    return check


@pytest.fixture(scope="session")
def read_source():
    """read_source(page, name): the columns of a Bokeh data source of this name, as lists (images as lists of rows)."""

    def read(page, name: str) -> dict:
        data = page.evaluate(f"(name) => {{ const m = ({MODEL})(name); return m ? ({VALUES})(m.data) : null }}", name)
        assert data is not None, f"the page has no Bokeh model named {name!r}"
        return data

    return read


@pytest.fixture(scope="session")
def read_model():
    """read_model(page, name, "property"): a property of the Bokeh model of this name."""

    def read(page, name: str, attribute: str):
        return page.evaluate(f"([name, attribute]) => ({MODEL})(name)[attribute]", [name, attribute])

    return read
