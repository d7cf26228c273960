"""Shows the progress of making a corpus, and a short table at the end."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.corpora.information import SPLITS, CorpusInfo
from pipeline.corpora.progress import Progress
from text.visible import visible

_MOST_FILES = 20


@contextmanager
def shown_progress() -> Iterator[Progress]:
    """Shows progress on standard error, as bars on a terminal and as lines elsewhere.

    Yields:
        The function to report progress with.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _lines(console)
        return
    with ProgressBar(
        TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), console=console
    ) as bars:
        yield _bars(bars)


def _lines(console: Console) -> Progress:
    begun: set[str] = set()

    def show(step: str, done: int, total: int | None) -> None:
        if step not in begun:
            begun.add(step)
            console.print(f"{visible(step)} ...", markup=False, highlight=False, soft_wrap=True)

    return show


def _bars(bars: ProgressBar) -> Progress:
    tasks: dict[str, TaskID] = {}

    def show(step: str, done: int, total: int | None) -> None:
        if step not in tasks:
            for earlier in tasks.values():
                _finish(bars, earlier)
            tasks[step] = bars.add_task(escape(step), total=total)
        bars.update(tasks[step], completed=done, total=total)

    return show


def _finish(bars: ProgressBar, task: TaskID) -> None:
    """Shows a step of unknown length as done, when the next step begins."""
    if bars.tasks[task].total is None:
        bars.update(task, completed=1, total=1)


def print_summary(information: CorpusInfo, folder: Path, further: Mapping[str, str]) -> None:
    """Prints the contents of a corpus, left-out pairs, licence, folder and further lines."""
    console = Console()
    languages = (information.source_language, information.target_language)
    table = Table(
        title=Text(visible(f"Corpus {information.name}, {' to '.join(languages)}")),
        title_justify="left",
    )
    table.add_column("split")
    for heading in ("pairs", *(f"words ({language})" for language in languages)):
        table.add_column(Text(visible(heading)), justify="right")
    for split in SPLITS:
        words = information.words[split]
        numbers = (information.counts[split], words.source, words.target)
        table.add_row(split, *(f"{number:,}" for number in numbers))
    console.print(table)
    if information.packages:
        _print_packages(console, information)
    if len(information.files) > 1 or information.rejected:
        _print_files(console, information)
    if information.features:
        _print_field(console, "features", ", ".join(information.features))
    for label, reasons in (("left out", information.dropped), ("rejected", information.rejected)):
        if reasons:
            listed = ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
            _print_field(console, label, listed)
    _print_field(console, "origin", information.origin)
    _print_field(console, "licence", information.licence)
    _print_field(console, "checksum", information.checksum)
    _print_field(console, "folder", str(folder))
    for label, value in further.items():
        _print_field(console, label, value)


def _print_files(console: Console, information: CorpusInfo) -> None:
    """Prints what was taken of each imported file and what was left, by reason."""
    if not information.files:
        return
    reasons = list(dict.fromkeys(each for counts in information.files.values() for each in counts))
    table = Table(title="Imported files", title_justify="left")
    table.add_column("file", overflow="fold")
    for reason in reasons:
        table.add_column(reason, justify="right")
    largest = sorted(information.files.items(), key=lambda each: -sum(each[1].values()))
    rows = largest[:_MOST_FILES]
    if others := largest[_MOST_FILES:]:
        rest = sum((Counter(counts) for _, counts in others), Counter[str]())
        rows.append((f"{len(others):,} more", rest))
    for name, counts in rows:
        numbers = (f"{counts[reason]:,}" if counts.get(reason) else "" for reason in reasons)
        table.add_row(Text(visible(name)), *numbers)
    console.print(table)


def _print_packages(console: Console, information: CorpusInfo) -> None:
    """Prints what is from packages, by domain, and what could not be read."""
    table = Table(title="Text in packages", title_justify="left")
    table.add_column("domain")
    for heading in ("packages", "MB", *SPLITS, "left out"):
        table.add_column(heading, justify="right")
    for domain in dict.fromkeys(entry.domain for entry in information.packages):
        entries = [entry for entry in information.packages if entry.domain == domain]
        pairs = Counter[str]()
        for entry in entries:
            pairs[entry.split] += entry.pairs
            pairs["left out"] += sum(entry.dropped.values())
        megabytes = sum(entry.bytes for entry in entries) / 1e6
        numbers = [f"{pairs[column]:,}" for column in (*SPLITS, "left out")]
        table.add_row(domain, str(len(entries)), f"{megabytes:,.1f}", *numbers)
    console.print(table)
    for reason in dict.fromkeys(information.missing.values()):
        names = [name for name, other in information.missing.items() if other == reason]
        _print_field(console, reason, ", ".join(names))
    for name, counts in information.overlaps.items():
        listed = ", ".join(f"{count:,} of {split}" for split, count in counts.items())
        _print_field(console, f"in {name}, too", listed)


def _print_field(console: Console, label: str, value: str) -> None:
    console.print(f"{label:<9} {visible(value)}", markup=False, highlight=False, soft_wrap=True)
