"""Ask an exported model about a sample of texts, in a process that may be ended.

A model may be fit to be served and still take forever on one sentence, or end its process on
another. Whoever asks here gets the answers or one sentence that says why there are none, within a
time.
"""

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from serving.contract.translation import ScoredTranslation, Translation
from serving.local.model import LocalModel
from serving.local.saved_model import ModelCallError, ModelLoadError, message_of


class NoAnswerError(Exception):
    """The model gave no answers; the message says why."""


@dataclass(frozen=True)
class Answers:
    """What a model says of a sample, each in the order of the texts."""

    translations: list[Translation]
    """Found by the search."""
    references: list[ScoredTranslation]
    """The given translations, by forced decoding."""


def ask_about_sample(
    directory: str, texts: Sequence[str], references: Sequence[str], *, max_seconds: float
) -> Answers:
    """Translates texts and scores given translations of them.

    It is done on the processor: the process that asks may hold all memory of a GPU.

    Args:
      directory: the folder with `saved_model.pb`; also an address such as `gs://bucket/folder`.
      texts: sources [n].
      references: a translation of each [n].
      max_seconds: for all of it, the start of Python and TensorFlow included.

    Raises:
      NoAnswerError: the model cannot be loaded, failed, ended its process or took too long.
    """
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_work, args=(theirs, directory, list(texts), list(references)), daemon=True
    )
    process.start()
    theirs.close()  # so that the end of the process is the end of the connection
    try:
        if not ours.poll(max_seconds):
            raise NoAnswerError(f"it gave no answer within {max_seconds:g} seconds")
        answer = ours.recv()
    except EOFError as error:
        raise NoAnswerError("its process ended before it had answered") from error
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(answer, Exception):
        raise NoAnswerError(str(answer)) from answer
    assert isinstance(answer, Answers), "a process sends answers or an error"
    return answer


def _work(connection: Connection, directory: str, texts: list[str], references: list[str]) -> None:
    """Is the process."""
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    with contextlib.suppress(BrokenPipeError):
        connection.send(_ask(directory, texts, references))


def _ask(directory: str, texts: list[str], references: list[str]) -> Answers | Exception:
    try:
        model = LocalModel(directory)
        return Answers(model.translate(texts), model.score(texts, references))
    except (ModelLoadError, ModelCallError) as error:
        return error
    except Exception as error:  # whatever it is, a traceback in this process would help nobody
        return ModelCallError(f"{type(error).__name__}: {message_of(error)}")
