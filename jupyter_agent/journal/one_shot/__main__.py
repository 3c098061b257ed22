"""The program that a kernel without a server asks about tasks; see `protocol.one_shot`."""

from __future__ import annotations

import sys

import msgspec

from ...errors import AgentError, JournalError
from ...protocol.one_shot import ListTasks, ReadEvents, Request, SendCommand, ShowTask
from ...system.paths import data_paths
from ...transport.problem import Problem, status_and_code
from .all_journals import AllJournals


def main() -> int:
    """Answer the request on standard input; the exit status."""
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        answer, status = msgspec.json.encode(_answer(request)), 0
    except AgentError as error:
        answer, status = msgspec.json.encode(_problem(error)), 1
    except OSError as error:
        sentence = f"{error.filename or 'a file or socket'}: {error.strerror or error}"
        answer, status = msgspec.json.encode(_problem(JournalError(sentence))), 1
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
    return status


def _answer(request: Request) -> object:
    journals = AllJournals(data_paths())
    match request:
        case ListTasks(query):
            return journals.tasks(query)
        case ShowTask(task):
            return journals.task(task)
        case ReadEvents(task, after):
            return journals.events(task, after)
        case SendCommand(task, command, args):
            journals.command(task, command, args)
            return None


def _problem(error: AgentError) -> Problem:
    _, code = status_and_code(error)
    return Problem(detail=str(error).split("\n", 1)[0], code=code)


if __name__ == "__main__":
    sys.exit(main())
