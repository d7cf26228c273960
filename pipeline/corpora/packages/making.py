"""The `general` corpus: package descriptions with dialogue, manuals, messages and a dictionary."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipeline.corpora.apt import PrivateApt
from pipeline.corpora.debian import read_descriptions, require_splits
from pipeline.corpora.folder import CorpusText
from pipeline.corpora.information import SPLITS, PackageInfo, Split
from pipeline.corpora.packages.collecting import Collected, collect_packages
from pipeline.corpora.packages.holding_out import choose_splits, drop_leaks
from pipeline.corpora.packages.registry import DESCRIPTIONS, DOMAINS, FEATURE
from pipeline.corpora.progress import Progress, silent
from pipeline.corpora.rows import PackedRows
from pipeline.corpora.text import one_line
from pipeline.errors import UserError


def check_domains(text: str) -> tuple[str, ...]:
    """Returns the domains in a list with commas, in the order of the registry.

    Raises:
        UserError: a domain is unknown, or there is none.
    """
    names = [name.strip() for name in text.split(",")]
    unknown = [name for name in names if name not in DOMAINS]
    if unknown:
        raise UserError(
            f"{unknown[0]!r} is no kind of text in packages: --with takes {', '.join(DOMAINS)}, "
            "or several of them with commas."
        )
    return tuple(domain for domain in DOMAINS if domain in names)


def make_general(
    name: str,
    apt_folder: Path,
    target_language: str,
    domains: Sequence[str] = DOMAINS,
    progress: Progress = silent,
) -> CorpusText:
    """Makes a corpus of package descriptions and of text in packages.

    Args:
        name: the name of the corpus.
        apt_folder: the folder for apt's files, and for packages.
        target_language: a language code of Debian, such as `de`, `fr` or `pt_BR`.
        domains: domains of the registry.
        progress: called at each step.

    Raises:
        UserError: there is no apt or network, or too little text for all splits.
    """
    descriptions = read_descriptions(name, apt_folder, target_language, progress, required=False)
    apt = PrivateApt(apt_folder, target_language)
    folder = apt_folder / "packages"
    collected = collect_packages(apt, folder, target_language, domains, progress)
    _require_text(collected, target_language)
    progress("Holding out packages", 0, None)
    chosen = choose_splits(collected.texts)
    drop_leaks(collected.texts, chosen, descriptions.splits)
    splits: dict[Split, PackedRows] = {split: PackedRows() for split in SPLITS}
    for split in SPLITS:
        for source, target, *_ in descriptions.splits[split]:
            splits[split].append((one_line(source), one_line(target), DESCRIPTIONS))
    packages = []
    dropped = Counter(descriptions.dropped)
    for text in collected.texts:
        split = chosen[text.package.name, text.domain]
        for source, target in text.pairs:
            splits[split].append((source, target, text.domain))
        dropped += text.dropped
        packages.append(
            PackageInfo(
                package=text.package.name,
                version=text.package.version,
                licence=text.licence or "see the copyright file of the package",
                bytes=text.package.bytes,
                domain=text.domain,
                split=split,
                pairs=len(text.pairs),
                dropped=dict(sorted(text.dropped.items())),
            )
        )
    corpus = CorpusText(
        name=name,
        source_language=descriptions.source_language,
        target_language=target_language,
        licence=f"{descriptions.licence}. Other text has the licences of its packages, listed in "
        "corpus.json",
        origin=f"{descriptions.origin}. {', '.join(domains)}: text in packages of the same archive",
        splits=splits,
        dropped=dropped,
        features=(FEATURE,),
        packages=tuple(packages),
        missing=collected.missing,
    )
    require_splits(corpus)
    return corpus


def _require_text(collected: Collected, language: str) -> None:
    if any(text.pairs for text in collected.texts):
        return
    if collected.complaint:
        raise UserError(
            f"No package could be read ({collected.complaint}): try again with a network, or leave "
            "out --with."
        )
    raise UserError(
        f"The packages have no such text in {language!r}: name other kinds of text, or leave out "
        "--with."
    )
