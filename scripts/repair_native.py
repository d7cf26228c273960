"""Makes TFX 1.21's two native modules load on systems older than their build system.

ml-metadata 1.21 and tensorflow-data-validation 1.21 were built with glibc 2.39 and GCC 14. They
need only a few symbols newer than glibc 2.35 and GCC 12, all with a replacement in older libraries:

| version          | symbol                         | becomes                                      |
| ---------------- | ------------------------------ | -------------------------------------------- |
| `GLIBC_2.38`     | `__isoc23_strtol` and the like | `strtol` etc.; these differ only for `0b`    |
| `GLIBCXX_3.4.32` | `_ZSt21ios_base_library_initv` | weak: a mark for the linker, never called    |
| `CXXABI_1.3.15`  | `__cxa_call_terminate`         | `std::terminate()`, called at its end        |

Names and versions change in the ELF tables; no code moves and no size changes. A module is left
alone if it loads already, or if it needs any other new symbol. The result is written to a new file
and loaded in another process before it replaces the module: the package cache shares the inode of
the installed file, so the module is never changed in place.
"""

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import sysconfig
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

MODULES = (
    "ml_metadata/metadata_store/pywrap/metadata_store_extension.so",
    "tensorflow_data_validation/pywrap/tensorflow_data_validation_extension.so",
)

_TERMINATE = b"_ZSt9terminatev"


@dataclass(frozen=True)
class Rebinding:
    """Replacements for the symbols of a version missing in older libraries.

    Attributes:
      older: The version of the same library with the replacements.
      replacements: Symbol to its replacement; None if the symbol must not be used by code.
    """

    older: bytes
    replacements: dict[bytes, bytes | None]


REBINDINGS = {
    b"GLIBC_2.38": Rebinding(
        b"GLIBC_2.2.5",
        {b"__isoc23_" + name: name for name in (b"strtol", b"strtoll", b"strtoul", b"strtoull")},
    ),
    b"GLIBCXX_3.4.32": Rebinding(b"GLIBCXX_3.4", {b"_ZSt21ios_base_library_initv": None}),
    b"CXXABI_1.3.15": Rebinding(b"GLIBCXX_3.4", {b"__cxa_call_terminate": _TERMINATE}),
}


class UnknownFileError(Exception):
    """This program cannot change the file, and left it as it was."""


@dataclass(frozen=True)
class Section:
    """A row of the section table (System V ABI, chapter 4)."""

    name: int
    kind: int
    flags: int
    address: int
    offset: int
    size: int
    link: int
    info: int
    alignment: int
    entry_size: int


@dataclass(frozen=True)
class Symbol:
    """A dynamic symbol: the offset of its row in the file, its name and its version's number."""

    row: int
    name_offset: int
    name: bytes
    version: int


@dataclass(frozen=True)
class NeededVersion:
    """A version needed from a library: the offset of its row in the file, its name and number."""

    row: int
    library: bytes
    name: bytes
    name_offset: int
    name_hash: int
    number: int


