"""Reads the files in Debian packages, without unpacking or installing them.

`dpkg-deb` decompresses the files of a package to a tar stream, deb(5), and only one of its files at
a time is in the memory.
"""

import re
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.errors import UserError

MAX_FILE_BYTES = 64 << 20
"""No text is larger; such a file is left out."""
_MOST_LICENCES = 4
_LICENCE = re.compile(r"^License:[ \t]*(\S.*)$", re.MULTILINE | re.IGNORECASE)
_COMMON_LICENCE = re.compile(r"/usr/share/common-licenses/([\w.+-]*\w)")


def read_members(path: Path, is_wanted: Callable[[str], bool]) -> Iterator[tuple[str, bytes]]:
    """Yields the paths and contents of files in a package, in its order.

    Args:
        path: a `.deb` file.
        is_wanted: called with the path of each file, such as `usr/share/doc/less/copyright`.

    Raises:
        UserError: dpkg-deb is not on this machine.
        ValueError: the package is damaged.
    """
    if shutil.which("dpkg-deb") is None:
        raise UserError(
            "Packages are read by dpkg-deb, which is not on this machine: install dpkg."
        )
    command = ["dpkg-deb", "--fsys-tarfile", str(path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    ) as process:
        try:
            with tarfile.open(fileobj=process.stdout, mode="r|") as archive:
                for member in archive:
                    name = member.name.removeprefix("./")
                    if member.isfile() and member.size <= MAX_FILE_BYTES and is_wanted(name):
                        file = archive.extractfile(member)
                        assert file is not None
                        yield name, file.read()
        except (tarfile.TarError, EOFError) as error:
            raise ValueError(f"damaged package: {error}") from error
        finally:
            process.kill()


def licence_of(copyright_file: str) -> str:
    """Returns the names of the licences in a package's copyright file, the first one first.

    Args:
        copyright_file: the text, in Debian's machine-readable format or in prose.
    """
    names = _LICENCE.findall(copyright_file) or _COMMON_LICENCE.findall(copyright_file)
    distinct = list(dict.fromkeys(name.strip() for name in names))
    if not distinct:
        return "see the copyright file of the package"
    more = len(distinct) - _MOST_LICENCES
    return ", ".join(distinct[:_MOST_LICENCES]) + (f" and {more} more" if more > 0 else "")
