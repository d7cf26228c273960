"""Runs the pipeline and takes the screenshots of the documentation.

    python -m scripts.take_screenshots --config multi30k --set training.epochs=5

    docs/pictures/page.png         a translation in the page of `nmt web`
    docs/pictures/overview.png     the same page beside the verdict of the run
    docs/pictures/report.png       the report of the run
    docs/pictures/tensorboard.png  the curves of the training
    docs/pictures/terminal.png     `nmt heatmap` in a terminal

Options go to `nmt run`, which reuses cached results. Needs Chromium. Servers listen on this machine
only.
"""

import base64
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Template

from scripts import chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs/pictures"
SENTENCE = "A man in a red jacket is climbing a steep mountain."
WORD = "climbing"
"""The source word under the pointer."""
_SECONDS_TO_START = 120
_PATIENCE = 60_000
"""Milliseconds of Chromium's waits for a part of a page."""
_WIDTH, _HEIGHT = 1180, 860
_TAGS = "loss|bleu"
"""The curves that TensorBoard shows, as a regular expression."""
_TERMINAL = Template(
    """<!doctype html><meta charset="utf-8"><style>
body { margin: 0; display: flex; gap: 20px; padding: 20px; background: #e9ecef; width: max-content;
       align-items: flex-start }
img, pre { border-radius: 8px; box-shadow: 0 2px 10px #0004 }
pre { margin: 0; padding: 18px 22px; background: #16191d; color: #e4e7ea;
      font: 14px/1.45 "DejaVu Sans Mono", monospace }
</style>
{% if picture %}<img src="data:image/png;base64,{{ picture }}" height="{{ height }}">{% endif %}
<pre>{{ text }}</pre>""",
    autoescape=True,
)


def take_page(
    browser: "Browser", address: str, target: Path, sentence: str, word: str, panel: Path
) -> None:
    """Translates a sentence in the page and points at one of its words.

    Args:
      browser: a running Chromium.
      address: URL of the page of `nmt web`.
      target: the PNG file to write.
      sentence: the sentence to translate.
      word: the source word to point at.
      panel: the PNG file for the translation and its heatmap alone.
    """
    with _opened(browser, address) as page:
        page.locator("details summary").first.click()  # hides the example sentences
        page.fill("#text", sentence)
        page.keyboard.press("Enter")
        page.locator(".panel .heatmap").first.wait_for()
        page.locator(".source .word").get_by_text(word, exact=True).hover()
        page.screenshot(path=target, full_page=True)
        page.locator(".panel").first.screenshot(path=panel)


def take_report(browser: "Browser", report: Path, target: Path) -> None:
    """Takes a screenshot of the first screen of an HTML report."""
    with _opened(browser, report.resolve().as_uri()) as page:
        page.screenshot(path=target)


def take_tensorboard(browser: "Browser", logs: Path, target: Path) -> None:
    """Takes a screenshot of TensorBoard's curves for the events below a folder."""
    port = _free_port()
    arguments = ["-m", "tensorboard.main", "--logdir", str(logs), "--host", "127.0.0.1"]
    with _running([*arguments, "--port", str(port)]):
        address = f"http://127.0.0.1:{port}"
        _wait_for(address)
        with _opened(browser, f"{address}/?tagFilter={_TAGS}#timeseries") as page:
            page.locator("card-view line-chart").first.wait_for()
            page.wait_for_timeout(3000)  # until the curves are drawn
            page.screenshot(path=target)


def take_terminal(
    browser: "Browser", text: str, target: Path, picture: Path | None = None, height: int = 620
) -> None:
    """Takes a screenshot of text in a terminal, to the right of a picture if one is given.

    Args:
      browser: a running Chromium.
      text: the lines of the terminal.
      target: the PNG file to write.
      picture: a PNG file.
      height: height of the picture, in pixels.
    """
    image = base64.b64encode(picture.read_bytes()).decode() if picture else None
    with _opened(browser, "about:blank") as page:
        page.set_content(_TERMINAL.render(text=text, picture=image, height=height))
        page.locator("body").screenshot(path=target)


def take_all(options: list[str], folder: Path) -> None:
    """Runs the pipeline and takes all screenshots of its model.

    Args:
      options: options of `nmt run`, including the configuration.
      folder: the folder to write to.

    Raises:
      subprocess.CalledProcessError: the run or a command failed; its messages were printed.
    """
    summary = json.loads(_output(["run", *options, "--json"]))
    name, workspace = summary["pipeline"], Path(summary["log"]).parents[2]
    common = ["--config", name, "--workspace", str(workspace)]
    with chromium.running_browser() as browser:
        port = _free_port()
        with _running(["-m", "pipeline", "web", *common, "--port", str(port)]):
            address = f"http://127.0.0.1:{port}"
            _wait_for(address)
            panel = folder / "overview.png"
            take_page(browser, address, folder / "page.png", SENTENCE, WORD, panel)
        verdict = _output(["run", *options]).replace(f"{workspace.resolve().parent}/", "")
        shown = f"$ {shlex.join(['nmt', 'run', *options])}\n{verdict}"
        take_terminal(browser, shown, panel, picture=panel)
        take_report(browser, Path(summary["html_report"]), folder / "report.png")
        take_tensorboard(browser, workspace / "pipelines" / name, folder / "tensorboard.png")
        arguments = ["heatmap", "--config", name, "The cat is on the mat."]
        heatmap = _output([*arguments, "--workspace", str(workspace)])
        take_terminal(
            browser, f"$ {shlex.join(['nmt', *arguments])}\n{heatmap}", folder / "terminal.png"
        )


def main(options: list[str]) -> int:
    """Takes all screenshots; returns the exit status: 0, or 1 with the reason on standard error."""
    if chromium.IS_MISSING:
        print(f"screenshots: {chromium.REASON}", file=sys.stderr)
        return 1
    try:
        take_all(options, PICTURES)
    except subprocess.CalledProcessError as error:
        print(f"screenshots: {shlex.join(error.cmd)} failed", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _opened(browser: "Browser", address: str) -> Iterator["Page"]:
    context = browser.new_context(viewport={"width": _WIDTH, "height": _HEIGHT})
    page = context.new_page()
    page.set_default_timeout(_PATIENCE)
    try:
        page.goto(address, wait_until="load")
        yield page
    finally:
        context.close()


@contextmanager
def _running(arguments: list[str]) -> Iterator[None]:
    """Runs a Python program in the background."""
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _output(arguments: list[str]) -> str:
    """Returns the standard output of a command of `nmt`."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("nmt").relative_to(ROOT)), *arguments],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    ).stdout


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


def _wait_for(address: str) -> None:
    end = time.monotonic() + _SECONDS_TO_START
    while True:
        try:
            urllib.request.urlopen(address, timeout=5).close()
            return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
