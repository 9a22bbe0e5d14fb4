# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a console may load of the files that a question names: only what this service has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import Connection, Row

from spark_ros.service.context import Context
from spark_ros.service.media import images
from spark_ros.service.storage import fetches, keys

# The image of the question in `spark-service try`.
EXAMPLE = '/docs/example.png'
OWN, LINK = 'own', 'link'


@dataclass(frozen=True)
class Requester:
    """Who named files in a request, and when.

    Attributes:
        tenant: the key's.
        time: Unix seconds; what was valid then is shown.
        base: what the caller knows this service by.
    """

    tenant: str
    time: float
    base: str = ''


def own_url(
    service: Context, connection: Connection, location: str, by: Requester
) -> str | None:
    """Return the path of a file on this service that the requester may show, or None.

    That is a file of the same key, or of another key whose signed URL was given: robots that use
    one API can host their images with a key of the other.

    Args:
        location: the URL that was given.
    """
    if by.base and location == by.base + EXAMPLE:
        return EXAMPLE
    own = images.own_path(location, by.tenant)
    return _signed_path(service, connection, location, by.time) if own is None else own


def _signed_path(
    service: Context, connection: Connection, location: str, now: float
) -> str | None:
    parts = urlsplit(location)
    found = images.PATH.fullmatch(parts.path)
    key_hash = keys.hash_of_tenant(connection, found[1]) if found else None
    if key_hash is None:
        return None
    query = dict(parse_qsl(parts.query))
    until, signature = query.get('expires', ''), query.get('signature', '')
    return parts.path if service.urls.valid(parts.path, key_hash, until, signature, now) else None


async def files_elsewhere(
    service: Context, files: Iterable[tuple[str, str]], by: Requester
) -> list[tuple[str, str]]:
    """Return the files that are not on this service.

    Args:
        files: their kinds (`image`, `video`, `audio`) and URLs.
    """
    not_own = [(kind, url) for kind, url in files if images.own_path(url, by.tenant) is None]
    if not not_own:
        return []

    def elsewhere(connection: Connection) -> list[tuple[str, str]]:
        return [each for each in not_own if own_url(service, connection, each[1], by) is None]

    return await service.store.read_for(by.tenant, elsewhere)


def names_of(
    files: Iterable[tuple[str, str]], elsewhere: Iterable[tuple[str, str]], tenant: str
) -> list[str]:
    """Return the names of files as `storage.named_files` has them, each once.

    Args:
        files: their kinds and URLs.
        elsewhere: those of them that are not on this service.
        tenant: of the key that named them.
    """
    away = {url for _, url in elsewhere}
    # What it may not show, it does not keep, either.
    own = (images.named_id(url) for _, url in files if url not in away)
    copied = (fetches.name_of(tenant, url) for url in away)
    return [*dict.fromkeys((*filter(None, own), *copied))]


def media(
    service: Context, connection: Connection, wanted: Collection[tuple[str, Requester]]
) -> dict[tuple[str, Requester], dict[str, Any]]:
    """Describe files for the console.

    Args:
        wanted: their URLs as they were given, and by whom.

    Returns:
        For each, `url`, a path of this service or None; `source`, the URL as it was given, to be
        read, not to be loaded; `state`: `own` (uploaded here), `done` (a copy was fetched),
        `waiting` or `failed`; and why it failed.
    """
    own = {each: own_url(service, connection, *each) for each in wanted}
    elsewhere = {
        (location, by): (by.tenant, location, by.time)
        for (location, by), path in own.items()
        if path is None
    }
    fetched = fetches.newest(connection, [*elsewhere.values()])
    return {
        each: _medium(each[0], path, fetched.get(elsewhere[each]) if each in elsewhere else None)
        for each, path in own.items()
    }


def _medium(location: str, own: str | None, found: Row[Any] | None) -> dict[str, Any]:
    medium = {'url': own, 'source': location, 'error': None}
    if own is not None:
        return {**medium, 'state': OWN}
    if found is None:
        return {**medium, 'state': fetches.FAILED, 'error': 'it was not fetched'}
    return {**medium, 'url': found.image, 'state': found.state, 'error': found.error}


def link(location: str) -> dict[str, Any]:
    """Describe a file that cannot be copied for the console: as a link to open."""
    return {'url': None, 'source': location, 'state': LINK, 'error': None}
