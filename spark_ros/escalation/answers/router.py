# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Pass an answer to its question, whichever way it came."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import TypeVar

import anyio

from spark_ros.escalation.backends.backend import Report
from spark_ros.escalation.questions import Question, Questions

T = TypeVar('T')

MAX_REMEMBERED = 1000
TAKE_IN_S = 10.0


class AnswerRouter:
    """Passes each report to the coroutine of the question with its token."""

    def __init__(self, questions: Questions) -> None:
        self._questions = questions
        # What the service said of a question before it answered our request for a token.
        self._early: OrderedDict[str, Report] = OrderedDict()
        self._ended: OrderedDict[str, None] = OrderedDict()

    async def route(self, report: Report) -> bool | None:
        """Have a report stored; return whether it was new, once it is on the disk.

        None: it could not be stored, or not in time.
        """
        question = self._questions.of_token(report.token)
        if question is None:
            if report.token not in self._ended:
                _remember(self._early, report.token, report)
            return False
        # One question that hangs must not delay the answers to all others.
        with anyio.move_on_after(TAKE_IN_S):
            return await _give(question, report)
        return None

    async def take_push(self, report: Report) -> bool:
        """Take in a push; return whether it is settled, so that it need not come again.

        Only an answer that may be for a question whose token is not known yet must come again.
        """
        known = self._questions.of_token(report.token) is not None
        taken = await self.route(report)
        if known:
            return taken is not None
        return (
            report.token in self._ended
            or not report.state.terminal
            or not self._questions.creating()
        )

    def opened(self, question: Question) -> None:
        """Pass on the report that came before the question's token was known."""
        if (report := self._early.pop(question.token, None)) is not None:
            _give(question, report)

    def close(self, question: Question) -> None:
        """Pass nothing more to a question: it is over."""
        if question.token:
            _remember(self._ended, question.token, None)
        for _, taken in question.reports:
            if not taken.done():
                taken.set_result(False)
        question.reports.clear()


def _give(question: Question, report: Report) -> asyncio.Future[bool | None]:
    taken: asyncio.Future[bool | None] = asyncio.get_running_loop().create_future()
    question.reports.append((report, taken))
    question.heard.set()
    return taken


def _remember(memory: OrderedDict[str, T], token: str, value: T) -> None:
    memory[token] = value
    while len(memory) > MAX_REMEMBERED:
        memory.popitem(last=False)
