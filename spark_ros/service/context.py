# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The objects that the parts of a running service share, made at its start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from starlette.requests import Request

from spark_ros.service.crunchers import Crunchers
from spark_ros.service.events import ChangeBus
from spark_ros.service.fair_threads import FairThreadPool
from spark_ros.service.media.decoder import Decoder
from spark_ros.service.media.image_store import ImageStore, image_files
from spark_ros.service.media.url_signer import UrlSigner
from spark_ros.service.monitoring.metrics import Metrics
from spark_ros.service.operators.presence import Presence
from spark_ros.service.settings import Settings
from spark_ros.service.storage import keys, sessions
from spark_ros.service.storage.credential_cache import CredentialCache
from spark_ros.service.storage.feed_cursor import Cursors
from spark_ros.service.storage.jobs import OpenLimit
from spark_ros.service.storage.keys import Key
from spark_ros.service.storage.moved_database import order_anew
from spark_ros.service.storage.sessions import Session
from spark_ros.service.storage.store import Store
from spark_ros.service.web.concurrency import ConcurrencyLimit
from spark_ros.service.web.rate_limit import RateLimit

MOST_BLOCKED = 256
MOST_STREAMS = 16


@dataclass(frozen=True)
class Context:
    """A running service.

    Attributes:
        clock: Unix seconds.
        keys, sessions: what is valid, by secret.
        blocked_calls: limits long polls, by API key.
        rates: limits what each API key creates in a minute.
        event_streams: limits server-sent event streams, by session.
        presence: which operators are there.
        large_json: a thread for JSON that would block the event loop.
        comparisons: a thread that compares answers, which takes longer; by operator.
    """

    settings: Settings
    clock: Callable[[], float]
    bus: ChangeBus
    store: Store
    keys: CredentialCache[Key]
    sessions: CredentialCache[Session]
    images: ImageStore
    decoder: Decoder
    urls: UrlSigner
    crunchers: Crunchers
    cursors: Cursors
    open_limit: OpenLimit
    blocked_calls: ConcurrencyLimit
    rates: RateLimit
    event_streams: ConcurrencyLimit
    presence: Presence
    large_json: FairThreadPool
    comparisons: FairThreadPool
    metrics: Metrics

    def close(self) -> None:
        """Finish what is being written, end the processes and close the database."""
        self.decoder.close()
        self.large_json.close()
        self.comparisons.close()
        self.images.close()
        self.store.close()


def open_context(settings: Settings, clock: Callable[[], float]) -> Context:
    """Open a service's data; make it if it is not there.

    Args:
        clock: Unix seconds.

    Raises:
        OSError: the data directory cannot be used.
        ValueError: the setting `images` is not a bucket's URL.
        WrongDatabase: the database is of another version, or not a service's.
    """
    metrics = Metrics()
    bus = ChangeBus(metrics.changed)
    store = Store(settings.database, bus.publish)
    if store.shared:
        store.write_now(order_anew)
    secret = bytes.fromhex(store.value('url_secret'))
    return Context(
        settings=settings,
        clock=clock,
        bus=bus,
        store=store,
        keys=CredentialCache(store, keys.find),
        sessions=CredentialCache(store, sessions.read),
        images=ImageStore(image_files(settings)),
        decoder=Decoder(settings.max_pixels, settings.decode_s),
        urls=UrlSigner(secret),
        crunchers=Crunchers(secret),
        cursors=Cursors(store.value('epoch'), secret),
        open_limit=OpenLimit(settings.open_limit),
        blocked_calls=ConcurrencyLimit(MOST_BLOCKED, 'waiting calls of this key'),
        rates=RateLimit(),
        event_streams=ConcurrencyLimit(MOST_STREAMS, 'event streams of this session'),
        presence=Presence(),
        large_json=FairThreadPool('large-json'),
        comparisons=FairThreadPool('comparisons'),
        metrics=metrics,
    )


def context_of(request: Request) -> Context:
    """Return the service that a request came to."""
    context: Context = request.app.state.context
    return context


def base_url(request: Request) -> str:
    """Return the start of this service's URLs as callers can reach it, without a final slash."""
    public = context_of(request).settings.public_url
    return public.rstrip('/') if public else _asked_for(request)[0]


def port_of(request: Request) -> int | None:
    """Return the port of this service as the caller knows it; None for that of the scheme."""
    return _asked_for(request)[1]


def _asked_for(request: Request) -> tuple[str, int | None]:
    scope = request.scope
    return _base_and_port(
        scope['scheme'], request.headers.get('host'), scope.get('server'),
        scope.get('app_root_path', scope.get('root_path', '')),
    )  # fmt: skip


@lru_cache(maxsize=64)
def _base_and_port(
    scheme: str, host: str | None, server: tuple[str, int | None] | None, root_path: str
) -> tuple[str, int | None]:
    # Kept, since to take a URL apart costs more than most of a request.
    headers = [] if host is None else [(b'host', host.encode('latin-1'))]
    url = Request({
        'type': 'http', 'scheme': scheme, 'server': server, 'headers': headers, 'path': '/',
        'root_path': root_path, 'query_string': b'',
    }).base_url  # fmt: skip
    return str(url).rstrip('/'), url.port