class DynamicTables:
    """The tables of a 64-bit shared object with the symbols it needs from each library.

    All members raise `struct.error`, `ValueError` or `LookupError` if the file is damaged.

    Args:
      image: The whole file.
    """

    _RELOCATIONS, _DYNAMIC, _DYNAMIC_SYMBOLS = 4, 6, 11
    _VERSIONS_NEEDED, _SYMBOL_VERSIONS = 0x6FFFFFFE, 0x6FFFFFFF
    _STRING_TAGS = (1, 14, 15, 29)  # DT_NEEDED, DT_SONAME, DT_RPATH, DT_RUNPATH

    def __init__(self, image: bytearray) -> None:
        self.image = image
        (table,) = struct.unpack_from("<Q", image, 0x28)
        row_size, rows = struct.unpack_from("<HH", image, 0x3A)
        self.sections = [
            Section(*struct.unpack_from("<IIQQQQIIQQ", image, table + row_size * index))
            for index in range(rows)
        ]
        if any(s.offset + s.size > len(image) for s in self.sections if s.kind != 8):  # SHT_NOBITS
            raise ValueError("a section ends behind the end of the file")
        by_kind = {section.kind: section for section in self.sections}
        self._symbol_table = by_kind[self._DYNAMIC_SYMBOLS]
        self._version_table = by_kind[self._SYMBOL_VERSIONS]
        self._needed_table = by_kind[self._VERSIONS_NEEDED]
        self._dynamic_table = by_kind[self._DYNAMIC]
        self.strings = self.sections[self._symbol_table.link]

    def string(self, offset: int) -> bytes:
        """Returns the string at an offset of the string table."""
        start, end = self.strings.offset + offset, self.strings.offset + self.strings.size
        return bytes(self.image[start : self.image.index(b"\0", start, end)])

    @cached_property
    def symbols(self) -> list[Symbol]:
        """The dynamic symbols, in the order of their table."""
        symbols = []
        for index in range(self._symbol_table.size // 24):
            row = self._symbol_table.offset + 24 * index
            (name,) = struct.unpack_from("<I", self.image, row)
            (version,) = struct.unpack_from(
                "<H", self.image, self._version_table.offset + 2 * index
            )
            symbols.append(Symbol(row, name, self.string(name), version & 0x7FFF))
        return symbols

    @cached_property
    def needed_versions(self) -> list[NeededVersion]:
        """The versions needed by the file, in the order of their table."""
        versions = []
        library_row = self._needed_table.offset
        for _ in range(self._needed_table.info):
            _, count, library, first, step = struct.unpack_from("<HHIII", self.image, library_row)
            row = library_row + first
            for _ in range(count):
                name_hash, _, number, name, next_row = struct.unpack_from("<IHHII", self.image, row)
                versions.append(
                    NeededVersion(
                        row, self.string(library), self.string(name), name, name_hash, number
                    )
                )
                row += next_row
            library_row += step
        return versions

    @cached_property
    def relocated_symbols(self) -> set[int]:
        """The rows of the symbols used by a relocation."""
        return {
            self.symbols[struct.unpack_from("<Q", self.image, entry + 8)[0] >> 32].row
            for section in self.sections
            if section.kind == self._RELOCATIONS
            and self.sections[section.link].kind == self._DYNAMIC_SYMBOLS
            for entry in range(section.offset, section.offset + section.size, 24)
        }

    def string_users(self, first: int, last: int) -> int:
        """Returns the number of table rows with a string starting within [first, last]."""
        starts = [symbol.name_offset for symbol in self.symbols]
        starts += [version.name_offset for version in self.needed_versions]
        table = self._dynamic_table
        for entry in range(table.offset, table.offset + table.size, 16):
            tag, value = struct.unpack_from("<qQ", self.image, entry)
            if tag in self._STRING_TAGS:
                starts.append(value)
        return sum(first <= start <= last for start in starts)

    def rename(self, symbol: Symbol, name: bytes) -> None:
        """Renames a symbol.

        The new name is one already in the string table, or is written over the old name.

        Raises:
          UnknownFileError: The string table lacks the new name, and the old name is shorter or used
            by other rows.
        """
        start = self.strings.offset
        found = self.image.find(name + b"\0", start, start + self.strings.size)
        if found >= 0:
            struct.pack_into("<I", self.image, symbol.row, found - start)
            return
        last = symbol.name_offset + len(symbol.name)
        if len(name) > len(symbol.name) or self.string_users(symbol.name_offset, last) != 1:
            raise UnknownFileError(f"the name {symbol.name.decode()} cannot be replaced")
        padded = name.ljust(len(symbol.name), b"\0")
        self.image[start + symbol.name_offset : start + last] = padded

    def make_weak(self, symbol: Symbol) -> None:
        """Makes a symbol weak, so the module loads although no library has the symbol."""
        weak, kind = 2, self.image[symbol.row + 4] & 0xF
        self.image[symbol.row + 4] = weak << 4 | kind

    def lower_version(self, newer: NeededVersion, older: NeededVersion) -> None:
        """Makes the row of a newer version need the older one instead."""
        struct.pack_into("<I", self.image, newer.row, older.name_hash)
        struct.pack_into("<I", self.image, newer.row + 8, older.name_offset)


def rebind(image: bytes) -> tuple[bytes, list[str]]:
    """Binds a shared object's symbols from newer libraries to replacements in older ones.

    Args:
      image: The whole file.

    Returns:
      The changed file, of the same size, and the names of the rebound symbols. If the file needs
      none of the versions in `REBINDINGS`, the same bytes and an empty list.

    Raises:
      UnknownFileError: The file is not a 64-bit shared object, is damaged, or needs other symbols.
    """
    if image[:6] != b"\x7fELF\x02\x01":
        raise UnknownFileError("it is no 64-bit ELF file")
    try:
        tables = DynamicTables(bytearray(image))
        rebound = []
        for version in tables.needed_versions:
            if version.name in REBINDINGS:
                rebound += _rebind_version(tables, version, REBINDINGS[version.name])
    except (struct.error, ValueError, LookupError) as error:
        raise UnknownFileError(f"it is damaged or incomplete ({error})") from error
    return bytes(tables.image), rebound


def _rebind_version(tables: DynamicTables, newer: NeededVersion, rebinding: Rebinding) -> list[str]:
    older = [
        version
        for version in tables.needed_versions
        if (version.library, version.name) == (newer.library, rebinding.older)
    ]
    if not older:
        raise UnknownFileError(f"it does not need {rebinding.older!r} from {newer.library!r}")
    names = []
    for symbol in tables.symbols:
        if symbol.version != newer.number:
            continue
        label = f"{symbol.name.decode()}@{newer.name.decode()}"
        if symbol.name not in rebinding.replacements:
            raise UnknownFileError(f"it needs {label}, which has no known replacement")
        replacement = rebinding.replacements[symbol.name]
        if replacement is not None:
            tables.rename(symbol, replacement)
        elif symbol.row not in tables.relocated_symbols:
            tables.make_weak(symbol)
        else:
            raise UnknownFileError(f"its code uses {label}")
        names.append(symbol.name.decode())
    tables.lower_version(newer, older[0])
    return names


def loading_error(path: Path) -> str | None:
    """Loads a shared object with all its symbols; returns the error, or None if it loads."""
    # In another process, since a loaded library cannot be unloaded, and a crash must not end this
    # program.
    program = "import ctypes, sys; ctypes.PyDLL(sys.argv[1])"
    result = subprocess.run(
        [sys.executable, "-I", "-c", program, str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode == 0:
        return None
    lines = result.stderr.strip().splitlines()
    return lines[-1] if lines else f"the loader ended with status {result.returncode}"


def repair(path: Path) -> list[str]:
    """Repairs a shared object if it does not load.

    Args:
      path: The file, replaced by a new inode, or left alone.

    Returns:
      The names of the rebound symbols; an empty list if the file loads without repair.

    Raises:
      UnknownFileError: The file does not load, and cannot be repaired.
    """
    error = loading_error(path)
    if error is None:
        return []
    image, rebound = rebind(path.read_bytes())
    if not rebound:
        raise UnknownFileError(f"it does not load ({error})")
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".repair-", suffix=".so")
    candidate = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(image)
        shutil.copymode(path, candidate)
        error = loading_error(candidate)
        if error is not None:
            raise UnknownFileError(f"it does not load even when repaired ({error})")
        candidate.replace(path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            candidate.unlink()
    return rebound


def main() -> int:
    """Repairs the modules of this program's environment; returns the exit status."""
    packages = Path(sysconfig.get_paths()["platlib"])
    for module in MODULES:
        path = packages / module
        try:
            rebound = repair(path)
        except (UnknownFileError, OSError) as error:
            print(
                f"repair: {path} was left alone: {error}. Use a system with glibc 2.39 and GCC 14 "
                "or newer (such as Debian 13 or Ubuntu 24.04), or, if the file is damaged, install "
                "it anew with: make clean setup",
                file=sys.stderr,
            )
            return 1
        result = f"rebound {', '.join(rebound)}" if rebound else "loads, nothing to do"
        print(f"repair: {path.name}: {result}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
