from collections import Counter

from pipeline.corpora.apt import Package
from pipeline.corpora.information import Split
from pipeline.corpora.packages import holding_out
from pipeline.corpora.packages.collecting import PackageText
from pipeline.corpora.packages.holding_out import choose_splits, drop_leaks
from pipeline.corpora.text import Row

LETTERS = "abcdefghijklmnopqrstuvwxyz"
NOTHING: dict[Split, list[Row]] = {"train": [], "validation": [], "test": []}


def text(name: str, pairs: list[tuple[str, str]], domain: str = "manuals") -> PackageText:
    return PackageText(Package(name, "1", "", 0, ""), domain, pairs)


def many(count: int, pairs: int, domain: str = "manuals", prefix: str = "p") -> list[PackageText]:
    return [
        text(
            f"{prefix}{number}",
            [(f"{LETTERS[a % 26]}{LETTERS[a // 26]} {number}", f"x {a}") for a in range(pairs)],
            domain,
        )
        for number in range(count)
    ]


def test_each_domain_has_packages_in_each_split() -> None:
    texts = many(100, 30, "manuals") + many(60, 40, "dialogue", "q")
    chosen = choose_splits(texts)
    for domain, count in (("manuals", 100), ("dialogue", 60)):
        splits = Counter(split for (_, of), split in chosen.items() if of == domain)
        assert splits["test"] == splits["validation"] == count // 20
        assert splits.total() == count


def test_splits_hold_about_as_many_pairs_as_wanted() -> None:
    texts = many(200, 200)
    chosen = choose_splits(texts)
    for split in ("validation", "test"):
        held = sum(200 for entry in texts if chosen[entry.package.name, "manuals"] == split)
        assert holding_out.WANTED <= held <= 1.2 * holding_out.WANTED


def test_the_only_package_of_a_domain_is_trained_on() -> None:
    assert choose_splits([text("ding", [("a", "b")] * 99)]) == {("ding", "manuals"): "train"}


def test_tiny_and_huge_packages_are_trained_on() -> None:
    chosen = choose_splits([*many(90, 19), text("huge", [("a", "b")] * 1_000)])
    assert set(chosen.values()) == {"train"}


def test_a_package_with_two_kinds_of_text_is_in_one_split() -> None:
    texts = many(100, 30, "manuals") + many(100, 30, "interface")
    assert set(choose_splits(texts).values()) == {"train"}


def test_the_choice_is_the_same_in_any_order() -> None:
    texts = many(100, 30)
    assert choose_splits(texts) == choose_splits(texts[::-1])


def test_evaluation_loses_what_train_has_on_either_side() -> None:
    train = text("a", [("Open it", "Öffnen"), ("Close", "Schließen")])
    test = text("b", [("open IT.", "Auf"), ("Shut", "schließen!"), ("New", "Neu")])
    chosen: dict[tuple[str, str], Split] = {("a", "manuals"): "train", ("b", "manuals"): "test"}
    drop_leaks([train, test], chosen, NOTHING)
    assert test.pairs == [("New", "Neu")]
    assert test.dropped == {"near-duplicate in test of another split": 2}
    assert len(train.pairs) == 2


def test_evaluation_loses_what_the_descriptions_train_on() -> None:
    test = text("b", [("Open", "Auf"), ("New", "Neu")])
    descriptions: dict[Split, list[Row]] = {**NOTHING, "train": [("open", "x")]}
    drop_leaks([test], {("b", "manuals"): "test"}, descriptions)
    assert test.pairs == [("New", "Neu")]


def test_train_loses_what_the_descriptions_hold_out() -> None:
    train = text("a", [("Open it", "Öffnen"), ("New", "Neu")])
    descriptions: dict[Split, list[Row]] = {**NOTHING, "test": [("open it!", "x")]}
    drop_leaks([train], {("a", "manuals"): "train"}, descriptions)
    assert train.pairs == [("New", "Neu")]
    assert train.dropped == {"near-duplicate of the descriptions' held-out text": 1}


def test_validation_loses_what_test_has() -> None:
    one, other = text("a", [("New", "Neu")]), text("b", [("new!", "Neues"), ("Old", "Alt")])
    chosen: dict[tuple[str, str], Split]
    chosen = {("a", "manuals"): "test", ("b", "manuals"): "validation"}
    drop_leaks([other, one], chosen, NOTHING)
    assert (one.pairs, other.pairs) == ([("New", "Neu")], [("Old", "Alt")])


def test_equal_pairs_of_two_packages_are_kept_once() -> None:
    texts = [text("a", [("Open", "Öffnen")]), text("b", [("Open", "Öffnen"), ("Open", "Auf")])]
    drop_leaks(texts, choose_splits(texts), NOTHING)
    assert [entry.pairs for entry in texts] == [[("Open", "Öffnen")], [("Open", "Auf")]]
