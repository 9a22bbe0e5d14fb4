# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""One attempt to fetch a file from a URL that a caller named."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import IO

import httpx

from spark_ros.service.pushes.outgoing import failure_reason

# Besides 500 and above, statuses after which another attempt may succeed.
TRANSIENT = (408, 425, 429)
CHUNK = 64 * 1024


@dataclass
class FetchFailed(Exception):
    """No usable result came.

    Attributes:
        reason: what was wrong, for operators only: callers could use it to scan the network.
        transient: whether another attempt may succeed.
    """

    reason: str
    transient: bool = False


class Download:
    """Downloads a body into a file.

    Attributes:
        size: how many bytes came so far.
    """

    def __init__(self, http: httpx.AsyncClient, file: IO[bytes], limit: int) -> None:
        self._http = http
        self._file = file
        self._limit = limit
        self.size = 0

    async def run(self, url: str, timeout_s: float) -> None:
        """Fetch a URL; nothing but its host, path and query is sent.

        Args:
            url: an absolute URL; a user name or password in it is dropped.
            timeout_s: how long all of it may take.

        Raises:
            FetchFailed: it cannot be fetched.
        """
        try:
            await asyncio.wait_for(self._take(url), timeout_s)
        except FetchFailed:
            raise
        except Exception as error:
            raise FetchFailed(*failure_reason(error, timeout_s)) from None

    async def _take(self, url: str) -> None:
        # A password in the URL would be sent, too.
        plain = httpx.URL(url).copy_with(userinfo=b'')
        async with self._http.stream('GET', plain) as response:
            status = response.status_code
            if status != 200:
                why = '; redirects are not followed' if 300 <= status < 400 else ''
                raise FetchFailed(f'answered {status}{why}', status >= 500 or status in TRANSIENT)
            declared = response.headers.get('content-length', '')
            if declared.isascii() and declared.isdigit() and int(declared[:20]) > self._limit:
                raise self._too_large()
            # As it is sent: what is compressed could become anything.
            async for part in response.aiter_raw(CHUNK):
                self.size += len(part)
                if self.size > self._limit:
                    raise self._too_large()
                await asyncio.to_thread(self._file.write, part)

    def _too_large(self) -> FetchFailed:
        return FetchFailed(f'it has more than the {self._limit} bytes that may be fetched')
