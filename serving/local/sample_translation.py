"""Translates a sample of texts with an exported model, in a separate process with a time limit.

Even a model fit for serving may hang on one sentence, or fail on another. The caller gets either
the answers or an error with the reason, within the time limit.
"""

import contextlib
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection

from serving.contract.translation import ScoredTranslation, Translation
from serving.local.model import LocalModel
from serving.local.outside_cause import (
    OutsideCauseError,
    ended_early,
    lacks_memory,
    tried_twice,
)
from serving.local.parent import end_with_parent
from serving.local.saved_model import ModelCallError, ModelLoadError, message_of


class NoAnswerError(Exception):
    """The model gave no answers; the message gives the reason."""


@dataclass(frozen=True)
class Answers:
    """The results of a model for a sample, in the order of the texts."""

    translations: list[Translation]
    """The translations found by the beam search."""
    references: list[ScoredTranslation]
    """The given translations, by forced decoding."""


def ask_about_sample(
    directory: str, texts: Sequence[str], references: Sequence[str], *, max_seconds: float
) -> Answers:
    """Translates texts and scores given translations of them.

    It runs on the CPU: the calling process may hold all memory of a GPU. A process that is killed
    or crashes is tried once more.

    Args:
      directory: the folder with `saved_model.pb`; also a URL such as `gs://bucket/folder`.
      texts: sources [n].
      references: a translation of each [n].
      max_seconds: time limit of one try, including the start of Python and TensorFlow.

    Raises:
      NoAnswerError: the model cannot be loaded, failed or took too long.
      OutsideCauseError: its process was killed or crashed, or had too little memory, twice.
    """
    return tried_twice(lambda: _ask_once(directory, texts, references, max_seconds))


def _ask_once(
    directory: str, texts: Sequence[str], references: Sequence[str], max_seconds: float
) -> Answers:
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_work,
        args=(os.getpid(), theirs, directory, list(texts), list(references)),
        daemon=True,
    )
    process.start()
    theirs.close()  # the connection must end with the process
    try:
        if not ours.poll(max_seconds):
            raise NoAnswerError(f"it gave no answer within {max_seconds:g} seconds")
        answer = ours.recv()
    except (EOFError, OSError) as error:
        process.join(10)  # its end of the connection is closed already
        raise ended_early("The process for the sample", process.exitcode) from error
    finally:
        process.kill()
        process.join()
        ours.close()
    if isinstance(answer, OutsideCauseError):
        raise answer
    if isinstance(answer, Exception):
        raise NoAnswerError(str(answer)) from answer
    assert isinstance(answer, Answers), "a process sends answers or an error"
    return answer


def _work(
    parent: int, connection: Connection, directory: str, texts: list[str], references: list[str]
) -> None:
    """The main function of the process."""
    end_with_parent(parent)
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    with contextlib.suppress(BrokenPipeError):
        connection.send(_ask(directory, texts, references))


def _ask(directory: str, texts: list[str], references: list[str]) -> Answers | Exception:
    try:
        model = LocalModel(directory)
        return Answers(model.translate(texts, split=False), model.score(texts, references))
    except Exception as error:
        if lacks_memory(error):
            return OutsideCauseError(
                "There was too little memory to translate the sample "
                f"({message_of(error)}): free some, and run again."
            )
        if isinstance(error, ModelLoadError | ModelCallError):
            return error
        # Sent to the parent: a traceback in this process would help nobody
        return ModelCallError(f"{type(error).__name__}: {message_of(error)}")
