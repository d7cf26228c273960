"""The set-up runs once, is never left half done, and reports missing programs; uv is a stand-in."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SYSTEM_PATH = "/usr/bin:/bin"
PYTHON = Path(sys.executable).resolve()

# Makes the environment's files needed by the set-up, or fails if a test wants it to.
UV = """#!/bin/sh
case "$*" in --version) echo "uv 99.0.0 (stand-in)"; exit ;; esac
echo "$*" >> "$UV_LOG"
case "$*" in
    venv*) mkdir -p .venv/bin; ln -s "$STAND_IN_PYTHON" .venv/bin/python
           echo "VIRTUAL_ENV=$PWD/.venv" > .venv/bin/activate ;;
    *sync*) exit "${SYNC_STATUS:-0}" ;;
esac
"""


class Checkout:
    """A copy of the files needed by the set-up, with a stand-in for uv on PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs = folder / "checkout", folder / "programs"
        shutil.copytree(ROOT / "scripts", self.folder / "scripts")
        for name in ("requirements.lock", "pyproject.toml", "Makefile"):
            shutil.copy(ROOT / name, self.folder)
        # The environment of these tests is a stand-in too, without native modules.
        (self.folder / "scripts/repair_native.py").write_text("", encoding="utf-8")
        self.programs.mkdir()
        self.add_program("uv", UV)
        self.log = folder / "uv.log"

    def add_program(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def set_up(self, **environment: str) -> subprocess.CompletedProcess[str]:
        variables = {
            "PATH": f"{self.programs}:{SYSTEM_PATH}",
            "UV_LOG": str(self.log),
            "PYTHON": str(PYTHON),
            "STAND_IN_PYTHON": str(PYTHON),
        }
        return subprocess.run(
            ["scripts/bootstrap.sh"],
            cwd=self.folder,
            env={**variables, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def uv_calls(self) -> list[str]:
        calls = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [next(word for word in line.split() if word in VERBS) for line in calls]


VERBS = {"venv", "sync", "install"}


@pytest.fixture
def checkout(tmp_path):
    return Checkout(tmp_path)


@pytest.fixture
def ready(checkout):
    """Returns a checkout already set up."""
    result = checkout.set_up()
    assert result.returncode == 0, result.stderr
    assert checkout.uv_calls() == ["venv", "sync", "install"]
    return checkout


def test_a_second_set_up_does_nothing_and_says_nothing(ready):
    result = ready.set_up()
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    assert ready.uv_calls() == []


@pytest.mark.parametrize(
    "name",
    ["requirements.lock", "pyproject.toml", "scripts/repair_native.py", "scripts/bootstrap.sh"],
)
def test_a_changed_input_brings_the_environment_up_to_date(ready, name):
    with (ready.folder / name).open("a", encoding="utf-8") as file:
        file.write("\n# changed\n")
    assert ready.set_up().returncode == 0
    assert ready.uv_calls() == ["sync", "install"]


def test_a_failed_installation_is_not_done_and_starts_anew(checkout):
    failed = checkout.set_up(SYNC_STATUS="1")
    assert failed.returncode == 1
    assert "could not be installed" in failed.stderr
    checkout.uv_calls()
    assert checkout.set_up().returncode == 0
    assert checkout.uv_calls() == ["venv", "sync", "install"]


def test_an_update_that_fails_leaves_nothing_that_counts_as_done(ready):
    with (ready.folder / "requirements.lock").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert ready.set_up(SYNC_STATUS="1").returncode == 1
    ready.uv_calls()
    assert ready.set_up().returncode == 0
    assert ready.uv_calls() == ["venv", "sync", "install"]


def test_a_native_module_that_cannot_be_repaired_stops_the_set_up(checkout):
    repair = checkout.folder / "scripts/repair_native.py"
    repair.write_text("raise SystemExit('refused')", encoding="utf-8")
    result = checkout.set_up()
    assert result.returncode == 1
    assert "refused" in result.stderr
    assert "done" not in result.stderr


def test_a_moved_checkout_gets_a_new_environment(ready):
    moved = ready.folder.with_name("elsewhere")
    ready.folder.rename(moved)
    ready.folder = moved
    assert ready.set_up().returncode == 0
    assert ready.uv_calls() == ["venv", "sync", "install"]


def test_every_download_is_checked_against_a_hash(checkout):
    checkout.set_up()
    calls = checkout.log.read_text(encoding="utf-8").splitlines()
    assert "--require-hashes" in calls[1]
    assert "--require-build-hashes" in calls[1]
    assert "--offline" in calls[2]


def test_a_python_that_is_too_new_is_named_with_the_reason(checkout):
    checkout.add_program("python3", '#!/bin/sh\necho "3.13.5 CPython /opt/python3.13"\n')
    result = checkout.set_up(PYTHON=str(checkout.programs / "python3"))
    assert result.returncode == 1
    assert "/opt/python3.13 is CPython 3.13.5" in result.stderr
    assert "tfx[kfp] extra works only below 3.12" in result.stderr


def test_a_missing_python_is_said_in_one_sentence(checkout):
    result = checkout.set_up(PYTHON="/nowhere/python3.11")
    assert result.returncode == 1
    assert "PYTHON is /nowhere/python3.11; none was found" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_broken_shim_does_not_hide_a_working_python(checkout):
    checkout.add_program("python3.11", "#!/bin/sh\nexit 127\n")
    (checkout.programs / "python3").symlink_to(PYTHON)
    # The python3.11 of the system, if there is one, may come first; both are right.
    result = checkout.set_up(PYTHON="")
    assert "making .venv with" in result.stderr


@pytest.mark.parametrize(
    ("program", "answer", "reason"),
    [
        ("uname", "Darwin", "published for Linux x86_64 only"),
        ("getconf", "glibc 2.31", "glibc 2.31, but the packages need glibc 2.35"),
    ],
)
def test_a_system_that_no_package_fits_is_refused_before_any_work(
    checkout, program, answer, reason
):
    checkout.add_program(program, f'#!/bin/sh\necho "{answer}"\n')
    result = checkout.set_up()
    assert result.returncode == 1
    assert reason in result.stderr
    assert checkout.uv_calls() == []


def test_a_python_without_venv_and_pip_is_told_what_to_install(checkout):
    checkout.add_program("uv", "#!/bin/sh\necho uv 0.0.1\n")
    python = f'#!/bin/sh\n[ "$2" = -m ] && exit 1\nexec "{PYTHON}" "$@"\n'
    checkout.add_program("bare-python", python)
    checkout.add_program(
        "python-link", f'#!/bin/sh\necho 3.11.9 CPython "{checkout.programs}"/bare-python\n'
    )
    result = checkout.set_up(PYTHON=str(checkout.programs / "python-link"))
    assert result.returncode == 1
    assert "ensurepip is missing" in result.stderr
    assert not (checkout.folder / ".tools").exists()


def test_help_has_one_line_for_each_command():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[0].split()
    shown = subprocess.run(
        ["make", "--silent", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert [line.split()[1] for line in shown.stdout.splitlines()] == commands
