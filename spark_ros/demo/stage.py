# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What every demo stands on: a service of its own, the node, and how they are heard."""

from __future__ import annotations

import os
import queue
import random
import re
import shutil
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import rclpy

from spark_ros.demo.camera import CAMERA
from spark_ros.demo.errors import DemoError
from spark_ros.demo.processes import Processes

PROFILE = Path(__file__).parents[2] / 'config' / 'fastdds_large_images.xml'
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
URL = re.compile(r'(https?://[^/\s]+)\S*')
START_S = 60.0
KEY = 'key'


@dataclass(frozen=True)
class Service:
    """A running resolution service.

    Attributes:
        link: logs a person in; empty where a script answers.
        data: the folder of its data, in which the file KEY holds the key.
    """

    url: str
    key: str
    link: str
    data: Path


def new_data_folder(output: Path) -> Path:
    """Return the path of the service's data within the output; an earlier demo's is removed.

    Raises:
        DemoError: what is there is not a demo's, or nothing can be written there.
    """
    data = output / 'service'
    if data.exists() and not (data / KEY).is_file():
        raise DemoError(f'{data} is there, and not from a demo: choose another --output')
    try:
        output.mkdir(parents=True, exist_ok=True)
        if data.exists():
            shutil.rmtree(data)
    except OSError as error:
        raise DemoError(f'{output}: {error.strerror}: choose another --output') from None
    return data


def show_command(url: str, data: Path, backend: str) -> str:
    """Return the command that shows a question whose id is filled in."""
    api = ' --api heat' if backend == 'heat' else ''
    return f'{script("spark")} show ID --url {url} --token-file {data / KEY}{api}'


def script(name: str) -> str:
    """Return how to call a command of this package from the current folder."""
    beside = Path(sys.executable).with_name(name)
    if not beside.exists():
        return name
    here = Path.cwd()
    return str(beside.relative_to(here) if beside.is_relative_to(here) else beside)


def start_service(
    processes: Processes, data: Path, operator: str, backend: str, delay_s: float = 0.0
) -> Service:
    """Start a service on a free port.

    Args:
        data: the folder for its data and the file with the key.
        operator: as `spark-service serve --operator` has it; empty: a person answers.
        backend: the API that its key is for, `spark` or `heat`.
        delay_s: how long the scripted operator looks at each question.

    Raises:
        DemoError: it did not start.
    """
    key = processes.run(
        'spark_ros.cli.service', 'key', 'create', 'demo', '--data', str(data),
        *(('--heat',) if backend == 'heat' else ()),
    )  # fmt: skip
    with open(os.open(data / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w') as file:
        file.write(f'{key}\n')
    service = processes.start(
        'service', 'spark_ros.cli.service', 'serve', '--port', '0', '--data', str(data),
        # The node is on this machine, too, and may host its frames itself.
        '--allow-fetch-net', '127.0.0.0/8',
        *(('--operator', operator, '--operator-delay', str(delay_s)) if operator else ()),
    )  # fmt: skip
    assert service.stdout is not None
    url, link = _service_urls(lines(service.stdout), processes, not operator)
    return Service(url, key, link, data)


def start_node(
    processes: Processes, folder: Path, service: Service, backend: str, camera: Mapping[str, str]
) -> None:
    """Start the spark node beside a service; ``camera`` holds parameters of its one camera."""
    parameters = {
        'server.kind': backend,
        'server.url': service.url,
        'robot_id': 'demo_robot',
        'cameras': f'[{CAMERA}]',
        'journal.path': str(folder / 'journal.db'),
        'poll.interval_s': '0.1',
        'poll.max_interval_s': '1.0',
        'timeout_s': '0.0',
        'limits.open': '0',
        f'{CAMERA}.cooldown_s': '0.0',
        **{f'{CAMERA}.{name}': value for name, value in camera.items()},
    }
    arguments = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    processes.start(
        'node', 'spark_ros.ros.main', '--ros-args', *arguments, SPARK_TOKEN=service.key)


def wait_for_node(listener: Any, processes: Processes) -> None:
    """Spin a ROS node with a property `hears_the_node` until it does.

    Raises:
        DemoError: it does not, or something ended.
    """
    deadline = time.monotonic() + START_S
    while not listener.hears_the_node:
        rclpy.spin_once(listener, timeout_sec=0.05)
        check_running(processes)
        if time.monotonic() > deadline:
            raise DemoError('the node was not heard of; does something filter the network?')


def check_running(processes: Processes, *names: str) -> None:
    """Raise DemoError, with what it said last, if the service, the node or another has ended."""
    for name in ('service', 'node', *names):
        if processes.ended() == name:
            raise DemoError(f'the {name} ended:\n{processes.log(name).read_text()[-2000:]}')


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


def environment() -> dict[str, str]:
    """Keep the demo to this machine, and out of the way of other ROS nodes on it."""
    environment = dict(os.environ)
    environment.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    environment.setdefault('ROS_DOMAIN_ID', str(random.randint(1, 100)))
    environment['PYTHONUNBUFFERED'] = '1'
    return environment


def profile() -> dict[str, str]:
    """The shipped Fast DDS profile for the publisher, unless the user has one."""
    if any(os.environ.get(variable) for variable in PROFILE_VARIABLES) or not PROFILE.exists():
        return {}
    return dict.fromkeys(PROFILE_VARIABLES, str(PROFILE))


def lines(stream: IO[str]) -> queue.Queue[str | None]:
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


def drain(lines: queue.Queue[str | None]) -> Iterator[str | None]:
    """Yield what has come, without waiting."""
    while not lines.empty():
        yield lines.get()
