# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Receive a service's pushes on the robot, where it can be reached.

A push with a valid signature is believed; any other only makes the node poll soon.
"""

from __future__ import annotations

import hmac
import json
import logging
import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from http import HTTPStatus

from spark_ros.escalation.backends.backend import Report
from spark_ros.escalation.small_server import SmallHandler, SmallServer
from spark_ros.wire.signing import webhook_signature

MAX_BODY_BYTES = 8 * 2**20
MAX_AGE_S = 300.0
POLL_EVERY_S = 1.0
TAKE_IN_S = 11.0
SIGNATURE = re.compile(r't=(\d{1,16}),v1=[0-9a-f]{64}', re.ASCII)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class WebhookSettings:
    """The address for the service's pushes; without a secret none of them can be verified."""

    host: str
    port: int
    secret: str


class WebhookReceiver:
    """Listens for POSTs and answers 200 once the report is in the journal."""

    def __init__(
        self,
        settings: WebhookSettings,
        read: Callable[[object], Report],
        take_in: Callable[[Report], Future[bool]],
        poll_soon: Callable[[], None],
    ) -> None:
        """Listen.

        Args:
            settings: where to listen (port 0 takes a free one), and the secret.
            read: reads a verified push as JSON; may raise ValueError.
            take_in: stores a report; its result is False if it must be pushed again.
            poll_soon: called for pushes that cannot be verified, at most once a second.

        The server calls the three functions in its own threads.

        Raises:
            OSError: the port is taken, or the address is not this machine's.
        """
        self._secret, self._read = settings.secret, read
        self._take_in, self._poll_soon = take_in, poll_soon
        self._polled_at = float('-inf')
        self._lock = threading.Lock()
        address = settings.host, settings.port
        self._server = SmallServer(address, 'POST', self._receive, 'webhooks')
        self.port = self._server.port

    def close(self) -> None:
        """Stop listening."""
        self._server.stop()

    def _receive(self, request: SmallHandler) -> None:
        length = request.headers.get('Content-Length', '')
        if not re.fullmatch(r'\d{1,9}', length, re.ASCII):
            request.send_error(HTTPStatus.LENGTH_REQUIRED)
            return
        if int(length) > MAX_BODY_BYTES:
            request.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
            return
        body = request.rfile.read(int(length))
        if len(body) < int(length):
            return
        if not self._verified(request.headers.get('Spark-Signature', ''), body):
            self._ask_to_poll()
            request.respond(HTTPStatus.OK)
            return
        request.server.asked(request.connection)
        try:
            taken = self._take_in(self._read(json.loads(body))).result(TAKE_IN_S)
        except (ValueError, RecursionError) as error:
            logger.warning('cannot read a signed push: %s', error)
            self._ask_to_poll()
            request.send_error(HTTPStatus.BAD_REQUEST)
            return
        except Exception:
            logger.exception('cannot handle a push')
            taken = False
        # What is not taken in is pushed again; meanwhile it may have become known.
        request.respond(HTTPStatus.OK if taken else HTTPStatus.SERVICE_UNAVAILABLE)

    def _verified(self, signature: str, body: bytes) -> bool:
        found = SIGNATURE.fullmatch(signature)
        if not self._secret or found is None:
            return False
        time_ms = int(found[1])
        expected = webhook_signature(self._secret, body, time_ms)
        fresh = abs(time.time() - time_ms / 1000) <= MAX_AGE_S
        return hmac.compare_digest(expected, signature) and fresh

    def _ask_to_poll(self) -> None:
        with self._lock:
            now = time.monotonic()
            if now - self._polled_at < POLL_EVERY_S:
                return
            self._polled_at = now
        self._poll_soon()
