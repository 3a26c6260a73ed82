"""Does a page work in a real browser? Debian's chromium, headless; `pytest -m browser`."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from picojoule.__main__ import main
from tests.report.run_folders import estimated_folder, pruned_folder, validated_folder

pytestmark = pytest.mark.browser
webdriver = pytest.importorskip("selenium.webdriver")
BROWSER, DRIVER = Path("/usr/bin/chromium"), Path("/usr/bin/chromedriver")
WAIT_SECONDS = 10
DARK, LIGHT = "rgb(20, 23, 27)", "rgb(255, 255, 255)"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs side by side, a pruning run and a validation."""
    folder = tmp_path_factory.mktemp("page")
    folders = [
        estimated_folder(folder / "one"),
        estimated_folder(folder / "two", "--batch", 4),
        validated_folder(folder / "validated"),
        pruned_folder(folder / "pruned"),
    ]
    assert main(["report", *map(str, folders), "-o", str(folder / "page.html")]) == 0
    return folder / "page.html"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Without a network: every name leads nowhere."""
    if not BROWSER.exists() or not DRIVER.exists():
        pytest.fail(f"{BROWSER} or {DRIVER} is not there; apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-dev-shm-usage",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ):
        options.add_argument(argument)
    options.binary_location = str(BROWSER)
    downloads = str(tmp_path_factory.mktemp("downloads"))
    options.add_experimental_option("prefs", {"download.default_directory": downloads})
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(str(DRIVER)))
    driver.downloads = Path(downloads)
    yield driver
    driver.quit()


@pytest.fixture
def shown(browser: Any, page: Path) -> Any:
    """The page as it opens on a desk, in a light system."""
    resize(browser, 1280)
    prefer(browser, "light")
    browser.get(page.as_uri())
    browser.execute_script("localStorage.clear()")
    browser.refresh()
    return browser


def resize(browser: Any, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def prefer(browser: Any, theme: str) -> None:
    """Without motion: what is clicked stands still."""
    features = [
        {"name": "prefers-color-scheme", "value": theme},
        {"name": "prefers-reduced-motion", "value": "reduce"},
    ]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def find(browser: Any, selector: str) -> Any:
    return browser.find_element("css selector", selector)


def ground(browser: Any) -> str:
    return str(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))


def ink_of_text(browser: Any) -> str:
    return str(browser.execute_script("return getComputedStyle(document.querySelector('svg text')).fill"))


def downloaded(browser: Any, name: str) -> str:
    path = browser.downloads / name
    end = time.monotonic() + WAIT_SECONDS
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.05)
    return str(path.read_text(encoding="utf-8"))


def test_it_renders_without_a_word_on_the_console(shown: Any) -> None:
    figures = shown.find_elements("css selector", "figure svg")
    assert len(figures) == 3 + 2 * (4 + 2 * 3) + 4 + 4
    visible = [figure for figure in figures if figure.is_displayed()]
    assert len(visible) == len(figures) - 2 * 2 * 2, "of each run's three layers one is shown"
    assert all(figure.size["height"] > 50 for figure in visible)
    assert shown.get_log("browser") == []


def test_it_asks_for_nothing_but_itself(shown: Any, page: Path) -> None:
    shown.get_log("performance")
    shown.refresh()
    messages = [json.loads(entry["message"])["message"] for entry in shown.get_log("performance")]
    asked = [one["params"]["request"]["url"] for one in messages if one["method"] == "Network.requestWillBeSent"]
    assert {url for url in asked if not url.startswith("data:")} == {page.as_uri()}


def test_every_link_inside_leads_to_its_section(shown: Any) -> None:
    links = shown.find_elements("css selector", "nav a")
    assert len(links) == 10
    for link in links:
        link.click()
        target = shown.current_url.split("#")[1]
        assert find(shown, f"#{target} h2").text == link.text


def test_the_theme_follows_the_system_and_the_button(shown: Any) -> None:
    button = find(shown, "#theme")
    assert (button.text, ground(shown)) == ("Theme: system", LIGHT)
    prefer(shown, "dark")
    assert ground(shown) == DARK
    dark_ink = ink_of_text(shown)
    button.click()
    assert (button.text, ground(shown)) == ("Theme: light", LIGHT)
    assert ink_of_text(shown) != dark_ink
    button.click()
    prefer(shown, "light")
    assert (button.text, ground(shown), ink_of_text(shown)) == ("Theme: dark", DARK, dark_ink)
    shown.refresh()
    assert (find(shown, "#theme").text, ground(shown)) == ("Theme: dark", DARK), "it is remembered"


def test_a_layer_is_chosen_for_all_runs(shown: Any) -> None:
    for select in ("#layer-1", "#layer-2"):
        assert find(shown, select).get_attribute("value") == "CONV1"
    find(shown, "#layer-2").send_keys("FC3")
    assert find(shown, "#layer-1").get_attribute("value") == "FC3"
    shown_layers = [layer for layer in shown.find_elements("css selector", ".layer") if layer.is_displayed()]
    assert [layer.get_attribute("data-layer") for layer in shown_layers] == ["FC3", "FC3"]


def test_marks_are_reached_by_keyboard_and_say_what_they_stand_for(shown: Any) -> None:
    figure = find(shown, "#run-1-energy-by-level")
    marks = figure.find_elements("css selector", ".mark")
    said = figure.find_element("css selector", "output")
    shown.execute_script("arguments[0].focus()", marks[0])
    assert said.text.startswith("CONV1, MAC: ")
    marks[0].send_keys("\ue014")  # arrow right
    assert said.text.startswith("CONV1, spad: ")
    assert shown.switch_to.active_element == marks[1]
    marks[1].send_keys("\ue010")  # end
    assert said.text.startswith("FC3, DRAM: ")
    in_order = [mark for mark in marks if mark.get_attribute("tabindex") == "0"]
    assert in_order == [marks[-1]], "one stop for Tab in each figure"


def test_tab_goes_through_the_page_from_its_top(shown: Any) -> None:
    names = []
    for _ in range(4):
        shown.switch_to.active_element.send_keys("\ue004")
        names.append(shown.switch_to.active_element.text)
    assert names[:3] == ["Skip to the figures", "Theme: system", "Totals"]


def test_numbers_fold_out_and_are_those_of_the_csv(shown: Any) -> None:
    figure = find(shown, "#run-1-energy-by-level")
    details = figure.find_element("css selector", "details")
    assert not details.find_element("css selector", "table").is_displayed()
    details.find_element("css selector", "summary").click()
    cells = [row.text.split() for row in details.find_elements("css selector", "tbody tr")]
    figure.find_element("css selector", "a[download]").click()
    lines = downloaded(shown, "run-1-energy-by-level.csv").splitlines()
    assert lines[0].startswith("layer,mac [one 16-bit MAC],spad")
    for row, line in zip(cells, lines[1:], strict=True):
        name, mac, *_, origin = line.split(",")
        assert (row[0], origin) == (name, "analytic")
        assert float(row[1].replace(",", "")) == pytest.approx(float(mac), rel=1e-5)


def test_a_figure_is_downloaded_as_an_svg_by_itself(shown: Any) -> None:
    find(shown, "#run-1-roofline button").click()
    root = ElementTree.fromstring(downloaded(shown, "run-1-roofline.svg"))
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    style = root.find("{http://www.w3.org/2000/svg}style")
    assert style is not None
    assert ".c0{fill:#0072B2" in (style.text or "")
    assert float(root.attrib["width"]) > 100
    assert shown.get_log("browser") == []


def test_a_phone_scrolls_down_only(shown: Any) -> None:
    for width in (360, 768):
        resize(shown, width)
        assert shown.execute_script("return document.documentElement.scrollWidth") <= width
        letters = shown.execute_script(
            "return Math.min(...[...document.querySelectorAll('svg text')].filter(t => t.getClientRects().length)"
            ".map(t => t.getBoundingClientRect().height))"
        )
        assert letters >= 8


def test_text_can_be_selected(shown: Any) -> None:
    text = find(shown, "#run-1-energy-by-level svg text:nth-of-type(8)")
    found = shown.execute_script(
        "getSelection().selectAllChildren(arguments[0]); return getSelection().toString()", text
    )
    assert found == text.text != ""
