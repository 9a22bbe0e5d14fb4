# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Notices when a question waits and nobody is there, once for each time, and when it is over.

Nothing of this is stored: after a restart, or when another process goes on with it, what still
holds is told again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
from sqlalchemy import Connection

from spark_ros.service.context import Context
from spark_ros.service.notify import mail as smtp
from spark_ros.service.notify.channel import Channel, Incident
from spark_ros.service.notify.notice import Notice, as_json, as_mail
from spark_ros.service.notify.settings import Mail, Webhook
from spark_ros.service.own_thread import in_own_thread
from spark_ros.service.pushes.outgoing import Guard, Resolve, failure_reason, outgoing_client
from spark_ros.service.pushes.signed_post import signed_post
from spark_ros.service.storage import sessions
from spark_ros.service.storage.unattended import Unattended, oldest_open, unattended

log = logging.getLogger('spark_ros.service')

LOOK_EVERY_S = 1.0
# Who runs the service chose the URL, often of a host in their own network, at any port. What
# remains refused are the metadata services of clouds, should the name come to mean one.
ANY_NETWORK = ('0.0.0.0/0', '::/0')


class Notifier:
    """Looks every second whether a question waits and nobody is there.

    Args:
        channels: are told of each incident.
    """

    def __init__(self, context: Context, channels: Sequence[Channel]) -> None:
        self._context = context
        self._channels = channels
        self._settings = context.settings.notifications
        self._incident: Incident | None = None

    async def watch(self) -> None:
        """Look until cancelled."""
        try:
            while True:
                await self.look()
                await asyncio.sleep(LOOK_EVERY_S)
        except asyncio.CancelledError:
            self._incident = None
            raise

    async def look(self) -> None:
        """Begin an incident, or end the one that there is, if it is time."""
        if self._incident is None:
            await self._begin_if_unattended()
        else:
            await self._end_if_attended(self._incident)

    async def _begin_if_unattended(self) -> None:
        context, after_s = self._context, self._settings.after_s
        # As long as a question has to wait: whoever reloads the page is not gone.
        if context.presence.count or context.presence.absent_s < after_s:
            return
        oldest = await context.store.read(oldest_open, self._settings.priority)
        if oldest is None or context.clock() - oldest < after_s:
            return
        found, console = await context.store.read(self._read)
        if found.count and not context.presence.count:
            incident = Incident(self._notice(secrets.token_hex(8), False, found, console))
            log.warning('questions wait and nobody is there: notifying')
            for channel in self._channels:
                channel.begin(incident)
            self._incident = incident

    async def _end_if_attended(self, incident: Incident) -> None:
        context = self._context
        if not context.presence.count:
            oldest = await context.store.read(oldest_open, self._settings.priority)
            if oldest is not None:
                return
        found, console = await context.store.read(self._read)
        incident.end(self._notice(incident.begun.incident, True, found, console))
        self._incident = None
        log.warning('somebody is there, or no question waits any more: that is over')

    def _notice(self, incident: str, over: bool, found: Unattended, console: str) -> Notice:
        now, operators = self._context.clock(), self._context.presence.count
        return Notice(incident, over, now, found, operators, console)

    def _read(self, connection: Connection) -> tuple[Unattended, str]:
        address = self._context.settings.public_url or sessions.last_address(connection) or ''
        return unattended(connection, self._settings.priority), f'{address.rstrip("/")}/'


def channels(context: Context, resolve: Resolve | None) -> list[Channel]:
    """Make the channels that the settings name.

    Args:
        resolve: resolves host names; by default as the system does.

    Raises:
        OSError: the certificate authorities that TLS is verified by cannot be read.
    """
    settings = context.settings.notifications
    found = []
    if settings.webhook is not None:
        found.append(_webhook(context, settings.webhook, Guard(ANY_NETWORK, (), resolve)))
    if settings.mail is not None:
        found.append(_mail(context, settings.mail))
    return found


def _webhook(context: Context, webhook: Webhook, guard: Guard) -> Channel:
    settings = context.settings.notifications
    # Once: it reads the certificate authorities, which takes a twentieth of a second.
    tls = httpx.create_ssl_context()

    async def post(notice: Notice) -> str | None:
        async with outgoing_client(guard, settings.attempt_s, tls) as http:
            return await signed_post(
                http, webhook.url, webhook.secret, notice.id, as_json(notice), context.clock(),
                settings.attempt_s,
            )

    host = ascii(urlsplit(webhook.url).hostname)
    return Channel('notifications by webhook', host, post, settings.pauses_s)


def _mail(context: Context, mail: Mail) -> Channel:
    settings = context.settings.notifications

    async def send(notice: Notice) -> str | None:
        message, step_s = as_mail(notice, mail), settings.attempt_s / 2
        try:
            await in_own_thread('mail', smtp.send, mail, message, step_s)
        except Exception as error:
            return failure_reason(error, step_s)[0]
        return None

    return Channel('notifications by mail', mail.address, send, settings.pauses_s)
