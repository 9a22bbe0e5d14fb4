# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Frames served from the robot: signed, expiring, bounded, and there after a restart."""

from __future__ import annotations

import asyncio
import os
import socket
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from spark_ros.escalation.backends.frame_server import FrameServer
from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.escalation.small_server import MAX_CONNECTIONS
from spark_ros.geometry import ImageSize
from spark_ros.wire.signing import url_signature

IMAGE = EncodedImage(b'\xff\xd8 a picture', ImageSize(4, 3))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FrameServer]:
    one = start(tmp_path)
    yield one
    asyncio.run(one.aclose())


def start(folder: Path, keep_s: int = 3600) -> FrameServer:
    return FrameServer(folder / 'frames', 'http://robot.example/', '127.0.0.1', 0, keep_s)


def put(server: FrameServer) -> str:
    """Host the image and return where on this machine its URL leads."""
    url = asyncio.run(server.put(str(uuid.uuid4()), IMAGE, 'front'))
    assert url.startswith('http://robot.example/frames/')
    return url.replace('http://robot.example', f'http://127.0.0.1:{server.port}')


def status(url: str) -> int:
    return httpx.get(url, trust_env=False, timeout=60).status_code


def test_a_signed_url_shows_the_frame(server: FrameServer) -> None:
    answer = httpx.get(put(server), trust_env=False, timeout=60)
    assert answer.content == IMAGE.data
    assert answer.headers['content-type'] == 'image/jpeg'
    assert answer.headers['x-content-type-options'] == 'nosniff'


def test_a_changed_url_does_not(server: FrameServer) -> None:
    url, other = put(server), put(server)
    path, query = url.split('?')
    expires, signature = query.split('&')
    assert status(path) == 403
    assert status(f'{path}?{expires}9&{signature}') == 403
    assert status(f'{path}?{expires}&signature=') == 403
    assert status(f'{path}?expires=1e9&{signature}') == 403
    assert status(f'{path}?{other.split("?")[1]}') == 403
    base = f'http://127.0.0.1:{server.port}'
    assert status(f'{base}/frames/../secret?{query}') == 403
    assert status(f'{base}/secret') == 403


def test_a_url_from_before_a_restart_still_works(tmp_path: Path) -> None:
    first = start(tmp_path)
    url = put(first)
    asyncio.run(first.aclose())
    second = start(tmp_path)
    try:
        assert status(url.replace(f':{first.port}', f':{second.port}')) == 200
    finally:
        asyncio.run(second.aclose())


def test_an_old_url_expires_and_its_frame_goes(tmp_path: Path) -> None:
    server = start(tmp_path, keep_s=0)
    try:
        url = put(server)
        assert status(url) == 403
        (frame,) = tmp_path.glob('frames/*.jpg')
        long_ago = time.time() - 10
        os.utime(frame, (long_ago, long_ago))
        put(server)
        assert not frame.exists()
    finally:
        asyncio.run(server.aclose())


def test_secret_and_folder_are_private(server: FrameServer, tmp_path: Path) -> None:
    assert (tmp_path / 'frames' / 'secret').stat().st_mode & 0o077 == 0
    assert (tmp_path / 'frames').stat().st_mode & 0o077 == 0


@pytest.mark.parametrize('left', [b'', b'\0' * 10, b'\0' * 33])
def test_a_secret_that_was_not_written_whole_is_not_used(tmp_path: Path, left: bytes) -> None:
    (tmp_path / 'frames').mkdir()
    (tmp_path / 'frames' / 'secret').write_bytes(left)
    server = start(tmp_path)
    try:
        path = put(server).partition('?')[0].partition(f':{server.port}')[2]
        expires = int(time.time()) + 60
        guessed = f'expires={expires}&signature={url_signature(left, path, expires)}'
        assert status(f'http://127.0.0.1:{server.port}{path}?{guessed}') == 403
        assert len((tmp_path / 'frames' / 'secret').read_bytes()) == 32
    finally:
        asyncio.run(server.aclose())


def test_frames_are_readable_by_their_owner_alone(server: FrameServer, tmp_path: Path) -> None:
    put(server)
    (frame,) = tmp_path.glob('frames/*.jpg')
    assert frame.stat().st_mode & 0o777 == 0o600


@pytest.mark.slow('waits for deadlines')
def test_many_idle_connections_do_not_take_more_than_their_share(server: FrameServer) -> None:
    url = put(server)
    idle = [socket.create_connection(('127.0.0.1', server.port)) for _ in range(MAX_CONNECTIONS)]
    try:
        # What only holds a connection makes room.
        assert status(url) == 200
    finally:
        for one in idle:
            one.close()
