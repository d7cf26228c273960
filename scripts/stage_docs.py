"""Copies the pages of the site into one folder, without links to files outside the site.

    python scripts/stage_docs.py build/docs-source

README, docs and the pages beside manifests and benchmarks link to each other and to source files.
The site holds no source files, so a link to one becomes plain text, and every other link leads to a
page.
"""

import re
import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FURTHER_PAGES = ("benchmarks/results/attention_vs_basic.md", "serving/README.md")
"""Pages outside the navigation, with links from other pages."""
STYLE = Path("docs/site.css")
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s#]+)(#[^()\s]*)?\)")
_PICTURES = {".png", ".svg"}


def pages() -> list[Path]:
    """Returns the pages of the site, relative to the root."""
    site = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))
    named = re.findall(r"'([^']+\.md)'", str(site["project"]["nav"]))
    return [Path(each) for each in (*named, *FURTHER_PAGES)]


def staged(page: Path, site: set[Path]) -> tuple[str, set[Path]]:
    """Returns the text of a page for the site, and the pictures on it."""
    pictures: set[Path] = set()

    def link(match: re.Match[str]) -> str:
        _, text, target, _ = match.groups()
        if re.match(r"\w+:", target):
            return match[0]
        path = (ROOT / page.parent / target).resolve()
        if path.suffix in _PICTURES:
            pictures.add(path.relative_to(ROOT))
            return match[0]
        return match[0] if path in {ROOT / each for each in site} else text

    parts = re.split(
        r"(^ *```.*?^ *```$)",
        (ROOT / page).read_text(encoding="utf-8"),
        flags=re.MULTILINE | re.DOTALL,
    )
    # Every second part is a fenced block.
    parts[::2] = [_LINK.sub(link, part) for part in parts[::2]]
    return "".join(parts), pictures


def stage(folder: Path) -> None:
    """Empties a folder and writes the pages and their pictures into it."""
    shutil.rmtree(folder, ignore_errors=True)
    site = set(pages())
    for page in sorted(site):
        text, pictures = staged(page, site)
        target = folder / page
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        for picture in pictures:
            (folder / picture).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / picture, folder / picture)
    shutil.copy(ROOT / STYLE, folder / STYLE)


if __name__ == "__main__":
    stage(Path(sys.argv[1]))
