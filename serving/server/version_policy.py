"""The choice of versions to load: TensorFlow Serving's three policies."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serving.server.errors import invalid


@dataclass(frozen=True)
class VersionPolicy:
    """The highest versions, all, or some by number.

    Attributes:
      latest: number of the highest versions; None for all.
      specific: the only versions to load, if not empty.
    """

    latest: int | None = 1
    specific: frozenset[int] = frozenset()

    def choose(self, versions: Iterable[int]) -> set[int]:
        """Returns the versions to load, out of those available."""
        ordered = sorted(versions, reverse=True)
        if self.specific:
            return {version for version in ordered if version in self.specific}
        return set(ordered[: self.latest])


def read_policy(message: Any) -> VersionPolicy:
    """Reads a `ServableVersionPolicy`; an empty one means the highest version.

    Raises:
      RequestError: a policy of specific versions names none.
    """
    choice = message.WhichOneof("policy_choice")
    if choice == "all":
        return VersionPolicy(latest=None)
    if choice == "specific":
        if not message.specific.versions:
            raise invalid("A policy of specific versions must name at least one.")
        return VersionPolicy(specific=frozenset(message.specific.versions))
    return VersionPolicy(latest=message.latest.num_versions or 1)
