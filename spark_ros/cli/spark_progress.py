# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What the `spark` command says while it waits, on standard error."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import TextIO

from spark_ros.cli.output import columns, cut, one_line, terminal, width_of

TICK_S = 1.0
REDRAW_S, LINE_S = 0.1, 10.0
CLEAR = '\r\x1b[K'


class _Line:
    """A line on a terminal that is written over, or lines elsewhere."""

    def __init__(
        self, stream: TextIO, *, quiet: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Set up; print nothing yet.

        Args:
            stream: where to.
            quiet: say nothing but trouble.
            clock: steady seconds.
        """
        self._stream, self._quiet, self._clock = stream, quiet, clock
        self._shown_on = terminal(stream)
        self._live = self._shown_on.live and not quiet
        self._since = clock()

    def clear(self) -> None:
        """Clear the line for what is printed next."""
        if self._live:
            self._write(CLEAR)

    def _write(self, text: str) -> None:
        # Standard error may be closed or full: no reason to lose the answer.
        with suppress(OSError, ValueError):
            self._stream.write(text)
            self._stream.flush()


class Count(_Line):
    """Progress of a long task: one line that is updated, or a line now and then."""

    def step(self, done: int, total: int | None) -> None:
        """Print how much is done, and of how much if that is known."""
        now = self._clock()
        if self._quiet or now - self._since < (REDRAW_S if self._live else LINE_S):
            return
        self._since = now
        words = f'{done} of {total}' if total else str(done)
        self._write(f'{CLEAR}{words}' if self._live else f'{words}\n')


class Progress(_Line):
    """On a terminal one line that is written over; elsewhere a line for each change of state."""

    _state = _trouble = ''

    @asynccontextmanager
    async def shown(self, token: str) -> AsyncIterator[None]:
        """Show the progress of this question while the block lasts; its token stays to be read."""
        self._since = self._clock()
        self._line(f'asked: {one_line(token)}')
        ticking = asyncio.create_task(self._tick())
        try:
            yield
        finally:
            ticking.cancel()
            with suppress(asyncio.CancelledError):
                await ticking
            self.clear()

    def state(self, words: str) -> None:
        """Print the state of the question."""
        back = self._trouble and not self._live
        self._trouble = ''
        words = one_line(words) or '-'
        if words != self._state or back:
            self._state = words
            if not self._live:
                self._line(f'{self._elapsed()}  {words}')
        self._redraw()

    def trouble(self, words: str) -> None:
        """Print why the state is unknown; only once until `state` is called again."""
        words = one_line(words)
        if not self._trouble and not self._live:
            self._write(f'spark: {words}; trying again\n')
        self._trouble = words
        self._redraw()

    async def _tick(self) -> None:
        while self._live:
            self._redraw()
            await asyncio.sleep(TICK_S)

    def _redraw(self) -> None:
        if not self._live:
            return
        # The terminal may have been resized meanwhile; a line that wraps cannot be cleared.
        left = width_of(self._stream) - 1
        start = f'{self._elapsed()}  '
        state = cut(self._state, left - len(start))
        rest = f'  {self._trouble}; trying again' if self._trouble else ''
        rest = cut(rest, left - len(start) - columns(state))
        self._write(f'{CLEAR}{start}{self._shown_on.state(state)}{rest}')

    def _elapsed(self) -> str:
        seconds = int(self._clock() - self._since)
        return f'{seconds // 60}:{seconds % 60:02d}'

    def _line(self, text: str) -> None:
        if not self._quiet:
            self._write(f'{text}\n')
