# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The change feed (ours alone, for both APIs): one long poll a robot, however much is open.

`cursor` is where the caller is in the log of changes. The answer holds the newest state of each
question that changed since, in the order of commits, the cursor to go on with, and how many
operators are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.context import Context, base_url, context_of
from spark_ros.service.heat.objects import request_json
from spark_ros.service.spark.objects import engagement_json
from spark_ros.service.storage import change_log, feed_cursor, jobs
from spark_ros.service.storage.change_order import Position
from spark_ros.service.storage.keys import Key
from spark_ros.service.web.credentials import hosting_key
from spark_ros.service.web.long_poll import block_s, counted, long_poll
from spark_ros.service.web.replies import json_array, json_object, reply_json
from spark_ros.service.web.robots import check_robot_id


async def changes(request: Request) -> Response:
    """Give the caller's questions that changed, at once or within `block` seconds."""
    service, key = context_of(request), await hosting_key(request)
    seconds = block_s(request)
    robot_id = request.query_params.get('robot_id') or None
    if robot_id is not None:
        check_robot_id(robot_id, 'robot_id')
    given = request.query_params.get('cursor')
    if given is None:
        _, newest = await service.store.read(change_log.bounds)
        return _reply(service, _page(service, key, newest, [], False))
    seen = after = service.cursors.read(key.id, given)
    base = base_url(request)
    found: list[Row[Any]] = []

    def read(connection: Connection) -> tuple[bytes, bool]:
        nonlocal seen
        deleted, newest = change_log.bounds(connection)
        if after < deleted:
            raise feed_cursor.gone('changes after it are no longer kept')
        if after > newest:
            raise feed_cursor.gone(
                'it is ahead of this store, which was put back to an earlier time'
            )
        page = change_log.read_page(connection, key.id, robot_id, after, newest)
        seen = page.until
        asked = jobs.by_ids(connection, page.question_ids) if page.question_ids else []
        # What has a newer state already comes with that change, and not twice.
        rows = [row for row in asked if row.sequence == page.sequences[row.id]]
        written = [_change(service, row, base) for row in rows]
        found.extend(rows)
        return _page(service, key, page.until, written, page.more), not written and not page.more

    with (
        counted(service, key, seconds),
        service.bus.subscribe_robot(key.id, robot_id) as subscription,
    ):
        unchanged, recent = None, service.bus.recent
        if seconds and recent.newest and recent.none_after(after, key.id, robot_id):
            unchanged = _page(service, key, recent.newest, [], False)
        page = await long_poll(
            request, hosting_key, subscription, seconds,
            lambda: service.store.read_for(key.id, read),
            # That it has asked, a robot knows: that alone ends no wait.
            lambda change: change.position > seen and (robot_id is None or change.sequence > 1),
            unchanged,
        )  # fmt: skip
    now = service.clock()
    for row in found:
        service.metrics.delivered(row, 'feed', now)
    return _reply(service, page)


def _page(
    service: Context, key: Key, until: Position, written: Sequence[bytes], more: bool
) -> bytes:
    fields = {'cursor': service.cursors.write(key.id, until), 'more': more}
    return json_object(fields, b'{"changes":%b}' % json_array(written))


def _reply(service: Context, page: bytes) -> Response:
    # How many there are when it is sent: the page may have been read a minute before.
    return reply_json(json_object({'operators': service.presence.count}, page))


def _change(service: Context, row: Row[Any], base: str) -> bytes:
    if row.api == 'heat':
        written = request_json(service, row, base, service.clock())
        return b'{"api":"heat","request":%b}' % written
    return b'{"api":"spark","engagement":%b}' % engagement_json(row)


routes = [Route('/v1/changes', changes)]
