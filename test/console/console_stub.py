# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A server of attachments, as robots and websites have them somewhere on the network."""

from __future__ import annotations

import io
import tempfile
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
from console_service import photograph

SOUND_S = 5
VIDEO_SIZE = (320, 240)
VIDEO_S = 4
FRAMES_PER_S = 10


@cache
def sound() -> bytes:
    """Return a WAV file of SOUND_S seconds."""
    rate = 8000
    t = np.arange(rate * SOUND_S) / rate
    data = io.BytesIO()
    with wave.open(data, 'wb') as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((np.sin(2 * np.pi * 440 * t) * 8000).astype('<i2').tobytes())
    return data.getvalue()


@cache
def video(kind: str = 'webm') -> bytes:
    """Return a `webm` or `mp4` file of VIDEO_S seconds in VIDEO_SIZE; Chromium plays WebM."""
    width, height = VIDEO_SIZE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f'video.{kind}'
        codec = cv2.VideoWriter.fourcc(*{'webm': 'VP80', 'mp4': 'mp4v'}[kind])
        writer = cv2.VideoWriter(str(path), codec, FRAMES_PER_S, VIDEO_SIZE)
        for n in range(VIDEO_S * FRAMES_PER_S):
            frame = np.full((height, width, 3), 60, np.uint8)
            cv2.circle(frame, (20 + 7 * n, height // 2), 16, (80, 180, 255), -1)
            writer.write(frame)
        writer.release()
        return path.read_bytes()


FILES = {
    '/photo.jpg': ('image/jpeg', photograph),
    '/other.jpg': ('image/jpeg', photograph),
    '/sound.wav': ('audio/wav', sound),
    '/other.wav': ('audio/wav', sound),
    '/video.webm': ('video/webm', video),
    '/page.html': ('text/html', lambda: b'<!doctype html><title>A page</title>'),
}


class Files(BaseHTTPRequestHandler):
    """Answers with the files, in ranges too: browsers seek only in what comes in ranges."""

    def do_GET(self) -> None:
        found = FILES.get(self.path.partition('?')[0])
        if found is None:
            self.send_error(404)
            return
        kind, make = found
        content = make()
        first, last = 0, len(content) - 1
        asked = self.headers.get('Range', '')
        if asked.startswith('bytes='):
            start, _, end = asked[6:].partition('-')
            first, last = int(start), min(int(end or last), last)
            self.send_response(206)
            self.send_header('Content-Range', f'bytes {first}-{last}/{len(content)}')
        else:
            self.send_response(200)
        self.send_header('Accept-Ranges', 'bytes')
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(last - first + 1))
        self.end_headers()
        try:
            self.wfile.write(content[first:last + 1])
        except (BrokenPipeError, ConnectionResetError):
            # The browser has seen enough.
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def attached_files() -> Iterator[str]:
    """Serve FILES; give the address."""
    server = ThreadingHTTPServer(('127.0.0.1', 0), Files)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f'http://127.0.0.1:{server.server_port}'
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
