"""The page's messages if a server, a model or a text causes an error."""

from typing import TYPE_CHECKING

import pytest

from scripts.chromium import IS_MISSING, REASON
from tests.serving.web.dictionary_server import (
    SLOW,
    Dictionary,
    dictionary_server,
    page_settings,
    running_page,
)
from tests.serving.web.visit import SENTENCE, Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(IS_MISSING, reason=REASON)]


def _ignoring_failed_requests(visit: Visit) -> list[str]:
    """Returns the reported errors, without the browser's notes about failed requests."""
    return [each for each in visit.complaints if not each.startswith("Failed to load resource")]


def test_a_server_that_dies_is_a_sentence_in_the_page(browser: "Browser", tmp_path) -> None:
    with dictionary_server(tmp_path) as server:
        settings = page_settings(server.port)
        with running_page(settings) as address:
            visit = Visit(browser, address)
            visit.translate(SENTENCE)
            server.end()
            visit.page.wait_for_timeout(500)
            visit.page.keyboard.press("Enter")
            alert = visit.page.locator("#notice:not([hidden])")
            alert.wait_for()
            assert alert.text_content() == (
                f"The model server at {settings.server} does not answer. "
                "Make sure that it runs, and try again."
            )
            assert visit.findings() == []
            visit.picture("dead-server")
        visit.page.keyboard.press("Enter")
        visit.page.get_by_text("The page cannot reach its gateway any more.").wait_for()
        assert _ignoring_failed_requests(visit) == []
        visit.context.close()


def test_a_page_whose_server_is_dead_from_the_start_says_so(browser: "Browser") -> None:
    with running_page(page_settings(9)) as address:
        visit = Visit(browser, address)
        visit.page.get_by_text("does not answer").wait_for()
        assert visit.page.locator("#text").is_editable()
        visit.context.close()
        assert _ignoring_failed_requests(visit) == []


def test_a_text_that_is_too_long_is_a_sentence_in_the_page(
    browser: "Browser", address: str
) -> None:
    visit = Visit(browser, address)
    visit.page.fill("#text", "long " * 101)
    visit.page.keyboard.press("Enter")
    visit.page.get_by_text("This text has 505 characters, and 500 are allowed.").wait_for()
    visit.context.close()
    assert _ignoring_failed_requests(visit) == []


def test_a_model_that_takes_too_long_is_a_sentence_in_the_page(
    browser: "Browser", tmp_path
) -> None:
    dictionary = Dictionary()
    with (
        dictionary_server(tmp_path, dictionary=dictionary) as server,
        running_page(page_settings(server.port, timeout=0.5)) as address,
    ):
        visit = Visit(browser, address)
        visit.page.fill("#text", SLOW)
        visit.page.keyboard.press("Enter")
        visit.page.get_by_text("took longer than 0.5 seconds").wait_for()
        visit.context.close()
        dictionary.may_go_on.set()
    assert _ignoring_failed_requests(visit) == []


def test_one_version_of_two_that_fails_leaves_the_other(browser: "Browser", tmp_path) -> None:
    with (
        dictionary_server(tmp_path) as server,
        running_page(page_settings(server.port)) as address,
    ):
        visit = Visit(browser, address)
        visit.page.locator("#other option[value='1']").wait_for(state="attached")
        visit.page.evaluate("document.querySelector('#other').add(new Option('9', '9'))")
        visit.page.select_option("#other", "9")
        visit.translate(SENTENCE)
        assert visit.page.locator(".panel").count() == 2
        assert "does not serve version 9" in visit.text(".panel .complaint")
        visit.context.close()
    assert _ignoring_failed_requests(visit) == []


def test_a_server_with_one_version_says_that_there_is_nothing_to_compare(
    browser: "Browser", tmp_path
) -> None:
    with (
        dictionary_server(tmp_path, versions=1) as server,
        running_page(page_settings(server.port)) as address,
    ):
        visit = Visit(browser, address)
        visit.page.get_by_text("the server has one version").wait_for()
        assert visit.page.locator("#other").is_disabled()
        visit.context.close()
    assert visit.complaints == []
