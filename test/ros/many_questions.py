# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A journal full of open questions, a service that only counts, and a node on both."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import cv2
from robot import (
    BEST_EFFORT,
    RELIABLE,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.journal.journal import Journal
from spark_ros.escalation.question.escalation import EncodedImage, Escalation, FrameMatch
from spark_ros.geometry import Box, ImageSize
from spark_ros.model import Question, box_annotation

WORKING = {'POST /v1/engagement', 'GET /v1/changes'}
SIZE = ImageSize(32, 24)


class Tray:
    """A service that takes questions, has a change feed on which nothing happens, and counts.

    Attributes:
        seen: when each method and path first came, on the steady clock.
        at_once: how many long polls there were at one time, at most.
    """

    def __init__(self) -> None:
        self.seen: dict[str, float] = {}
        self.calls: Counter[str] = Counter()
        self.at_once = 0
        self._polls = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        tray = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers['Content-Length']))
                tray.note(f'POST {self.path}')
                image = {'url': tray.url + '/image', 'signedUrl': tray.url + '/image'}
                self.reply(image if self.path == '/v1/image' else {'token': 'fresh'})

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                tray.note(f'GET {parts.path}')
                if parts.path == '/v1/changes':
                    tray.wait(first='cursor=' not in parts.query)
                    self.reply({'cursor': 'here', 'changes': [], 'more': False})
                else:
                    self.reply([])

            def reply(self, answer: Any) -> None:
                data = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header('Content-Length', str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A node that ends cuts its connections."""

        self._server = Server(('127.0.0.1', 0), Handler)
        self.url = f'http://127.0.0.1:{self._server.server_address[1]}'
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def note(self, call: str) -> None:
        with self._lock:
            self.calls[call] += 1
            self.seen.setdefault(call, time.monotonic())

    def wait(self, *, first: bool) -> None:
        """Be a long poll on which nothing comes."""
        with self._lock:
            self._polls += 1
            self.at_once = max(self.at_once, self._polls)
        if not first:
            self._over.wait(25.0)
        with self._lock:
            self._polls -= 1

    def close(self) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()


def fill(path: Path, questions: int) -> None:
    """Write open questions into a journal, all at once."""
    done, data = cv2.imencode('.jpg', picture(1, *SIZE))
    assert done
    image = EncodedImage(data.tobytes(), SIZE)
    now = time.time()
    priors = (box_annotation('cat', Box(0.25, 0.25, 0.75, 0.75), id='0', score=0.4),)
    journal = Journal(path)
    # Waiting for the disk ten thousand times is not what is tested.
    journal._db.execute('PRAGMA synchronous=OFF')
    for number in range(questions):
        asked = Escalation(
            id=f'q-{number}', camera='front', stamp_ns=10**12 + number, frame_id='optical',
            frame_match=FrameMatch.EXACT, image_size=SIZE, source_size=SIZE,
            question=Question(instructions='Correct the boxes.'), priors=priors, created=now,
            timeout_s=600.0, source=bytes(300),
        )  # fmt: skip
        journal.add(asked, image)
        journal.uploaded(asked.id, f'http://service/image/{number}')
        journal.opened(asked.id, f'token-{number}')
    journal.close()


class Started:
    """A node on a journal, and how long it took until it worked."""

    def __init__(self, robot: Robot, tray: Tray) -> None:
        """Start it; it works when a fresh doubt is at the service and the feed is followed."""
        began = time.monotonic()
        self.node = robot.spawn(server__url=tray.url, limits__open=0)
        camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)

        def works() -> bool:
            camera.publish(raw(picture(1), stamped(5.0)))
            detector.publish(detections(stamped(5.0), detection('new', (50, 60, 100, 80))))
            return tray.seen.keys() >= WORKING

        robot.until(works, 60.0)
        self.seconds = max(tray.seen[call] for call in WORKING) - began
        robot.node.destroy_publisher(camera)
        robot.node.destroy_publisher(detector)

    @property
    def most_resident_mb(self) -> float:
        status = Path(f'/proc/{self.node.process.pid}/status').read_text()
        (line,) = (line for line in status.splitlines() if line.startswith('VmHWM'))
        return int(line.split()[1]) / 1000
