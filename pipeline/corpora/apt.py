"""Fetches package lists with apt into a private folder, without root and without side effects.

The sources, keys and proxies of the system are used, but not its state, cache and hooks.
"""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pipeline.corpora.progress import Progress
from pipeline.errors import UserError

APT_HELPER = Path("/usr/lib/apt/apt-helper")
ALTERNATIVES = (
    "use `nmt corpus multi30k` or `nmt corpus tatoeba` (both take a local copy with --from), "
    "or your own text with `nmt corpus import`"
)
_CONFIGURATION = """\
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear Acquire::Languages;
Acquire::Languages {{ "en"; "{language}"; }};
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons-small::DefaultEnabled "false";
Acquire::IndexTargets::deb::DEP-11-icons::DefaultEnabled "false";
Acquire::IndexTargets::deb::CNF::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Acquire::Retries "2";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
APT::Get::List-Cleanup "false";
APT::Sandbox::User "";
Dir::State "{folder}/state";
Dir::Cache "{folder}/cache";
Dir::State::status "{folder}/status";
"""
_FORMAT = "$(CREATED_BY)|$(LANGUAGE)|$(ORIGIN)|$(CODENAME)|$(COMPONENT)|$(REPO_URI)|$(FILENAME)"
_TRANSLATION = re.compile(r" (\d+) \S*i18n/Translation-(\w+)(?:\.\w+)?$", re.MULTILINE)
_STATUS = re.compile(r"dlstatus:\d+:(?P<percent>[\d.]+):")


@dataclass(frozen=True)
class AptList:
    """A list fetched by apt."""

    kind: str
    """`Packages` or `Translations`."""
    language: str
    archive: str
    """The publisher, such as `Debian`."""
    release: str
    component: str
    address: str
    path: Path

    @property
    def release_file(self) -> Path | None:
        """The release file covering this list, if it exists."""
        stem = self.path.name.partition(f"_{self.component}_")[0]
        candidates = (self.path.with_name(f"{stem}_{name}") for name in ("InRelease", "Release"))
        return next((path for path in candidates if path.is_file()), None)


class PrivateApt:
    """apt with separate state in `folder`, configured for English and one other language."""

    def __init__(self, folder: Path, language: str) -> None:
        self._folder = folder.resolve()
        self._language = language
        for command in ("apt-get", str(APT_HELPER)):
            if shutil.which(command) is None:
                raise UserError(
                    f"The Debian corpus needs apt, and {command} is not on this machine: "
                    f"{ALTERNATIVES}."
                )
        try:
            (self._folder / "state/lists/partial").mkdir(parents=True, exist_ok=True)
            (self._folder / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
            (self._folder / "status").touch()
            self._configuration = self._folder / f"apt-{language}.conf"
            self._configuration.write_text(
                _CONFIGURATION.format(folder=self._folder, language=language), encoding="utf-8"
            )
        except OSError as error:
            raise UserError(
                f"Cannot write {self._folder} ({error.strerror}); choose another --workspace."
            ) from error

    def update(self, progress: Progress) -> str:
        """Fetches the lists; apt skips unchanged ones.

        Returns:
            apt's first error or warning, because the others mostly repeat it; empty if none.
        """
        step = "Fetching package descriptions"
        progress(step, 0, 100)
        with subprocess.Popen(
            [*self._command("apt-get"), "-qq", "-o", "APT::Status-Fd=1", "update"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            errors="replace",
        ) as process:
            complaints = []
            assert process.stdout is not None
            for line in process.stdout:
                status = _STATUS.match(line)
                if status:
                    progress(step, round(float(status["percent"])), 100)
                elif line[:2] in ("E:", "W:"):
                    complaints.append(line[2:].strip())
        progress(step, 100, 100)
        return " ".join(complaints[0].split()) if complaints else ""

    def lists(self) -> list[AptList]:
        """Returns the fetched lists of packages and descriptions, in a fixed order."""
        output = self._run([*self._command("apt-get"), "indextargets", "--format", _FORMAT])
        found = []
        for line in output.decode("utf-8").splitlines():
            kind, language, archive, release, component, address, path = line.split("|", 6)
            if kind in ("Packages", "Translations"):
                found.append(
                    AptList(kind, language, archive, release, component, address, Path(path))
                )
        return sorted(found, key=lambda entry: str(entry.path))

    def read(self, entry: AptList) -> Iterator[str]:
        """Returns the lines of a list, in any compression used by apt."""
        output = self._run([*self._command(str(APT_HELPER)), "cat-file", str(entry.path)])
        return iter(output.decode("utf-8", errors="replace").split("\n"))

    def translated_languages(self) -> list[str]:
        """Returns the languages of translations in the release files, without empty ones."""
        languages, empty = set[str](), {"en"}
        for path in (self._folder / "state/lists").glob("*Release"):
            text = path.read_text(encoding="utf-8", errors="replace")
            for size, language in _TRANSLATION.findall(text):
                (languages if int(size) else empty).add(language)
        return sorted(languages - empty)

    def _command(self, program: str) -> list[str]:
        return [program, "-c", str(self._configuration)]

    def _run(self, command: list[str]) -> bytes:
        result = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, check=False)
        if result.returncode != 0:
            complaint = result.stderr.decode("utf-8", errors="replace").strip().replace("\n", " ")
            raise UserError(f"apt failed ({complaint}): {ALTERNATIVES}.")
        return result.stdout
