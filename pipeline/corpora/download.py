"""Downloads files over HTTPS, with resumption and verification."""

import http.client
import os
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

from pipeline.corpora.progress import Progress, silent
from pipeline.errors import RunFailedError, UserError

ATTEMPTS = 4
TIMEOUT_SECONDS = 30.0
_CHUNK_BYTES = 1 << 16
_USER_AGENT = "attention-nmt"

Verification = Callable[[Path], str | None]
"""Checks a downloaded file; returns its problem in words, or None."""


class _BrokenOffError(Exception):
    """The connection ended before the end of the file; the received part is kept to resume."""


def download(
    url: str,
    destination: Path,
    verify: Verification,
    *,
    alternatives: str,
    progress: Progress = silent,
    pause_seconds: float = 1.0,
) -> Path:
    """Downloads a file, unless it exists already and passes verification.

    After a broken connection, the received part stays in `<destination>.partial`. The next attempt
    or the next call continues it, if the server still has the same file.

    Args:
        url: the address.
        destination: the path of the file; it appears there when complete and verified.
        verify: checks the downloaded file.
        alternatives: other options of the user, for the end of each error message.
        progress: called with the bytes done and in total.
        pause_seconds: pause before the second attempt; doubled before each further one.

    Returns:
        The destination.

    Raises:
        UserError: the server cannot be reached, does not have the file, or sends a wrong one.
        RunFailedError: the disk is full or failed.
    """
    if destination.is_file() and verify(destination) is None:
        return destination
    partial = destination.with_name(destination.name + ".partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        for resume in (True, False):
            resumed = resume and partial.exists()
            if not resume:
                _forget(partial)
            _fetch_all(url, partial, alternatives, progress, pause_seconds)
            complaint = verify(partial)
            if complaint is None:
                os.replace(partial, destination)
                _forget(partial)
                return destination
            if not resumed:
                break
        _forget(partial)
    except OSError as error:
        raise RunFailedError(
            f"Cannot store {destination} ({error.strerror or error}); free some space or choose "
            "another --workspace."
        ) from error
    raise UserError(f"{url} is not the expected file ({complaint}); {alternatives}.")


def _fetch_all(
    url: str, partial: Path, alternatives: str, progress: Progress, pause_seconds: float
) -> None:
    trouble: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            time.sleep(pause_seconds * 2 ** (attempt - 1))
        try:
            _fetch(url, partial, progress)
            return
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the partial file does not fit the server's current file
                _forget(partial)
            elif error.code < 500 and error.code not in (408, 429):
                raise UserError(
                    f"{url} answers {error.code} {error.reason}; {alternatives}."
                ) from error
            trouble = error
        except urllib.error.URLError as error:
            if isinstance(error.reason, ssl.SSLCertVerificationError):
                raise UserError(
                    f"The certificate of {url} cannot be verified ({error.reason.verify_message}); "
                    f"install ca-certificates, or {alternatives}."
                ) from error
            trouble = error
        except (_BrokenOffError, http.client.HTTPException, ConnectionError) as error:
            trouble = error
    reason = getattr(trouble, "reason", None) or trouble
    raise UserError(
        f"{url} cannot be downloaded ({reason}); try again with a network, or {alternatives}."
    ) from trouble


def _fetch(url: str, partial: Path, progress: Progress) -> None:
    validator_file = partial.with_name(partial.name + ".etag")
    request = urllib.request.Request(url, headers={"User-Agent": _USER_AGENT})
    done = partial.stat().st_size if partial.exists() else 0
    if done and validator_file.exists():
        request.add_header("Range", f"bytes={done}-")
        request.add_header("If-Range", validator_file.read_text(encoding="utf-8"))
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        if response.status != 206:
            done = 0
            _remember_validator(response.headers, validator_file)
        length = response.headers.get("Content-Length")
        total = done + int(length) if length else None
        step = f"Downloading {partial.name.removesuffix('.partial')}"
        progress(step, done, total)
        with partial.open("ab" if done else "wb") as file:
            while chunk := _read(response):
                file.write(chunk)
                done += len(chunk)
                progress(step, done, total)
            file.flush()
            os.fsync(file.fileno())
    if total is not None and done != total:
        raise _BrokenOffError(f"the connection broke off after {done} of {total} bytes")


def _read(response: http.client.HTTPResponse) -> bytes:
    try:
        return response.read(_CHUNK_BYTES)
    except OSError as error:  # of the network; errors of the disk are handled elsewhere
        raise _BrokenOffError(f"the connection broke off: {error.strerror or error}") from error


def _remember_validator(headers: http.client.HTTPMessage, validator_file: Path) -> None:
    """Stores the strong ETag of the file, or else its date; a weak tag proves no equality."""
    tag = headers.get("ETag", "")
    validator = tag if tag.startswith('"') else headers.get("Last-Modified", "")
    if validator:
        validator_file.write_text(validator, encoding="utf-8")
    else:
        validator_file.unlink(missing_ok=True)


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    partial.with_name(partial.name + ".etag").unlink(missing_ok=True)
