"""Translates in several processes, each with its own copy of the exported model.

A single process leaves CPU cores idle, because a step of the beam search is too small. Texts are
processed in chunks, in order, and only a few chunks are in memory at a time.
"""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

from serving.contract.translation import Translation
from serving.local.model import LocalModel
from serving.local.parent import end_with_parent
from serving.local.processors import THREAD_VARIABLES, processors
from serving.local.saved_model import ModelCallError, ModelLoadError, message_of
from text.glossary import Glossary

_CHUNKS_PER_WORKER = 2
"""Most chunks read before the oldest is answered: one in work, one waiting."""


class WorkerError(Exception):
    """A process ended before its work was done; the message gives a remedy."""


def translate_in_parallel(
    directory: str,
    chunks: Iterable[Sequence[str]],
    *,
    workers: int,
    batch_size: int = 32,
    n_best: bool = False,
    glossary: Glossary | None = None,
) -> Iterator[list[Translation]]:
    """Translates lists of texts in several processes.

    The processes end with the iteration; close the generator to end early.

    Args:
      directory: the folder with `saved_model.pb`.
      chunks: any number of lists, each for one process; a few are read ahead of the answers.
      workers: number of processes, at least 1; each needs the memory of one model.
      batch_size: texts per batch of a model.
      n_best: whether to return all hypotheses of the beam.
      glossary: terms that the translations must have.

    Yields:
      The translations of each list, in the order of the lists.

    Raises:
      ModelLoadError: the folder has no model, or it cannot be read.
      ModelCallError: the model lacks the signature, or failed.
      WorkerError: a process ended unexpectedly.
    """
    waiting = iter(chunks)
    is_exhausted = False
    busy: dict[Connection, int] = {}
    answers: dict[int, list[Translation]] = {}
    sent = answered = 0
    with _started(directory, batch_size, workers) as connections:
        idle = list(connections)
        for connection in connections:
            _receive(connection)  # reports the loaded model
        while not is_exhausted or busy:
            while idle and not is_exhausted and sent - answered < _CHUNKS_PER_WORKER * workers:
                chunk = next(waiting, None)
                if chunk is None:
                    is_exhausted = True
                else:
                    connection = idle.pop()
                    _send(connection, (chunk, n_best, glossary))
                    busy[connection] = sent
                    sent += 1
            for connection in _ready(busy):
                answers[busy.pop(connection)] = _receive(connection)
                idle.append(connection)
            while answered in answers:
                yield answers.pop(answered)
                answered += 1


@contextlib.contextmanager
def _started(directory: str, batch_size: int, workers: int) -> Iterator[list[Connection]]:
    """Starts the processes and yields the connections to them."""
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    threads = max(1, processors() // workers)
    processes, connections = [], []
    try:
        for _ in range(workers):
            ours, theirs = context.Pipe()
            process = context.Process(
                target=_work,
                args=(os.getpid(), theirs, directory, batch_size, threads),
                daemon=True,
            )
            process.start()
            theirs.close()  # the connection must end with the process
            processes.append(process)
            connections.append(ours)
        yield connections
    finally:
        for process in processes:
            process.terminate()
        for process, connection in zip(processes, connections, strict=True):
            process.join()
            connection.close()


def _work(
    parent: int, connection: Connection, directory: str, batch_size: int, threads: int
) -> None:
    """The main function of a process: loads the model, and translates until the connection ends."""
    end_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent process handles Ctrl-C
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, str(threads))
    with contextlib.suppress(EOFError, BrokenPipeError):
        try:
            model = LocalModel(directory, batch_size)
        except ModelLoadError as error:
            connection.send(error)
            return
        connection.send(None)
        while True:
            connection.send(_answer(model, *connection.recv()))


def _answer(
    model: LocalModel, chunk: Sequence[str], n_best: bool, glossary: Glossary | None
) -> list[Translation] | Exception:
    try:
        return model.translate(chunk, n_best=n_best, glossary=glossary)
    except ModelCallError as error:
        return error
    except Exception as error:  # sent to the parent: a traceback in this process would help nobody
        return ModelCallError(f"{type(error).__name__}: {message_of(error)}")


def _ready(busy: dict[Connection, int]) -> list[Any]:
    """Waits for an answer or for the end of a process; returns at once if no process is busy."""
    return wait(list(busy)) if busy else []


def _send(connection: Connection, request: object) -> None:
    try:
        connection.send(request)
    except OSError as error:
        raise _ended() from error


def _receive(connection: Connection) -> Any:
    try:
        answer = connection.recv()
    except (EOFError, OSError) as error:
        raise _ended() from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _ended() -> WorkerError:
    return WorkerError(
        "A translation process ended before its work was done, perhaps for lack of memory: use "
        "fewer workers or smaller batches."
    )
