"""Converts texts to Predict requests and replies to translations, without any input or output."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from serving.client.errors import InvalidReply
from serving.client.model_info import ModelChoice
from serving.contract.batching import batches_by_length
from serving.contract.response_checks import Response, check_form, check_lengths
from serving.contract.signatures import CONTRACTS, N_BEST, SCORE, SERVING_DEFAULT, SOURCE_ATTENTION
from serving.contract.source_attention import SourceAttention, read_source_attention
from serving.contract.translation import (
    ScoredTranslation,
    Translation,
    as_bytes,
    as_text,
    read_n_best,
    read_scored,
    read_translation,
)
from serving.protocol.messages import PREDICT
from serving.protocol.tensors import TensorError, from_tensor, write_tensor

Result = TypeVar("Result")


@dataclass(frozen=True)
class Job(Generic[Result]):
    """Texts for one signature, and the function to read each result."""

    signature: str
    inputs: Mapping[str, Sequence[bytes]]
    """[texts] for each input of the signature."""
    read: Callable[[Response, int, int], Result]
    """Reads the result from a reply, a row of it, and the text's position in the job."""

    def batches(self, batch_size: int) -> list[list[int]]:
        """Returns the positions of the texts of each batch."""
        rows = zip(*self.inputs.values(), strict=True)
        return batches_by_length([max(map(len, row)) for row in rows], batch_size)

    def request(self, model: ModelChoice, batch: Sequence[int], rows: int = 0) -> Any:
        """Returns the request for the texts at some positions; empty texts fill it up to `rows`."""
        request = PREDICT.request(model_spec=model.spec(self.signature))
        for name, values in self.inputs.items():
            texts = [values[position] for position in batch] + [b""] * (rows - len(batch))
            write_tensor(request.inputs[name], np.array(texts, object))
        return request

    def results(self, reply: Any, batch: Sequence[int], rows: int = 0) -> list[Result]:
        """Reads the reply to a request that was made with the same arguments.

        Raises:
          InvalidReply: it breaks the contract of the signature.
        """
        rows = max(rows, len(batch))
        response, problems = {}, []
        contract = CONTRACTS[self.signature]
        for name in (*contract.outputs, *contract.optional):
            if name in reply.outputs:
                try:
                    response[name] = from_tensor(reply.outputs[name])
                except TensorError as error:
                    problems.append(f"output {name!r} cannot be read: {error}")
        problems = problems or check_form(self.signature, response, rows) or check_lengths(response)
        if problems:
            raise InvalidReply(
                f"The reply of {self.signature!r} breaks its contract ({'; '.join(problems)}): use "
                "a translation model of this project, or export and push it again."
            )
        return [self.read(response, row, position) for row, position in enumerate(batch)]


def translation_job(texts: Sequence[str | bytes], n_best: bool) -> Job[Translation]:
    """Returns the job to translate texts; with `n_best`, into all hypotheses of the beam."""
    signature, read = (N_BEST, read_n_best) if n_best else (SERVING_DEFAULT, read_translation)
    return Job(signature, {"text": _encoded(texts)}, lambda response, row, _: read(response, row))


def scoring_job(
    texts: Sequence[str | bytes], targets: Sequence[str | bytes]
) -> Job[ScoredTranslation]:
    """Returns the job to score a given target for each text.

    Raises:
      ValueError: the numbers of targets and texts differ.
    """
    sources, given = _encoded(texts), _encoded(targets)
    if len(sources) != len(given):
        raise ValueError(
            f"Each text needs one target: {len(sources)} texts have {len(given)} targets."
        )

    def read(response: Response, row: int, position: int) -> ScoredTranslation:
        return read_scored(response, row, as_text(given[position]))

    return Job(SCORE, {"text": sources, "target": given}, read)


def source_attention_job(texts: Sequence[str | bytes]) -> Job[SourceAttention]:
    """Returns the job to show where the encoder looks."""
    sources = _encoded(texts)

    def read(response: Response, row: int, position: int) -> SourceAttention:
        return read_source_attention(response, row, as_text(sources[position]))

    return Job(SOURCE_ATTENTION, {"text": sources}, read)


def require_several(texts: object) -> None:
    """Rejects a single string in place of a list: each character would count as a text.

    Raises:
      TypeError: it is a single string.
    """
    if isinstance(texts, str | bytes):
        raise TypeError("Give a list of texts, even if there is only one: ['...'].")


def _encoded(texts: Sequence[str | bytes]) -> list[bytes]:
    require_several(texts)
    return [as_bytes(text) for text in texts]
