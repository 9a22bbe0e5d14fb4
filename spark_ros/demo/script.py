# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo's main job: service, node, camera and operator, from the first frame to the summary."""

from __future__ import annotations

import json
import os
import queue
import random
import re
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import rclpy
from rclpy.signals import SignalHandlerOptions

from spark_ros.demo.camera import CAMERA
from spark_ros.demo.detector import Detector
from spark_ros.demo.processes import Processes
from spark_ros.demo.report import summary, write_pictures
from spark_ros.demo.story import Story
from spark_ros.service.recognise import Truth

TRUTH = Path(__file__).with_name('truth.json')
PROFILE = Path(__file__).parents[2] / 'config' / 'fastdds_large_images.xml'
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
URL = re.compile(r'(https?://[^/\s]+)\S*')
START_S = 60.0
QUIET_S = 2.0
ANSWER_S = 60.0


class DemoError(RuntimeError):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line.

    Attributes:
        images: the caller's own folder or video, or None for the built-in photographs.
        person: a person answers in the console instead of the scripted operator.
        output: where the pictures go.
        backend: which API the node asks over, `spark` or `heat`.
    """

    images: str | None = None
    person: bool = False
    output: Path = Path('demo_output')
    backend: str = 'spark'


def run(options: Options) -> int:
    """Run the demo; return its exit code.

    Raises:
        DemoError: a part of it did not start, or ended early.
    """
    environment = _environment()
    os.environ.update(environment)
    with tempfile.TemporaryDirectory(prefix='spark_demo_') as folder:
        processes = Processes(Path(folder), environment)
        try:
            return _play(options, processes, Path(folder))
        finally:
            processes.end()


def _play(options: Options, processes: Processes, folder: Path) -> int:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        story = Story()
        _start_service_and_node(options, processes, folder, story)
        _wait_for_node(story, processes)
        camera = processes.start(
            'camera', 'spark_ros.demo.camera', '--listeners', '2',
            *(('--images', options.images) if options.images else ()),
            **_profile(),
        )  # fmt: skip
        assert camera.stdout is not None
        frames = _lines(camera.stdout)
        _watch(story, frames, processes, options)
        if camera.wait():
            raise DemoError(processes.log('camera').read_text().strip() or 'the camera failed')
        truth = None if options.images else Truth.load(TRUTH)
        pictures = write_pictures(story.answered, options.output)
        print(summary(story, truth, pictures), flush=True)
        unresolved = len(story.asked) - len(story.answered)
        if unresolved:
            print(f'{unresolved} question(s) have no answer')
        return 1 if unresolved or not (story.answered or options.images) else 0
    finally:
        rclpy.try_shutdown()


def _start_service_and_node(
    options: Options, processes: Processes, folder: Path, story: Story
) -> None:
    data = str(folder / 'service')
    key = processes.run(
        'spark_ros.cli.service', 'key', 'create', 'demo', '--data', data,
        *(('--heat',) if options.backend == 'heat' else ()),
    )  # fmt: skip
    operator = 'scripted' if options.images else f'scripted:{TRUTH}'
    service = processes.start(
        'service', 'spark_ros.cli.service', 'serve', '--port', '0', '--data', data,
        *(() if options.person else ('--operator', operator)),
    )  # fmt: skip
    assert service.stdout is not None
    printed = _lines(service.stdout)
    url, link = _service_urls(printed, processes, options.person)
    story.say('service', f'at {url}' + (' with the scripted operator' * (not options.person)))
    if options.person:
        story.say('operator', f'is you. Open {link}')
    parameters = {
        'server.kind': options.backend,
        'server.url': url,
        'robot_id': 'demo_robot',
        'cameras': f'[{CAMERA}]',
        'journal.path': str(folder / 'journal.db'),
        'poll.interval_s': '0.1',
        'poll.max_interval_s': '1.0',
        'timeout_s': '0.0',
        'limits.open': '0',
        f'{CAMERA}.cooldown_s': '0.0',
        f'{CAMERA}.ask_below': '1.0' if options.images else '0.8',
        f'{CAMERA}.ignore_below': '0.0' if options.images else '0.2',
        f'{CAMERA}.label_options': f'[{", ".join(Detector.labels)}]',
        f'{CAMERA}.instructions': 'Mark every face, cat face and person.',
    }
    arguments = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    processes.start('node', 'spark_ros.ros.main', '--ros-args', *arguments, SPARK_TOKEN=key)
    doubted = parameters[f'{CAMERA}.ask_below']
    story.say('node', f'asks over {options.backend.title()} about scores under {doubted}')


def _wait_for_node(story: Story, processes: Processes) -> None:
    deadline = time.monotonic() + START_S
    while not story.hears_the_node:
        rclpy.spin_once(story, timeout_sec=0.05)
        _check_running(processes)
        if time.monotonic() > deadline:
            raise DemoError('the node was not heard of; does something filter the network?')


def _check_running(processes: Processes) -> None:
    for name in ('service', 'node'):
        if processes.ended() == name:
            raise DemoError(f'the {name} ended:\n{processes.log(name).read_text()[-2000:]}')


def _watch(
    story: Story,
    frames: queue.Queue[str | None],
    processes: Processes,
    options: Options,
) -> None:
    """Spin until the camera has ended and all that was asked has come home."""
    playing = True

    def catch_up() -> None:
        nonlocal playing
        for line in _drain(frames):
            if line is not None:
                story.on_frame(json.loads(line))
            else:
                playing = False
                story.last_news = time.monotonic()
                story.say('camera', 'has shown everything')

    story.catch_up = catch_up
    while True:
        rclpy.spin_once(story, timeout_sec=0.05)
        catch_up()
        quiet = time.monotonic() - story.last_news
        if not playing and story.settled and quiet > QUIET_S:
            return
        if not playing and quiet > ANSWER_S and not options.person:
            return
        _check_running(processes)


def _service_urls(
    printed: queue.Queue[str | None], processes: Processes, person: bool
) -> tuple[str, str]:
    """Wait for the service to say where it is; return its base URL and the login link."""
    deadline = time.monotonic() + START_S
    url = ''
    while time.monotonic() < deadline:
        try:
            line = printed.get(timeout=1.0)
        except queue.Empty:
            continue
        if line is None:
            break
        for found in URL.finditer(line):
            url = url or found[1]
            if '/login?' in found[0]:
                return url, found[0]
        if url and not person:
            return url, ''
    raise DemoError(f'the service did not start:\n{processes.log("service").read_text()[-2000:]}')


def _environment() -> dict[str, str]:
    """Keep the demo to this machine, and out of the way of other ROS nodes on it."""
    environment = dict(os.environ)
    environment.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    environment.setdefault('ROS_DOMAIN_ID', str(random.randint(1, 100)))
    environment['PYTHONUNBUFFERED'] = '1'
    return environment


def _profile() -> dict[str, str]:
    """The shipped Fast DDS profile for the publisher, unless the user has one."""
    if any(os.environ.get(variable) for variable in PROFILE_VARIABLES) or not PROFILE.exists():
        return {}
    return dict.fromkeys(PROFILE_VARIABLES, str(PROFILE))


def _lines(stream: IO[str]) -> queue.Queue[str | None]:
    """Read a pipe in a thread; None marks its end."""
    lines: queue.Queue[str | None] = queue.Queue()

    def read() -> None:
        try:
            for line in stream:
                lines.put(line)
        except ValueError:
            pass
        lines.put(None)

    threading.Thread(target=read, daemon=True).start()
    return lines


def _drain(lines: queue.Queue[str | None]) -> Iterator[str | None]:
    while not lines.empty():
        yield lines.get()
