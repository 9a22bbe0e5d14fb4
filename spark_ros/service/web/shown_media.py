# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What a console may load of the files that a question names: only what this service has."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from sqlalchemy import Connection, Row

from spark_ros.service.media import images
from spark_ros.service.storage import fetches

# The picture that `spark-service try` has one ask about.
EXAMPLE = '/docs/example.png'
OWN, LINK = 'own', 'link'


def own_url(location: str, tenant: str, base: str = '') -> str | None:
    """Return the path of a file that a tenant has on this service, or None.

    Args:
        base: what the caller knows this service by.
    """
    if base and location == base + EXAMPLE:
        return EXAMPLE
    return images.own_path(location, tenant)


def foreign(locations: Iterable[str], tenant: str, base: str = '') -> list[str]:
    """Return the URLs that are not of this service."""
    return [each for each in locations if own_url(each, tenant, base) is None]


def media(
    connection: Connection, locations: Collection[str], tenant: str, before: float, base: str = ''
) -> dict[str, dict[str, Any]]:
    """Write what a console shows of files, by their URLs as they were given.

    Args:
        before: when the question came.

    Returns:
        `url`, a path of this service or None; `source`, the URL as it was given, to be read, not
        to be loaded; `state`: `own` (uploaded here), `done` (a copy was fetched), `waiting` or
        `failed`; and why it failed.
    """
    fetched = fetches.newest(connection, tenant, foreign(locations, tenant, base), before)
    return {
        location: _medium(location, own_url(location, tenant, base), fetched.get(location))
        for location in locations
    }


def _medium(location: str, own: str | None, found: Row[Any] | None) -> dict[str, Any]:
    said = {'url': own, 'source': location, 'error': None}
    if own is not None:
        return {**said, 'state': OWN}
    if found is None:
        return {**said, 'state': fetches.FAILED, 'error': 'it was not fetched'}
    return {**said, 'url': found.image, 'state': found.state, 'error': found.error}


def link(location: str) -> dict[str, Any]:
    """Write what a console shows of what it cannot copy: an address to open elsewhere."""
    return {'url': None, 'source': location, 'state': LINK, 'error': None}
