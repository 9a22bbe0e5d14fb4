# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A small HTTP server for the few requests that a robot answers, in threads of its own."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

MAX_CONNECTIONS = 32
READ_TIMEOUT_S = 10.0


class SmallServer(ThreadingHTTPServer):
    """One thread a connection, but never more than a few, and none that waits for ever."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], handler: type[SmallHandler], name: str) -> None:
        """Listen and serve until `stop`.

        Args:
            address: host and port; port 0 takes a free one.
            handler: makes the answers.
            name: of the thread.

        Raises:
            OSError: the port is taken, or the address is not this machine's.
        """
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, handler)
        self.port: int = self.server_address[1]
        threading.Thread(target=self.serve_forever, name=name, daemon=True).start()

    def stop(self) -> None:
        """Stop listening."""
        self.shutdown()
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection where there is room; turn it away where there is none."""
        if self._room.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Serve a connection and make room again."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: who hangs up is no news."""


class SmallHandler(BaseHTTPRequestHandler):
    """What every answer has in common."""

    timeout = READ_TIMEOUT_S

    def version_string(self) -> str:
        """Tell no versions."""
        return 'spark_ros'

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a query may hold a signature."""
