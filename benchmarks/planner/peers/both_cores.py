"""Gives a single-threaded peer both cores: two searches side by side, the better plan counts."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence

from .evening import Answer


def best_of(searches: Sequence[Callable[[], Answer]]) -> Answer:
    """Run the searches in forked processes at once; their exceptions are raised here.

    The answer's seconds are those of the slowest search, because the caller waits for all of them.
    """
    context = multiprocessing.get_context("fork")
    running = []
    for search in searches:
        receiver, sender = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(search, sender), daemon=True)
        process.start()
        sender.close()
        running.append((process, receiver))
    answers: list[Answer] = []
    for process, receiver in running:
        try:
            outcome = receiver.recv()
        except EOFError:
            outcome = RuntimeError("a search died without an answer")
        process.join()
        if isinstance(outcome, BaseException):
            raise outcome
        answers.append(outcome)
    best = max(answers, key=lambda answer: answer.model_ticks or 0)
    return Answer(best.routes, best.model_ticks, max(answer.search_seconds for answer in answers))


def _run(search: Callable[[], Answer], sender) -> None:
    try:
        sender.send(search())
    except Exception as error:
        sender.send(RuntimeError(f"{type(error).__name__}: {error}"))
    finally:
        sender.close()
