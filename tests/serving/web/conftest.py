"""Chromium, and a page with a model server for two versions of a dictionary."""

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
    """Yields the address of a page with a model server for two versions."""
    folder = tmp_path_factory.mktemp("models")
    with (
        dictionary_server(folder, dictionary=dictionary) as server,
        running_page(page_settings(server.port, max_characters=500)) as address,
    ):
        yield address


@pytest.fixture
def visit(browser: "Browser", address: str) -> Iterator[Visit]:
    """Yields a visit to the page; the browser must not report an error during it."""
    with_page = Visit(browser, address)
    yield with_page
    with_page.context.close()
    assert with_page.complaints == []
    assert with_page.hosts == {address.split("/")[2]}
