# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Serve frames from the robot itself, under signed URLs that expire, where it is reachable."""

from __future__ import annotations

import asyncio
import logging
import os
import re
import secrets
import time
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from spark_ros.escalation.question.escalation import EncodedImage
from spark_ros.escalation.small_server import SmallHandler, SmallServer
from spark_ros.wire.signing import url_signature, url_signature_valid

SECRET_BYTES = 32
KEEP_S = 7 * 24 * 3600
FRAME = re.compile(r'/frames/([0-9a-f-]{36}\.(jpg|png))')
EXPIRES = re.compile(r'\d{1,12}', re.ASCII)
logger = logging.getLogger(__name__)
TYPES = {'jpg': 'image/jpeg', 'png': 'image/png'}


class FrameServer:
    """An image host on the robot: frames in a folder, one signed URL for each.

    The folder and the signing secret in it outlive the node, so that a URL which was given away
    before a restart still works.
    """

    def __init__(
        self, folder: Path, public_url: str, host: str, port: int, keep_s: int = KEEP_S
    ) -> None:
        """Start to serve.

        Args:
            folder: for the frames; made with mode 0700.
            public_url: what the people who answer reach this server by.
            host: the address to listen on.
            port: the port to listen on; 0 takes a free one.
            keep_s: how long a URL is valid and a frame is kept, in seconds.

        Raises:
            OSError: the port is taken, or the folder cannot be written.
        """
        self._folder = folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._secret = _secret(folder / 'secret')
        self._public_url = public_url.rstrip('/')
        self._keep_s = keep_s
        self._server = SmallServer((host, port), 'GET', self._show, 'frames')
        self.port = self._server.port

    async def put(self, id: str, image: EncodedImage, camera: str) -> str:
        """Write a frame to the folder and return its URL."""
        return await asyncio.to_thread(self._put, id, image)

    async def aclose(self) -> None:
        """Stop serving; the frames stay."""
        await asyncio.to_thread(self._server.stop)

    def _put(self, id: str, image: EncodedImage) -> str:
        self._delete_old()
        name = f'{id}.{"jpg" if image.format == "jpeg" else image.format}'
        _write(self._folder / name, image.data)
        path, expires = f'/frames/{name}', int(time.time()) + self._keep_s
        signature = url_signature(self._secret, path, expires)
        return f'{self._public_url}{path}?expires={expires}&signature={signature}'

    def _show(self, request: SmallHandler) -> None:
        url = urlsplit(request.path)
        found = FRAME.fullmatch(url.path)
        query = parse_qs(url.query)
        expires, signature = (query.get(name, [''])[0] for name in ('expires', 'signature'))
        if not (found and EXPIRES.fullmatch(expires)) or not url_signature_valid(
            self._secret, url.path, int(expires), signature, time.time()
        ):
            request.send_error(HTTPStatus.FORBIDDEN, 'This link is not valid, or no longer')
            return
        request.server.asked(request.connection)
        try:
            data = (self._folder / found[1]).read_bytes()
        except OSError:
            request.send_error(HTTPStatus.NOT_FOUND, 'This frame is gone')
            return
        headers = {
            'Content-Type': TYPES[found[2]],
            'X-Content-Type-Options': 'nosniff',
            'Cache-Control': 'private, max-age=3600',
        }
        request.respond(HTTPStatus.OK, data, headers)

    def _delete_old(self) -> None:
        oldest = time.time() - self._keep_s
        for file in self._folder.glob('*.*'):
            if file.suffix in ('.jpg', '.png') and file.stat().st_mtime < oldest:
                file.unlink(missing_ok=True)


def _secret(path: Path) -> bytes:
    """Read the signing secret; create one if it is missing or incomplete.

    Only its owner can read it, and it is whole on the disk before it has its name.
    """
    with suppress(FileNotFoundError):
        secret = path.read_bytes()
        if len(secret) == SECRET_BYTES:
            return secret
        logger.warning('%s is incomplete; a new secret replaces it, and old image URLs end', path)
    secret = secrets.token_bytes(SECRET_BYTES)
    _write(path, secret)
    return secret


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    unfinished = path.with_name(f'.{path.name}')
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, 'wb') as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
