# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Somebody at the console of the real service, through the calls that the console makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from services import Service


class Person:
    """An operator who is logged in, and does what the test says."""

    def __init__(self, service: Service) -> None:
        self._console = httpx.Client(
            base_url=service.url, headers={'X-Requested-With': 'console'}, trust_env=False,
            timeout=60.0,
        )  # fmt: skip
        token = service.command('login-link').partition('?token=')[2]
        assert self._console.post('/login', data={'token': token}).status_code == 303

    def queue(self) -> list[dict[str, Any]]:
        """Return what waits."""
        waiting: list[dict[str, Any]] = self._checked('GET', 'queue')['questions']
        return waiting

    def claim(self) -> dict[str, Any]:
        """Take the oldest question that nobody has."""
        id = next(question['id'] for question in self.queue() if question['state'] == 'open')
        return self.take(id)

    def take(self, id: object) -> dict[str, Any]:
        """Take a question."""
        question: dict[str, Any] = self._checked('POST', f'questions/{id}/claim')
        return question

    def release(self, question: dict[str, Any]) -> None:
        self._checked('POST', f'questions/{question["id"]}/release')

    def answer(self, question: dict[str, Any], **said: Any) -> None:
        self._checked('POST', f'questions/{question["id"]}/answer', json=said)

    def flag(self, question: dict[str, Any], reason: str) -> None:
        self._checked('POST', f'questions/{question["id"]}/flag', json={'reason': reason})

    @contextmanager
    def at_the_desk(self) -> Iterator[None]:
        """Have the console open while the block lasts."""
        with self._console.stream('GET', '/console/api/events') as events:
            assert events.status_code == 200
            yield

    def close(self) -> None:
        self._console.close()

    def _checked(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._console.request(method, f'/console/api/{path}', **more)
        assert answer.status_code == 200, answer.text
        said: dict[str, Any] = answer.json()
        return said
