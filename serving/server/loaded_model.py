"""One version of the model in memory: its signatures, ready to be run by several threads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from serving.server.errors import RequestError
from serving.server.slicing import Inputs, Outputs, rows_of


@dataclass(frozen=True, eq=False)
class LoadedSignature:
    """A signature of a loaded version, which the scheduler runs."""

    name: str
    inputs: tuple[str, ...]
    """The names of its inputs, each string [batch]."""
    outputs: tuple[str, ...]
    """The names of its outputs."""
    shares_batches: bool
    """Whether its answers can be cut apart, as those of the contract can."""
    call: Callable[[Inputs], Outputs] = field(repr=False)

    def run(self, inputs: Inputs) -> Outputs:
        """Answers texts.

        Raises:
          RequestError: the model refuses them, or broke its promise of one answer per text.
        """
        outputs = self.call(inputs)
        rows = rows_of(inputs)
        for name, values in outputs.items():
            if values.ndim == 0 or len(values) != rows:
                raise RequestError(
                    grpc.StatusCode.INTERNAL,
                    f"The model's output {name!r} has shape {list(values.shape)} for {rows} texts.",
                )
        return outputs


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """A version that is in memory."""

    number: int
    """The version."""
    signatures: Mapping[str, LoadedSignature]
    """Those that can be called, by name."""
    definitions: Any = field(repr=False)
    """All of the export's, a `SignatureDefMap`, for clients that ask."""
    close: Callable[[], None] = field(repr=False)
    """Frees its memory."""
