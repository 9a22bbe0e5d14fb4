# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A network with a login page: until somebody logs in, it answers in everybody's place."""

from __future__ import annotations

from collections import Counter

from meddler import Meddler, reply

PAGE = b'<html><h1>Welcome, dear guest!</h1></html>'


class Portal(Meddler):
    """Passes HTTP on, or answers everything by itself while it is closed.

    Attributes:
        closed: whether it does; a change cuts nothing.
        redirects: whether it answers a POST with a redirect; else, too, with a page.
        passed, refused: how often each method and path was passed on, or was not.
    """

    def __init__(self, target_port: int) -> None:
        super().__init__(target_port, seed=0, share=0.0, hang_s=0.0)
        self.closed, self.redirects = False, True
        self.passed: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def cut(self) -> None:
        """Cut every connection."""

        def cancel() -> None:
            for task in self._serving:
                task.cancel()

        self._loop.call_soon_threadsafe(cancel)

    async def _answer(self, request: bytes) -> bytes:
        method, path, _ = request.decode('latin-1').split(' ', 2)
        call = f'{method} {path.partition("?")[0]}'
        if not self.closed:
            self.passed[call] += 1
            return await self._ask(request)
        self.refused[call] += 1
        if method == 'GET' or not self.redirects:
            return reply(b'404 Not Found', PAGE)
        return reply(b'302 Found', b'', b'Location: http://login.example/\r\n')
