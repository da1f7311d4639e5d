"""A page of a run whose components have markup for names: nothing runs, and what is under the pointer is text."""

NAMES = (
    "<img src=x onerror=hacked=1>",
    "</script><script>hacked=1</script>",
    "a\u202eb $$\\href{x}{y}$$ javascript:hacked=1",
)


def test_markup_in_names_is_text(cli, own_run, page, visit, screens):
    named = [part for i, name in enumerate(NAMES) for part in ("--name", f"{i}={name}")]
    assert cli("cut", own_run, 3, *named)[0] == 0
    visit(page, own_run / "report.html")
    canvas = page.locator(".bk-Figure").nth(1)
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    for part in (0.3, 0.5, 0.7):
        page.mouse.move(box["x"] + part * box["width"], box["y"] + part * box["height"], steps=3)
        page.wait_for_timeout(60)
    page.screenshot(path=screens / "hostile_names.png")
    assert page.evaluate("typeof hacked") == "undefined"
    assert page.locator("img[src=x]").count() == 0
    assert "\u202e" not in page.evaluate("document.body.innerText")
