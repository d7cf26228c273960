import errno
import time
from importlib import import_module

import pytest

from pipeline import failures
from pipeline.errors import RunFailedError, UserError


def _own(base: type[Exception], package: str = "components") -> type[Exception]:
    """An error class as one of our rooms would define it."""
    return type("CorpusError", (base,), {"__module__": f"{package}.parallel_text"})


def test_a_mistake_of_the_user_ends_with_status_2() -> None:
    assert failures.describe(UserError("Fix it.")) == (2, "Fix it.")


def test_a_failed_run_ends_with_status_1() -> None:
    assert failures.describe(RunFailedError("It stopped.")) == (1, "It stopped.")


@pytest.mark.parametrize("base", [ValueError, LookupError, KeyError])
def test_a_value_or_lookup_error_of_our_rooms_is_bad_input(base: type[Exception]) -> None:
    assert failures.describe(_own(base)("The corpus is 'odd'.")) == (2, "The corpus is 'odd'.")


def test_other_typed_errors_of_our_rooms_are_failures_with_their_sentence() -> None:
    assert failures.describe(_own(RuntimeError)("It broke.")) == (1, "It broke.")


def test_a_package_with_a_similar_name_is_not_ours() -> None:
    status, sentence = failures.describe(_own(ValueError, "components_of_others")("odd"))
    assert status == 1
    assert "--debug" in sentence


@pytest.mark.parametrize("name", sorted(failures._BAD_INPUT_NAMES))
def test_every_error_that_is_known_by_name_exists(name: str) -> None:
    module, _, kind = name.rpartition(".")
    error = getattr(import_module(module), kind)
    assert failures.describe(error("Do this.")) == (2, "Do this.")


def test_an_unforeseen_error_names_its_type_and_the_way_on() -> None:
    assert failures.describe(ZeroDivisionError("division by zero\nmore")) == (
        1,
        "The command failed unexpectedly (ZeroDivisionError: division by zero); "
        "run it again with --debug to see where.",
    )


def test_a_package_that_is_not_installed_is_named_with_the_extras_that_bring_it() -> None:
    status, sentence = failures.describe(ModuleNotFoundError("No module", name="tfx"))
    assert status == 1
    assert sentence.startswith("The package 'tfx' is not installed")


@pytest.mark.parametrize("name", ["serving", "pipeline.no_such", "tfx.no_such", None])
def test_a_module_that_a_package_lacks_is_a_fault_and_no_missing_package(name: str | None) -> None:
    assert "unexpectedly" in failures.describe(ModuleNotFoundError("No module", name=name))[1]


def test_an_unforeseen_error_without_a_text_is_named_by_its_type() -> None:
    assert "(ZeroDivisionError)" in failures.describe(ZeroDivisionError())[1]


def test_memory_that_runs_out_is_named() -> None:
    assert failures.describe(MemoryError())[1].startswith("Memory ran out: end other programs")


def test_a_full_disk_is_named_with_the_file() -> None:
    error = OSError(errno.ENOSPC, "No space left on device", "/w/train-0.tsv")
    assert failures.describe(error) == (
        1,
        "The disk is full at /w/train-0.tsv: free some space, "
        "or choose a folder on another disk with --workspace.",
    )


def test_a_full_disk_without_a_file_is_named_as_well() -> None:
    sentence = failures.describe(OSError(errno.ENOSPC, "No space left on device"))[1]
    assert sentence.startswith("The disk is full: free some space")


def test_a_full_disk_that_a_library_noticed_is_named_as_well() -> None:
    error = RuntimeError("ResourceExhaustedError: /w/x; No space left on device")
    assert failures.describe(error)[1].startswith("The disk is full: free some space")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.EROFS])
def test_a_missing_permission_is_named_with_the_file(number: int) -> None:
    assert failures.describe(OSError(number, "no", "/w/x")) == (
        1,
        "Permission was denied at /w/x: change the permissions, "
        "or choose another folder with --workspace.",
    )


def test_a_time_that_is_too_large_is_blamed_on_the_clock_only_if_it_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(OverflowError) as raised:
        time.sleep(1e12)
    assert "failed unexpectedly" in failures.describe(raised.value)[1]
    late = time.struct_time((2287, 3, 4, 5, 6, 7, 0, 63, 0))
    monkeypatch.setattr(time, "localtime", lambda: late)
    assert failures.describe(raised.value)[1].startswith(
        "The clock of this machine shows the year 2287"
    )
