# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The least that a durable create can cost: its statements, and nothing else, behind Starlette.

    python floor_app.py DIRECTORY

prints its address. What waits is committed together, with one fsync, before any is answered.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
import sys
import time
import uuid
from pathlib import Path

import uvicorn
import uvloop
from load import PATH
from sqlalchemy import create_engine
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from spark_ros.service.storage import schema

JOB = """
    INSERT INTO jobs (token, key_id, api, name, instructions, request, priors, excluded, images,
                      robot_id, base_url, created)
    VALUES (?, 1, 'spark', ?, ?, ?, ?, '', 1, ?, ?, ?)
"""
QUESTION = """
    INSERT INTO questions (job_id, key_id, kind, position, image_location, prior_count, priority,
                           deadline, excludes, state, sequence, created)
    VALUES (?, 1, 'annotate', 0, ?, ?, 0, 1e15, 0, 'open', 1, ?)
"""
CHANGE = """
    INSERT INTO changes (question_id, key_id, sequence, state, at) VALUES (?, 1, 1, 'open', ?)
"""


class Table:
    """The database; requests that wait at the same time share a commit."""

    def __init__(self, file: Path) -> None:
        engine = create_engine(f'sqlite:///{file}')
        schema.metadata.create_all(engine)
        engine.dispose()
        self._connection = sqlite3.connect(file, isolation_level=None)
        for pragma in ('journal_mode=WAL', 'synchronous=FULL'):
            self._connection.execute(f'PRAGMA {pragma}')
        self._waiting: list[tuple[str, dict[str, object], asyncio.Future[None]]] = []

    async def create(self, token: str, asked: dict[str, object]) -> None:
        """Store a question, durably."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._commit)
        self._waiting.append((token, asked, done))
        await done

    def _commit(self) -> None:
        waiting, self._waiting = self._waiting, []
        execute, now = self._connection.execute, time.time()
        execute('BEGIN IMMEDIATE')
        for token, asked, _ in waiting:
            [location], priors = asked['content_location'], asked['priors']['annotations']
            job = execute(JOB, (
                token, asked['instructions'][:80], asked['instructions'],
                json.dumps(asked['metadata']), json.dumps(priors), asked['metadata']['robot_id'],
                'http://127.0.0.1', now,
            )).lastrowid  # fmt: skip
            question = execute(QUESTION, (job, location, len(priors), now)).lastrowid
            execute(CHANGE, (question, now))
        execute('COMMIT')
        for _, _, done in waiting:
            done.set_result(None)


def main() -> None:
    """Serve until a signal comes."""
    table = Table(Path(sys.argv[1]) / 'floor.db')

    async def create(request: Request) -> Response:
        token = str(uuid.uuid4())
        await table.create(token, json.loads(await request.body()))
        return Response(json.dumps({'token': token}), media_type='application/json')

    listener = socket.create_server(('127.0.0.1', 0))
    print(f'http://127.0.0.1:{listener.getsockname()[1]}', flush=True)
    app = Starlette(routes=[Route(PATH, create, methods=['POST'])])
    config = uvicorn.Config(
        app, http='httptools', ws='none', lifespan='off', access_log=False, log_level='warning'
    )
    uvloop.run(uvicorn.Server(config).serve(sockets=[listener]))


if __name__ == '__main__':
    main()
