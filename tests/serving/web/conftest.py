"""Chromium, and a page whose model server has two versions of a dictionary."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from scripts.chromium import running_browser
from tests.serving.web.dictionary_server import (
    Dictionary,
    dictionary_server,
    page_settings,
    running_page,
)
from tests.serving.web.visit import Visit

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with running_browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def dictionary() -> Dictionary:
    return Dictionary()


@pytest.fixture(scope="module")
def address(tmp_path_factory, dictionary: Dictionary) -> Iterator[str]:
    """Of a page whose model server has two versions."""
    folder = tmp_path_factory.mktemp("models")
    with (
        dictionary_server(folder, dictionary=dictionary) as server,
        running_page(page_settings(server.port, max_characters=500)) as address,
    ):
        yield address


@pytest.fixture
def visit(browser: "Browser", address: str) -> Iterator[Visit]:
    """A visit to the page, which must end without a complaint of the browser."""
    with_page = Visit(browser, address)
    yield with_page
    with_page.context.close()
    assert with_page.complaints == []
    assert with_page.hosts == {address.split("/")[2]}
