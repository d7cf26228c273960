"""Adds versions to the model directory of a running server and follows what it does with them."""

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
    """A model directory that a server watches, and where its versions come from."""

    export: Path
    """The folder with `saved_model.pb`, which every new version is a copy of."""
    versions: Path
    first: int
    """The version that is there from the start."""

    def add(self, number: int) -> None:
        """Adds the next version, and removes the last but one, which is served no longer."""
        if number - 2 >= self.first:
            shutil.rmtree(self.versions / str(number - 2))
        add_version(self.export, self.versions, number)


class Reloader:
    """Replaces the version that a server serves, one step at a time."""

    def __init__(
        self,
        folder: ModelFolder,
        model: str,
        get_status: Callable[..., Any],
        poll_seconds: float,
    ):
        """Does nothing yet.

        Args:
          folder: the server's.
          model: the name under which it serves.
          get_status: the stub of `GetModelStatus`.
          poll_seconds: how often it is asked while something is waited for.
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
        """Waits until the version that was added answers.

        Raises:
          RunFailedError: it cannot be loaded, or not in time.
        """
        await self._wait(lambda states: states.get(self.newest) is VersionState.AVAILABLE)

    async def wait_until_alone(self) -> None:
        """Waits for the end of the version before it.

        Raises:
          RunFailedError: it does not end.
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
