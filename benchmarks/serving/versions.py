"""Adds versions to the model directory of a running server and waits until it has loaded them."""

import asyncio
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving.calls import SECONDS_OF_REQUEST
from benchmarks.serving.process import add_version
from pipeline.errors import RunFailedError
from serving.client.model_info import ModelChoice, VersionState, read_status, status_request

_SECONDS_TO_RELOAD = 300.0


@dataclass(frozen=True)
class ModelFolder:
    """A model directory watched by a server, and the source of its versions."""

    export: Path
    """The folder with `saved_model.pb`; every new version is a copy of it."""
    versions: Path
    first: int
    """Number of the version present from the start."""

    def add(self, number: int) -> None:
        """Adds the next version, and removes the last but one, no longer served by then."""
        if number - 2 >= self.first:
            shutil.rmtree(self.versions / str(number - 2))
        add_version(self.export, self.versions, number)


class Reloader:
    """Replaces the version served by a server, one step at a time."""

    def __init__(
        self,
        folder: ModelFolder,
        model: str,
        get_status: Callable[..., Any],
        poll_seconds: float,
    ):
        """Makes a reloader; starts nothing.

        Args:
          folder: the model directory of the server.
          model: name of the served model.
          get_status: the stub of `GetModelStatus`.
          poll_seconds: seconds between two calls of `get_status` while waiting.
        """
        self.newest = folder.first
        self._folder = folder
        self._model = model
        self._get_status = get_status
        self._pause = poll_seconds

    async def add(self) -> None:
        """Adds a version and returns when the server begins to load it.

        Raises:
          RunFailedError: as `wait_until_available`.
        """
        self.newest += 1
        await asyncio.to_thread(self._folder.add, self.newest)
        waiting = (None, VersionState.START)
        await self._wait(lambda states: states.get(self.newest) not in waiting)

    async def wait_until_available(self) -> None:
        """Waits until the newest version is available.

        Raises:
          RunFailedError: the version cannot be loaded, or not in time.
        """
        await self._wait(lambda states: states.get(self.newest) is VersionState.AVAILABLE)

    async def wait_until_alone(self) -> None:
        """Waits for the end of the version before the newest.

        Raises:
          RunFailedError: the version does not end in time.
        """
        await self._wait(lambda states: states.get(self.newest - 1) is VersionState.END)

    async def _wait(self, condition: Callable[[Mapping[int, VersionState]], bool]) -> None:
        request = status_request(ModelChoice(self._model))
        end = time.monotonic() + _SECONDS_TO_RELOAD
        while time.monotonic() < end:
            reply = await self._get_status(request, timeout=SECONDS_OF_REQUEST)
            statuses = {status.version: status for status in read_status(reply)}
            newest = statuses.get(self.newest)
            if newest is not None and newest.state is VersionState.END:
                raise RunFailedError(
                    f"Version {self.newest}, a copy of {self._folder.export}, was not loaded: "
                    f"{newest.problem}"
                )
            if condition({number: status.state for number, status in statuses.items()}):
                return
            await asyncio.sleep(self._pause)
        raise RunFailedError(
            f"Version {self.newest} did not take the place of the one before within "
            f"{_SECONDS_TO_RELOAD:g} s."
        )
