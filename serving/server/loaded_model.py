"""A version of the model in memory; its signatures may be run by several threads."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import grpc

from serving.server.errors import RequestError
from serving.server.slicing import Inputs, Outputs, rows_of


@dataclass(frozen=True, eq=False)
class LoadedSignature:
    """A signature of a loaded version, run by the scheduler."""

    name: str
    inputs: tuple[str, ...]
    """The names of its inputs, each string [batch]."""
    outputs: tuple[str, ...]
    """The names of its outputs."""
    shares_batches: bool
    """Whether the outputs can be sliced by request, as those of the contract can."""
    call: Callable[[Inputs], Outputs] = field(repr=False)

    def run(self, inputs: Inputs) -> Outputs:
        """Runs the model on texts.

        Raises:
          RequestError: the model rejected them, or did not return one row per text.
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
    """A version in memory."""

    number: int
    """The version."""
    signatures: Mapping[str, LoadedSignature]
    """The callable signatures by name."""
    definitions: Any = field(repr=False)
    """All signatures of the export as a `SignatureDefMap`, for GetModelMetadata."""
    close: Callable[[], None] = field(repr=False)
    """Frees its memory."""
