"""Does the page of a sweep say in a real browser what each point sets? `pytest -m browser`."""

from pathlib import Path
from typing import Any

import pytest

from tests.browser.test_page import browser, find, prefer, resize  # noqa: F401 - browser is a fixture
from tests.report.run_folders import swept_folder

pytestmark = pytest.mark.browser


@pytest.fixture
def shown(browser: Any, tmp_path: Path) -> Any:  # noqa: F811
    folder = swept_folder(tmp_path / "swept")
    resize(browser, 1280)
    prefer(browser, "light")
    browser.get((folder / "report.html").as_uri())
    return browser


def test_a_point_is_reached_by_keyboard_and_names_its_parameters(shown: Any) -> None:
    figure = find(shown, "#sweep-1-front-time")
    marks = figure.find_elements("css selector", ".mark")
    said = figure.find_element("css selector", "output")
    shown.execute_script("arguments[0].focus()", marks[0])
    marks[0].send_keys("\ue010")  # end: the last of the front
    assert "pe_array.rows 12, glb.capacity_kb 100" in said.text
    assert shown.switch_to.active_element == marks[-1]
    assert shown.get_log("browser") == []


def test_a_phone_scrolls_down_only(shown: Any) -> None:
    resize(shown, 360)
    assert shown.execute_script("return document.documentElement.scrollWidth") <= 360
