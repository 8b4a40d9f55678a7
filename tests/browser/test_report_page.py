"""`report.html` in a real browser: it can be searched, sorted, read without a mouse, and harmed by no name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.unit.report.made_report import HORIZON, HOSTILE, data_of

NAMES = "#list tbody .name"


def names(page: Page) -> list[str]:
    return page.locator(NAMES).all_text_contents()


def column(page: Page, key: str) -> list[float]:
    place = page.locator("#list thead th").evaluate_all(
        f"heads => heads.findIndex(head => head.dataset.key === '{key}')"
    )
    cells = page.locator(f"#list tbody tr > :nth-child({place + 1})").all_inner_texts()
    return [float(cell.removesuffix("\u00a0%").replace(",", "")) for cell in cells if cell != "–"]  # noqa: RUF001


def test_the_verdict_is_the_heading_and_warnings_come_first(page: Page) -> None:
    expect(page.locator("h1")).to_contain_text("Over 14 series, 6 days ahead")
    assert page.locator("main > section").first.locator(".notices li").count() > 0


def test_the_list_begins_with_the_series_of_most_error_and_shows_the_first(page: Page, report: Path) -> None:
    order = [one["id"] for one in data_of(report.read_text(encoding="utf-8"))["series"]]
    assert names(page) == order
    expect(page.locator("#one h3")).to_have_text(order[0])
    expect(page.locator("#list tr.selected")).to_have_count(1)


def test_search_finds_by_part_of_a_name_whatever_its_case(page: Page) -> None:
    page.get_by_label("Find").fill("I1")
    assert sorted(names(page)) == ["i10", "i11", "i12", "i13"]
    expect(page.locator("#found")).to_have_text("4 of 14 series")
    page.get_by_label("Find").fill("nothing like it")
    assert names(page) == []
    expect(page.locator("#page")).to_have_text("Page 1 of 1")


def test_a_flag_chooses_the_series_that_have_it(page: Page) -> None:
    page.get_by_label("Show", exact=True).select_option("constant")
    assert names(page) == ["i5"]
    page.get_by_label("Show", exact=True).select_option("")
    page.locator("a.filter[data-flag=constant]").click()
    assert names(page) == ["i5"]


@pytest.mark.parametrize("key", ["size", "error", "naive"])
def test_a_head_sorts_and_sorts_back(page: Page, key: str) -> None:
    head = page.locator(f"#list th[data-key={key}]")
    head.get_by_role("button").click()
    assert column(page, key) == sorted(column(page, key), reverse=True)
    expect(head).to_have_attribute("aria-sort", "descending")
    head.get_by_role("button").click()
    assert column(page, key) == sorted(column(page, key))
    expect(head).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("#list [aria-sort]")).to_have_count(1)


def test_names_sort_by_their_numbers(page: Page) -> None:
    page.get_by_label("Find").fill("i")
    page.locator("#list th[data-key=id] button").click()
    plain = [name for name in names(page) if re.fullmatch(r"i\d+", name)]
    assert plain == [f"i{number}" for number in range(5, 14)]


def test_a_series_is_chosen_by_click_and_drawn(page: Page) -> None:
    page.locator(NAMES, has_text="i12").click()
    expect(page.locator("#one h3")).to_have_text("i12")
    expect(page.locator("#shown")).to_contain_text("i12 is shown beside the list.")
    expect(page.locator("#one canvas")).to_have_count(1)
    painted = page.locator("#one canvas").evaluate(
        "canvas => new Set(canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data).size"
    )
    assert painted > 10
    page.locator("#one summary").click()
    expect(page.locator("#one details tbody tr")).to_have_count(HORIZON)
    expect(page.locator("#one .parts figure")).to_have_count(2)  # of three components one is nothing but zeros


def test_the_chart_is_read_where_the_pointer_is(page: Page) -> None:
    page.locator("#one .u-over").hover(position={"x": 200, "y": 100})
    expect(page.locator("#one .read")).to_have_text(re.compile(r"^\d+ \w+ 2024 · actual "))
    box = page.locator("#one .u-over").bounding_box()
    assert box
    page.locator("#one .u-over").hover(position={"x": box["width"] - 3, "y": 100})
    expect(page.locator("#one .read")).to_have_text(re.compile(r"forecast .* · 80 %: .* to .* · 95 %: .* to "))


def test_the_range_of_the_chart_is_chosen_by_buttons(page: Page) -> None:
    page.get_by_role("button", name="All", exact=True).click()
    expect(page.get_by_role("button", name="All", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(page.get_by_role("button", name="Recent", exact=True)).to_have_attribute("aria-pressed", "false")


def test_all_can_be_done_by_keyboard(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Find")).to_be_focused()
    page.keyboard.type("i1")
    for _ in range(6):  # the choice of flags and the four heads, then the first name
        page.keyboard.press("Tab")
    expect(page.locator(NAMES).first).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(page.locator(NAMES).nth(1)).to_be_focused()
    chosen = names(page)[1]
    page.keyboard.press("Enter")
    expect(page.locator("#one h3")).to_have_text(chosen)
    expect(page.locator(NAMES).nth(1)).to_be_focused()
    expect(page.locator(NAMES).nth(1)).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowUp")
    expect(page.locator(NAMES).first).to_be_focused()


@pytest.mark.parametrize("place", range(len(HOSTILE)))
def test_a_hostile_name_stays_text(page: Page, place: int) -> None:
    before = page.locator("img, script").count()
    page.locator(NAMES).evaluate_all(
        "(names, wanted) => names.find((name) => name.textContent === wanted).click()", HOSTILE[place]
    )
    assert page.locator("#one h3").evaluate("title => title.textContent") == HOSTILE[place]
    assert page.locator("img, script").count() == before == 3


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anyone_out(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    page.locator("#one summary").click()
    page.locator("#data summary").click()
    found = Axe().run(page).response["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []


def colours(page: Page) -> tuple[str, str]:
    page.wait_for_timeout(100)
    return tuple(
        page.evaluate("[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]")
    )


def test_dark_is_dark_and_paper_is_light_whatever_the_screen(page: Page) -> None:
    page.emulate_media(color_scheme="light")
    light = colours(page)
    page.emulate_media(color_scheme="dark")
    assert colours(page) != light
    page.emulate_media(color_scheme="dark", media="print")
    assert colours(page) == light
    expect(page.locator(".tools")).to_be_hidden()
    expect(page.locator("#one canvas")).to_have_count(1)
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_a_telephone_scrolls_tables_and_not_the_page(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.wait_for_timeout(300)  # the chart is drawn again once the width has settled
    assert page.evaluate("document.documentElement.scrollWidth") == 390


def test_without_scripts_the_verdict_and_the_tables_are_there(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    opened = context.new_page()
    opened.goto(report.as_uri())
    expect(opened.locator("h1")).to_contain_text("Over 14 series")
    expect(opened.locator("#models tbody tr").first).to_be_visible()
    expect(opened.locator("noscript p")).to_be_visible()
    expect(opened.locator("#browser")).to_be_hidden()
    context.close()
