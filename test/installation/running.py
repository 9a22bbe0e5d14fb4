# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A command that runs while a test reads what it prints, and a person at the console."""

from __future__ import annotations

import os
import queue
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, expect

WAIT_S = 60.0


class Command:
    """A command on a terminal of its own, so to say: Ctrl-C reaches all of it."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.said = process, ''
        self._lines: queue.Queue[str] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def until(self, pattern: str) -> re.Match[str]:
        """Wait until something was printed that matches."""
        while (found := re.search(pattern, self.said, re.M)) is None:
            line = self._lines.get(timeout=WAIT_S)
            assert line, f'{pattern} was not printed:\n{self.said}'
            self.said += line
        return found

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while line := self._lines.get(timeout=WAIT_S):
            self.said += line
        return self.process.wait(WAIT_S)

    def interrupt(self) -> int:
        """Press Ctrl-C."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.end()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put('')


@contextmanager
def running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
) -> Iterator[Command]:
    """Run a command in a folder; nothing of it is left after the block."""
    with subprocess.Popen(
        command, cwd=folder, env=environment, text=True, start_new_session=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    ) as process:  # fmt: skip
        try:
            yield Command(process)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def answer(page: Page, words: str) -> None:
    """Answer the first question of the queue in words."""
    expect(page.get_by_test_id('connection')).to_have_attribute('data-state', 'live')
    page.get_by_test_id('question').first.click()
    expect(page.get_by_test_id('submit')).to_be_enabled()
    page.get_by_test_id('response').fill(words)
    page.keyboard.press('Control+Enter')
    expect(page.get_by_test_id('answered')).to_have_text('1')
