# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Each thing that can be wrong is seen on /diagnostics, with what to do, and goes away again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from monitor import ERROR, OK, WARN, Seen
from person import Person
from robot import (
    BEST_EFFORT,
    RELIABLE,
    TOKEN,
    NodeProcess,
    Robot,
    detection,
    detections,
    picture,
    raw,
    stamped,
)
from sensor_msgs.msg import Image
from services import Service
from serving import free_port
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray

from spark_ros.escalation.health import camera, check, questions, snapshot
from spark_ros.escalation.pictures.encoding import encode_pixels
from spark_ros.ros import diagnostics

BOX = (50.0, 60.0, 100.0, 80.0)


@pytest.fixture
def seen(robot: Robot) -> Seen:
    return Seen(robot)


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look and publish five times as often, and wait a fifth of the time."""
    for module, names in (
        (diagnostics, ['EVERY_S']), (snapshot, ['EVERY_S', 'MEASURE_EVERY_S']),
        (camera, ['SILENT_S']), (questions, ['UNSENT_S']), (check, ['STOPPED_S']),
    ):  # fmt: skip
        for name in names:
            monkeypatch.setattr(module, name, getattr(module, name) / 5)


hurriedly = pytest.mark.usefixtures('hurried')


@pytest.fixture
def heat(tmp_path: Path) -> Iterator[Service]:
    """A service that speaks the Heat API."""
    service = Service(tmp_path / 'heat', 'heat')
    yield service
    service.stop()


class Front:
    """A camera and its detector."""

    def __init__(self, robot: Robot) -> None:
        self.camera = robot.publisher(Image, '/front/image_raw', BEST_EFFORT)
        self.detector = robot.publisher(Detection2DArray, '/front/detections', RELIABLE)

    def doubts(self, number: int) -> None:
        header = stamped(100.0 + number)
        self.camera.publish(raw(picture(number), header))
        self.detector.publish(detections(header, detection(f'cat {number}', BOX)))


@pytest.fixture
def answering() -> Iterator[Any]:
    """Give a function that starts an HTTP server with one answer to everything."""
    servers = []

    def start(status: int, **headers: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                for name, value in {'Content-Length': '0', **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers['Content-Length']))
                self.do_GET()

            def log_message(self, *_: Any) -> None:
                pass

        server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f'http://127.0.0.1:{server.server_address[1]}'

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def logged(node: NodeProcess, words: str) -> int:
    return sum(words in line for line in node.lines)


def test_every_second_one_status_for_each_part(robot: Robot, seen: Seen) -> None:
    began = time.time()
    node = robot.start(cameras=['front', 'rear'])
    seen.wait(3)
    names = [status.name for status in seen.arrays[-1].status]
    assert names == [
        'spark: camera front', 'spark: camera rear', 'spark: questions', 'spark: service',
    ]  # fmt: skip
    assert {status.hardware_id for status in seen.arrays[-1].status} == {'rover'}

    def stamps() -> list[float]:
        return [a.header.stamp.sec + a.header.stamp.nanosec / 1e9 for a in seen.arrays]

    # After one that is late the next comes sooner, but never more of them than seconds.
    robot.until(lambda: any(0.5 < later - one < 3.0 for one, later in pairwise(stamps())))
    assert all(stamp - began > number - 0.1 for number, stamp in enumerate(stamps(), 1))
    (publisher,) = node.get_publishers_info_by_topic('/diagnostics')
    assert publisher.qos_profile.reliability == RELIABLE.reliability


@hurriedly
def test_a_camera_that_never_sends_and_one_that_stops(
    robot: Robot, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.start()
    values = seen.until('camera front', WARN, 'no frame on /front/image_raw since the start')
    assert values['frames in'] == '0'
    front = Front(robot)
    header = stamped(1.0)
    silent_s = camera.SILENT_S
    # Else it may be silent again before that is told.
    monkeypatch.setattr(camera, 'SILENT_S', 3600.0)
    front.camera.publish(raw(picture(1), header))
    values = seen.until('camera front', OK, 'Hz')
    assert values['frames in'] == '1' and float(values['rate (Hz)']) > 0
    assert float(values['ring (MB)']) == 0.2 and values['ring maximum (MB)'] == '128.0'
    monkeypatch.setattr(camera, 'SILENT_S', silent_s)
    seen.until('camera front', WARN, 'no frame on /front/image_raw for')
    assert 'front.transport' in seen.status('camera front').message


@hurriedly
def test_detections_without_their_frame(robot: Robot, seen: Seen) -> None:
    robot.start()
    front = Front(robot)
    front.camera.publish(raw(picture(1), stamped(1.0)))
    front.detector.publish(detections(stamped(900.0), detection('cat', BOX)))
    values = seen.until('camera front', WARN, '1 detection message(s)')
    assert 'front.frames.slop_s' in seen.status('camera front').message
    assert (values['detections in'], values['unmatched detections']) == ('1', '1')


@hurriedly
def test_images_that_cannot_be_used(robot: Robot, seen: Seen) -> None:
    robot.start()
    front = Front(robot)
    front.camera.publish(raw(picture(1), stamped(1.0), data=b'short'))
    values = seen.until('camera front', WARN, '1 image(s) in the last minute cannot be used')
    assert '/front/image_raw' in seen.status('camera front').message
    assert values['unusable images'] == '1' and values['frames in'] == '0'


@hurriedly
def test_frames_that_cannot_be_encoded(robot: Robot, seen: Seen) -> None:
    robot.start()
    front = Front(robot)
    header = stamped(1.0)
    # No JPEG is that wide.
    front.camera.publish(raw(np.zeros((1, 66_000, 3), np.uint8), header))
    front.detector.publish(detections(header, detection('cat', (0.0, 0.0, 900.0, 1.0))))
    values = seen.until('camera front', WARN, 'could not be encoded')
    assert values['encoding errors'] == '1'
    seen.until('questions', WARN, 'bad image')


@pytest.mark.slow('waits for the periods of a node as it is installed')
def test_a_service_that_comes_and_goes(robot: Robot, service: Service, seen: Seen) -> None:
    """Seen by a monitor of a real process; its log says each change once."""
    key_file = service.data.with_name('key')
    key_file.touch(0o600)
    key_file.write_text(service.key)
    node = robot.spawn(server__url=service.url, server__token_file=str(key_file))
    values = seen.until('service', ERROR, 'cannot be reached')
    assert 'server.url' in seen.status('service').message
    assert (values['reachable'], values['authorised']) == ('no', 'not known')
    assert values['URL'] == service.url and values['kind'] == 'spark'
    service.start()
    values = seen.until('service', OK, 'reached')
    assert (values['reachable'], values['authorised']) == ('yes', 'yes')
    assert values['last error'] != 'none' and int(values['seconds since the last error']) >= 0
    robot.until(lambda: logged(node, 'service: all right again') == 1)
    service.stop()
    seen.until('service', ERROR, 'cannot be reached')
    robot.until(lambda: logged(node, 'service: it cannot be reached') == 2)
    seen.wait(5)
    assert logged(node, 'service: ') == 3, node.output
    assert service.key not in node.output + str(seen.arrays)


@hurriedly
def test_a_wrong_token(robot: Robot, service: Service, seen: Seen) -> None:
    service.start()
    robot.start(server__url=service.url)
    values = seen.until('service', ERROR, 'does not accept the token')
    assert 'SPARK_TOKEN or server.token_file' in seen.status('service').message
    assert (values['reachable'], values['authorised']) == ('yes', 'no')
    assert TOKEN not in str(seen.arrays)


@hurriedly
def test_something_else_that_answers(robot: Robot, answering: Any, seen: Seen) -> None:
    robot.start(server__url=answering(302, Location='http://login.example/'))
    seen.until('service', ERROR, 'something else answers')


@hurriedly
def test_a_service_that_cannot_serve(robot: Robot, answering: Any, seen: Seen) -> None:
    robot.start(server__url=answering(503))
    values = seen.until('service', WARN, 'cannot serve just now')
    assert '503' in values['last error'] and values['reachable'] == 'yes'


@hurriedly
def test_an_image_host_that_is_not_there(
    robot: Robot, heat: Service, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    heat.start()
    monkeypatch.setenv('SPARK_TOKEN', heat.key)
    nowhere = f'http://127.0.0.1:{free_port()}'
    robot.start(server__url=heat.url, server__kind='heat', image_host__url=nowhere)
    seen.until('service', OK, 'reached')
    Front(robot).doubts(1)
    values = seen.until('service', ERROR, 'for images: it cannot be reached')
    assert 'image_host.url' in seen.status('service').message
    assert values['reachable'] == 'yes' and nowhere in values['last error']


@hurriedly
def test_questions_that_do_not_go_out(
    robot: Robot, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    robot.start()
    unsent_s = questions.UNSENT_S
    # Else it may have waited too long before that it waits is told.
    monkeypatch.setattr(questions, 'UNSENT_S', 3600.0)
    Front(robot).doubts(1)
    seen.until('questions', OK, '0 open, 1 to be sent')
    monkeypatch.setattr(questions, 'UNSENT_S', unsent_s)
    values = seen.until('questions', WARN, '1 question(s) wait to be sent')
    assert values['queued'] == '1' and int(values['oldest (s)']) >= int(questions.UNSENT_S)
    assert int(values['sent again']) >= 1 and values['last error'] != 'none'


@hurriedly
def test_nobody_at_the_desk(
    robot: Robot, service: Service, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.start()
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.start(server__url=service.url)
    values = seen.until('service', OK, 'reached')
    assert values['operators'] == 'nobody at the desk'
    Front(robot).doubts(1)
    seen.until('service', WARN, 'nobody at the desk, and 1 question(s) wait there')
    person = Person(service)
    with person.at_the_desk():
        robot.until(lambda: seen.until('service', OK)['operators'] == '1')
    person.close()
    seen.until('service', WARN, 'nobody at the desk')


@hurriedly
def test_questions_over_a_limit(robot: Robot, listener: Any, seen: Seen) -> None:
    robot.start(server__url=listener.url, limits__open=1)
    front = Front(robot)
    front.doubts(1)
    seen.until('questions', OK, '1 open, 0 to be sent')
    for number in (2, 3):
        front.doubts(number)
    values = seen.until('questions', WARN, '2 question(s) not asked in the last minute')
    assert 'raise limits.open' in seen.status('questions').message
    assert values['not asked: limits.open'] == values['not asked'] == '2'
    # The stand-in has no change feed.
    assert values['answers come by'] == 'polling'
    assert values['response time p50 (s)'] == 'none yet'


@hurriedly
def test_answers_and_their_times(
    robot: Robot, service: Service, seen: Seen, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    service.start('scripted')
    monkeypatch.setenv('SPARK_TOKEN', service.key)
    robot.listen('front')
    robot.start(server__url=service.url)
    front = Front(robot)
    for number in range(3):
        front.doubts(number)
        robot.until(lambda wanted=number: len(robot.resolutions) > wanted)
    times = sorted(resolution.response_time for resolution in robot.resolutions)
    wanted = {
        'ended: closed': '3', 'response time p50 (s)': f'{times[1]:.2f}',
        'response time p95 (s)': f'{times[2]:.2f}', 'answers come by': 'change feed',
        'journal': str(tmp_path / 'journal.db'),
    }  # fmt: skip

    def told() -> bool:
        # Between two of them nothing is open either.
        values = seen.until('questions', OK, '0 open, 0 to be sent')
        return wanted.items() <= values.items()

    robot.until(told)


@hurriedly
def test_a_journal_that_is_nearly_full(robot: Robot, seen: Seen) -> None:
    taken = sum(len(encode_pixels(picture(number)).data) for number in (1, 2))
    robot.start(journal__max_mb=taken * 1.1 / 1e6, journal__max_count=2)
    front = Front(robot)
    front.doubts(1)
    front.doubts(2)
    seen.until('questions', WARN, 'unsent images fill 91% of journal.max_mb')
    values = seen.until('questions', WARN, '2 of journal.max_count=2 questions')
    assert values['journal: questions'] == '2 of 2'


@hurriedly
def test_a_runtime_that_has_stopped(robot: Robot, seen: Seen) -> None:
    node = robot.start()
    seen.until('service', ERROR, 'cannot be reached')
    node._runtime.stop()
    for part in ('questions', 'service'):
        seen.until(part, ERROR, 'a thread has stopped')


@hurriedly
def test_a_node_that_is_paused_says_so(robot: Robot, seen: Seen) -> None:
    robot.start()
    client = robot.node.create_client(SetBool, '/spark/pause')
    robot.until(client.service_is_ready)
    client.call_async(SetBool.Request(data=True))
    seen.until('questions', OK, 'paused')
    client.call_async(SetBool.Request(data=False))
    robot.until(lambda: 'paused' not in seen.status('questions').message)


@hurriedly
def test_a_dry_run_without_a_service(
    robot: Robot, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv('SPARK_TOKEN')
    robot.start(dry_run=True)
    seen.until('questions', OK, 'dry run: nobody is asked')
    values = seen.until('service', OK, 'nothing was asked of it yet')
    assert values['reachable'] == values['authorised'] == 'not known yet'


@hurriedly
def test_a_disk_that_hangs(
    robot: Robot, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, 'STUCK_S', 2.0)
    node = robot.start()
    seen.until('questions', OK)
    goes_on = threading.Event()
    node._runtime._journal.fetch(lambda *_: goes_on.wait(), '')
    try:
        seen.until('questions', ERROR, 'the disk has not answered')
    finally:
        goes_on.set()
    seen.until('questions', OK)
