"""The rules for models to go live; `test_publishing` tests the writing of versions."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from serving.versions.directory import fingerprint, foreign_entries, live_version
from serving.versions.push import JudgedAgainst, RollbackError, push, roll_back
from serving.versions.records import DamagedRecordError, read_records
from tests.serving.versions.pushed_models import NOON, STORE, Models, write_saved_model


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return Models(tmp_path)


def test_the_first_model_is_pushed_under_the_time(models: Models) -> None:
    result = models.push("one")
    assert result.number == int((NOON + timedelta(minutes=1)).timestamp())
    assert result.path == str(models.folder / str(result.number))
    assert fingerprint(models.candidate("one")) == fingerprint(result.path)


def test_what_is_live_is_not_pushed_again(models: Models) -> None:
    first = models.push("one")
    again = models.push("one")
    assert (again.number, again.path) == (first.number, first.path)
    assert models.numbers() == [first.number]


def test_an_older_model_that_the_gate_passes_again_is_pushed(models: Models) -> None:
    models.pushed("one", "two", "one")
    assert models.contents() == ["one", "two", "one"]


def test_versions_increase_when_the_clock_goes_back(models: Models) -> None:
    models.pushed("one", "two")
    models.time = NOON - timedelta(days=400)
    models.pushed("three")
    assert models.contents() == ["one", "two", "three"]


def test_a_version_is_higher_than_any_number_that_is_there_or_was(models: Models) -> None:
    [first] = models.pushed("one")
    write_saved_model(models.folder / str(first + 10**6), b"by hand")
    [second] = models.pushed("two")
    shutil.rmtree(models.folder / str(second))
    [third] = models.pushed("three")
    assert [second - first, third - second] == [10**6 + 1, 1]


def test_a_number_beyond_what_servers_read_is_refused(models: Models) -> None:
    write_saved_model(models.folder / ("9" * 18), b"by hand")
    with pytest.raises(Exception, match="There is no number above version 9{18}"):
        models.push("one")


def test_a_model_that_was_judged_against_what_is_live_goes_out(models: Models) -> None:
    [first] = models.pushed("one")
    baseline = JudgedAgainst(fingerprint(models.folder / str(first)))
    result = push(
        str(models.candidate("two")), str(models.folder), STORE, keep=5, judged_against=baseline
    )
    assert result.number is not None


@pytest.mark.parametrize("baseline", ["another model", None])
def test_a_model_that_was_judged_against_another_one_than_is_live_stays(
    models: Models, baseline: str | None
) -> None:
    [first] = models.pushed("one")
    result = push(
        str(models.candidate("two")),
        str(models.folder),
        STORE,
        keep=5,
        judged_against=JudgedAgainst(baseline),
    )
    assert result.number is None
    assert f"live now (version {first}); run again" in result.reason
    assert models.contents() == ["one"]


def test_a_first_model_that_was_judged_alone_goes_out(models: Models) -> None:
    result = push(
        str(models.candidate("one")),
        str(models.folder),
        STORE,
        keep=5,
        judged_against=JudgedAgainst(None),
    )
    assert result.number is not None


def test_the_newest_versions_are_kept(models: Models) -> None:
    for name in "abcdef":
        result = models.push(name, keep=3)
    assert models.contents() == ["d", "e", "f"]
    assert len(result.retired) == 1
    assert [record.state for record in read_records(models.folder)] == [
        *["retired"] * 3,
        *["published"] * 3,
    ]


def test_what_was_not_pushed_by_us_is_never_removed(models: Models) -> None:
    write_saved_model(models.folder / "7", b"by hand")
    (models.folder / "8").mkdir()
    (models.folder / "notes").mkdir()
    for name in "abcd":
        models.push(name, keep=2)
    assert {"7", "8", "notes"} < {path.name for path in models.folder.iterdir()}
    assert len(models.numbers()) == 4


def test_broken_versions_do_not_count_among_the_newest(models: Models) -> None:
    models.pushed("a", "b")
    [broken] = models.pushed("c")
    (models.folder / str(broken) / "saved_model.pb").write_bytes(b"")
    models.push("d", keep=2)
    assert models.contents() == ["b", "d"]


def test_rolling_back_serves_the_version_before_under_the_highest_number(models: Models) -> None:
    versions = models.pushed("one", "two")
    record = roll_back(str(models.folder), STORE, reason="it invents names")
    assert models.contents() == ["one", "two", "one"]
    assert live_version(models.folder).number == record.version
    assert (record.restored, record.replaced) == (versions[0], versions[1])
    assert read_records(models.folder)[-1] == record
    assert (record.action, record.reason) == ("rollback", "it invents names")


def test_rolling_back_takes_no_room(models: Models) -> None:
    [first, _] = models.pushed("one", "two")
    record = roll_back(str(models.folder), STORE)
    weights = "variables/variables.data-00000-of-00001"
    files = [models.folder / str(number) / weights for number in (first, record.version)]
    assert files[0].samefile(files[1])


def test_a_model_that_was_rolled_back_is_not_pushed_again(models: Models) -> None:
    [_, second] = models.pushed("one", "two")
    roll_back(str(models.folder), STORE, reason="it invents names")
    result = models.push("two")
    assert result.number is None
    assert f"live as version {second} and was taken back by " in result.reason
    assert "it invents names" in result.reason
    assert f"`nmt models rollback {second}` makes it live again" in result.reason
    assert models.contents() == ["one", "two", "one"]


def test_it_stays_back_when_its_version_was_removed_by_hand(models: Models) -> None:
    [_, second] = models.pushed("one", "two")
    roll_back(str(models.folder), STORE)
    shutil.rmtree(models.folder / str(second))
    assert models.push("two").number is None


def test_what_lies_between_is_taken_back_too(models: Models) -> None:
    [first, _, _] = models.pushed("one", "two", "three")
    roll_back(str(models.folder), STORE, to=first)
    assert [models.push(name).number for name in ("two", "three")] == [None, None]


def test_another_model_is_pushed_after_a_rollback(models: Models) -> None:
    models.pushed("one", "two")
    roll_back(str(models.folder), STORE)
    models.pushed("three")
    assert models.contents() == ["one", "two", "one", "three"]


def test_going_back_to_what_was_taken_back_makes_it_live_again(models: Models) -> None:
    [_, second] = models.pushed("one", "two")
    roll_back(str(models.folder), STORE)
    roll_back(str(models.folder), STORE, to=second)
    assert models.contents() == ["one", "two", "one", "two"]
    models.pushed("three")
    assert models.push("two").number is not None


def test_going_forward_again_takes_no_older_model_back(models: Models) -> None:
    [_, second] = models.pushed("one", "two")
    roll_back(str(models.folder), STORE)
    assert roll_back(str(models.folder), STORE, to=second).withdrawn == {}
    assert models.push("one").number is not None


def test_a_newer_model_is_taken_back_whatever_lies_between(models: Models) -> None:
    [first, second] = models.pushed("one", "two")
    roll_back(str(models.folder), STORE, to=first)
    [third] = models.pushed("three")
    record = roll_back(str(models.folder), STORE, to=second)
    assert list(record.withdrawn.values()) == [third]


def test_going_back_twice_skips_what_was_taken_back(models: Models) -> None:
    models.pushed("one", "two", "three")
    roll_back(str(models.folder), STORE)
    roll_back(str(models.folder), STORE)
    assert models.contents() == ["one", "two", "three", "two", "one"]


def test_there_may_be_nothing_to_go_back_to(models: Models) -> None:
    models.pushed("one", "two")
    roll_back(str(models.folder), STORE)
    with pytest.raises(RollbackError, match="There is no earlier version"):
        roll_back(str(models.folder), STORE)


def test_going_back_to_an_unknown_version_is_refused_with_those_there_are(models: Models) -> None:
    [number] = models.pushed("one")
    with pytest.raises(RollbackError, match=f"no version 5 in .*; versions: {number}."):
        roll_back(str(models.folder), STORE, to=5)


def test_going_back_to_a_broken_version_is_refused(models: Models) -> None:
    [first, _] = models.pushed("one", "two")
    (models.folder / str(first) / "saved_model.pb").write_bytes(b"")
    with pytest.raises(RollbackError, match="is broken: saved_model.pb is missing or empty"):
        roll_back(str(models.folder), STORE, to=first)


def test_going_back_to_what_is_live_is_refused(models: Models) -> None:
    [first, second] = models.pushed("one", "two")
    with pytest.raises(RollbackError, match=f"Version {second} is live already"):
        roll_back(str(models.folder), STORE, to=second)
    third = roll_back(str(models.folder), STORE, to=first).version
    with pytest.raises(RollbackError, match=f"{first} is the same model as {third}, which is live"):
        roll_back(str(models.folder), STORE, to=first)


def test_what_a_rollback_refers_to_is_kept_as_long_as_it_is(models: Models) -> None:
    [one, two] = models.pushed("one", "two")
    rolled = roll_back(str(models.folder), STORE, clock=lambda: models.time).version
    models.push("a", keep=2)
    assert {one, two, rolled} < set(models.numbers())
    for name in "bc":
        models.push(name, keep=2)
    assert models.contents() == ["b", "c"]


def test_the_journal_is_no_foreign_entry(models: Models) -> None:
    models.pushed("one")
    assert foreign_entries(models.folder) == []


def test_nothing_goes_out_past_a_damaged_journal(models: Models) -> None:
    [first] = models.pushed("one")
    (models.folder / f".nmt/records/{first}.json").write_text("{", encoding="utf-8")
    with pytest.raises(DamagedRecordError, match=f"{first}.json is not the record of a version"):
        models.push("two")
