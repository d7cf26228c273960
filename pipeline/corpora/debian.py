"""The `debian` corpus: Debian's package descriptions and their reviewed translations.

The Debian Description Translation Project translates the descriptions, and other people review each
translation. The archive publishes them beside the packages, so apt can fetch them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline.corpora.apt import ALTERNATIVES, AptList, PrivateApt
from pipeline.corpora.descriptions import (
    Description,
    PackagePairs,
    join_descriptions,
    parse_descriptions,
    parse_sources,
)
from pipeline.corpora.folder import CorpusText
from pipeline.corpora.information import SPLITS, Split
from pipeline.corpora.progress import Progress, silent
from pipeline.corpora.splitting import KeyedPair, drop_leaks, split_of
from pipeline.corpora.text import template_key
from pipeline.errors import UserError
from text.comparison import comparison_key
from text.languages import parse_language
from text.sentences import Pair

VALIDATION_SHARE = 0.031
TEST_SHARE = 0.030
_LIBRARY = re.compile(r"lib(?!er|rar|re)[\w+.-]+")
_LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2})?")
_BY_SCRIPT = {"zh-Hans": "zh_CN", "zh-Hant": "zh_TW"}


def debian_code(language: str) -> str:
    """Returns Debian's code of a language: `pt_BR` for `pt-BR`, `zh_CN` for `zh-Hans`.

    Raises:
        UserError: the text is no language code.
    """
    try:
        tag = parse_language(language).tag
    except ValueError as error:
        raise UserError(str(error)) from error
    return _BY_SCRIPT.get(tag, tag.replace("-", "_"))


def make_debian(
    name: str, apt_folder: Path, target_language: str, progress: Progress = silent
) -> CorpusText:
    """Fetches and joins Debian's package descriptions.

    Args:
        name: the name of the corpus.
        apt_folder: the folder for apt's files, reused for other languages.
        target_language: a language code of Debian, such as `de`, `fr` or `pt_BR`.
        progress: called at each step.

    Raises:
        UserError: there is no apt, no network, or no translation into this language, or too
            little for all splits.
    """
    corpus = read_descriptions(name, apt_folder, target_language, progress)
    require_splits(corpus)
    return corpus


def require_splits(corpus: CorpusText) -> None:
    """Raises UserError if a split of a corpus by apt is empty."""
    if not all(corpus.splits.values()):
        pairs = sum(map(len, corpus.splits.values()))
        raise UserError(
            f"Debian has {pairs} sentence pairs in {corpus.target_language!r}, too few to train "
            "and test a model: `nmt corpus import` makes a corpus of text of your own."
        )


def read_descriptions(
    name: str,
    apt_folder: Path,
    target_language: str,
    progress: Progress = silent,
    *,
    required: bool = True,
) -> CorpusText:
    """Fetches and joins Debian's package descriptions; a split may be empty.

    Args:
        name: as for `make_debian`, like the others.
        apt_folder: the folder for apt's files.
        target_language: a language code of Debian.
        progress: called at each step.
        required: whether a language without translations is refused.

    Raises:
        UserError: as `make_debian`, but for too little text.
    """
    if not _LANGUAGE.fullmatch(target_language) or target_language == "en":
        raise UserError(
            f"{target_language!r} is not a target language of Debian's descriptions: "
            "give a code such as de, fr or pt_BR."
        )
    apt = PrivateApt(apt_folder, target_language)
    complaints = apt.update(progress)
    lists = apt.lists()
    wanted = {"en", target_language} if required else {"en"}
    _require_translations(apt, lists, wanted, target_language, complaints)
    if complaints:
        progress(f"Continuing with the lists fetched so far; apt reports: {complaints}", 1, 1)

    step = "Joining the languages"
    progress(step, 0, None)
    originals: dict[str, Description] = {}
    translations: dict[str, Description] = {}
    families: dict[str, str] = {}
    for entry in lists:
        if entry.kind == "Packages":
            families.update(parse_sources(apt.read(entry)))
        elif entry.language == "en":
            originals = parse_descriptions(apt.read(entry), "en") | originals
        elif entry.language == target_language:
            translations = parse_descriptions(apt.read(entry), target_language) | translations
    joined, dropped = join_descriptions(originals, translations, ("en", target_language))
    names = {description.package for description in originals.values()} | set(families.values())
    splits, leaks = split_packages(joined, families, names)
    progress(step, 1, 1)
    used = [entry for entry in lists if entry.language == target_language]
    used = used or [entry for entry in lists if entry.language == "en"]
    return CorpusText(
        name=name,
        source_language="en",
        target_language=target_language,
        licence=_licence(used),
        origin=_origin(used, target_language),
        splits=splits,
        dropped=dropped + Counter(leaks),
    )


def split_packages(
    joined: Iterable[PackagePairs], families: Mapping[str, str], names: Iterable[str]
) -> tuple[dict[Split, list[Pair]], dict[str, int]]:
    """Assigns each family of packages, with the same source package, to one split.

    Args:
        joined: pairs by package.
        families: source packages by package, if their names differ.
        names: the names of all packages; near-duplicates may differ in these.

    Returns:
        The splits, and the number of dropped pairs by reason.
    """
    # Without names equal to ordinary words: `time` and `file` are packages, too.
    unmistakable = {name for name in names if re.search(r"[-\d]", name)}
    keyed: dict[Split, list[KeyedPair]] = {split: [] for split in SPLITS}
    for entry in joined:
        family = families.get(entry.package, entry.package)
        split = split_of(family, validation=VALIDATION_SHARE, test=TEST_SHARE)
        own = {entry.package, family}
        keyed[split] += [_keyed(pair, own, unmistakable) for pair in entry.pairs]
    return drop_leaks(keyed)


def _keyed(pair: Pair, own: set[str], unmistakable: set[str]) -> KeyedPair:
    def is_name(word: str, position: int) -> bool:
        lower = word.lower()
        return lower in own or lower in unmistakable or bool(_LIBRARY.fullmatch(lower))

    def is_english_name(word: str, position: int) -> bool:
        capital = word[:1].isupper() and position > 0
        return capital or word[1:] != word[1:].lower() or is_name(word, position)

    source, target = pair
    return KeyedPair(
        pair,
        frozenset(filter(None, (comparison_key(source), template_key(source, is_english_name)))),
        frozenset(filter(None, (comparison_key(target), template_key(target, is_name)))),
    )


def _require_translations(
    apt: PrivateApt, lists: list[AptList], wanted: set[str], language: str, complaints: str
) -> None:
    found = {entry.language for entry in lists if entry.kind == "Translations"}
    if wanted <= found:
        return
    offered = apt.translated_languages()
    if offered and language not in offered:
        raise UserError(
            f"Debian has no descriptions in {language!r}; --target can be {', '.join(offered)}."
        )
    reason = f" ({complaints})" if complaints else ""
    raise UserError(
        f"The package archive cannot be reached{reason}: try again with a network, or "
        f"{ALTERNATIVES}."
    )


def _origin(used: list[AptList], language: str) -> str:
    """Describes the origin of the text: archive, release and the date of its release file."""
    parts = []
    for entry in used:
        release_file = entry.release_file
        text = release_file.read_text(encoding="utf-8", errors="replace") if release_file else ""
        fields = dict(re.findall(r"^(Date|Suite|Version): (.+)$", text, re.MULTILINE))
        details = " ".join(f"{key.lower()} {value}," for key, value in sorted(fields.items()))
        parts.append(
            f"{entry.archive} {entry.release} {entry.component}, {details} {entry.address}"
        )
    what = f"Package descriptions, Translation-en joined with Translation-{language}"
    if not any(entry.language == language for entry in used):
        what = f"No package descriptions in {language}"
    return f"{what}: {'; '.join(parts)}"


def _licence(used: list[AptList]) -> str:
    if any(entry.archive == "Ubuntu" for entry in used):
        translators = "Launchpad's translators (BSD licence) and Debian's"
    else:
        translators = "the Debian Description Translation Project (https://ddtp.debian.org)"
    return (
        "No single licence: each description is under the terms of the package that it describes; "
        f"the translations are the work of {translators}"
    )
