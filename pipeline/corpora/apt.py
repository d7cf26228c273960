"""Fetches package lists and packages with apt into a private folder, without root or side effects.

The sources, keys and proxies of the system are used, but not its state, cache and hooks.
"""

import hashlib
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
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


@dataclass(frozen=True)
class Package:
    """A package as the archive has it."""

    name: str
    version: str
    file_name: str
    bytes: int
    sha256: str

    def is_in(self, folder: Path) -> bool:
        """Whether a folder has the whole file."""
        path = folder / self.file_name
        if not path.is_file() or path.stat().st_size != self.bytes:
            return False
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == self.sha256


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
        command = [*self._command("apt-get"), "-qq", "-o", "APT::Status-Fd=1", "update"]
        return _follow(command, self._folder, "Fetching package descriptions", progress)

    def package_names(self) -> list[str]:
        """Returns the names of all packages in the fetched lists, in their order."""
        output = self._run([*self._command("apt-cache"), "pkgnames"])
        return sorted(output.decode("utf-8").split())

    def packages(self, names: Iterable[str]) -> dict[str, Package]:
        """Returns the newest versions of packages by name, of those that the archive has."""
        command = [*self._command("apt-cache"), "show", "--no-all-versions", *names]
        # Its status is an error if one package of many is missing.
        result = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL, check=False, encoding="utf-8"
        )
        found = {}
        for record in result.stdout.split("\n\n"):
            fields = dict(re.findall(r"^([A-Z][\w-]*): (.+)$", record, re.MULTILINE))
            if {"Package", "Version", "Architecture", "Size", "SHA256"} <= fields.keys():
                name, version = fields["Package"], fields["Version"]
                file_name = f"{name}_{version.replace(':', '%3a')}_{fields['Architecture']}.deb"
                found[name] = Package(
                    name, version, file_name, int(fields["Size"]), fields["SHA256"]
                )
        return found

    def download(self, packages: Iterable[Package], folder: Path, progress: Progress) -> str:
        """Downloads packages that are not in a folder, or not whole; apt verifies them.

        Args:
            packages: the packages, from `packages`.
            folder: the folder for the files.
            progress: called with the percentage.

        Returns:
            apt's first error or warning, as `update`. Then some packages may be missing.
        """
        names = [package.name for package in packages if not package.is_in(folder)]
        if not names:
            return ""
        options = ["-qq", "-o", "APT::Status-Fd=1", "download"]
        step = f"Fetching {len(names)} packages"
        return _follow([*self._command("apt-get"), *options, *names], folder, step, progress)

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


def _follow(command: list[str], folder: Path, step: str, progress: Progress) -> str:
    """Runs apt in a folder, and reports its progress in percent.

    Returns:
        Its first error or warning.
    """
    progress(step, 0, 100)
    with subprocess.Popen(
        command,
        cwd=folder,
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
