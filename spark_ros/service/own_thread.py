# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Run a blocking function in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar('T')


async def in_own_thread(name: str, work: Callable[..., T], *arguments: Any) -> T:
    """Run a function in a thread of its own and return its result.

    A function that never ends delays nobody else, nor the end of the process.

    Args:
        name: of the thread.
    """
    answer: Future[T] = Future()
    # What runs cannot be cancelled; its result is dropped when nobody waits for it any more.
    answer.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work(*arguments)
        except Exception as error:
            answer.set_exception(error)
        else:
            answer.set_result(result)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await asyncio.wrap_future(answer)
