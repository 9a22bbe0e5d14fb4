# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A service and a spark node for a demo alone, and a run until everything is answered."""

from __future__ import annotations

import os
import queue
import random
import re
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions

from spark_ros.demo.errors import DemoError
from spark_ros.demo.messages import CAMERA
from spark_ros.demo.monitor import Monitor
from spark_ros.demo.processes import Processes
from spark_ros.demo.waiting import spin_until

PROFILE = Path(__file__).parents[2] / 'config' / 'fastdds_large_images.xml'
PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')
ADDRESS = re.compile(r'(http\S+)  console \(opens once\): (http\S+)')
START_S, QUIET_S, ANSWER_S = 60.0, 2.0, 60.0
KEY = 'key'


@dataclass(frozen=True)
class Options:
    """What was asked for on the command line.

    Attributes:
        images: the caller's own folder or video, or None for the built-in photographs.
        operator: who answers, `scripted` or `me`.
        backend: which API the node asks over, `spark` or `heat`.
        scene: a world's name, or the path of a file; None for the photographs.
        frames: on the scene's one loop; 0: as many as the world's camera takes.
        calibrate: find the node's thresholds on random worlds like the scene first.
        workers: how many processes of the service there are.
        output: where the pictures go.
    """

    images: str | None = None
    operator: str = 'scripted'
    backend: str = 'spark'
    scene: str | None = None
    frames: int = 0
    calibrate: bool = False
    workers: str = '1'
    output: Path = Path('demo_output')

    @property
    def person(self) -> bool:
        """Whether a person answers in the console instead of the scripted operator."""
        return self.operator == 'me'


@dataclass(frozen=True)
class Service:
    """A running resolution service.

    Attributes:
        link: logs a person in.
    """

    url: str
    key: str
    link: str


@contextmanager
def ros_and_processes() -> Iterator[Processes]:
    """Keep ROS to this machine, and out of the way of other nodes on it; end all afterwards."""
    os.environ.setdefault('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    os.environ.setdefault('ROS_DOMAIN_ID', str(random.randint(1, 100)))
    with (
        tempfile.TemporaryDirectory(prefix='spark_demo_') as folder,
        Processes(Path(folder)) as processes,
    ):
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        try:
            yield processes
        finally:
            rclpy.try_shutdown()


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
    return os.path.relpath(beside) if beside.exists() else name


def start_service(
    processes: Processes, data: Path, operator: str, options: Options, delay_s: float = 0.0
) -> Service:
    """Start a service on a free port.

    Args:
        data: the folder for its data and the file KEY, which holds the key.
        operator: as `spark-service serve --operator` has it; empty: a person answers.
        options: with the API that its key is for, and how many processes serve.
        delay_s: how long the scripted operator looks at each question.

    Raises:
        DemoError: it did not start.
    """
    key = subprocess.run(
        [sys.executable, '-m', 'spark_ros.cli.service', 'key', 'create',
         # A database that is kept has those of other demos.
         f'demo {secrets.token_hex(4)}',
         '--data', str(data), *(['--heat'] if options.backend == 'heat' else [])],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    with open(os.open(data / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), 'w') as file:
        file.write(key)
    printed = processes.start(
        'service', 'spark_ros.cli.service', 'serve', '--port', '0', '--data', str(data),
        # The node is on this machine, too, and may host its frames itself.
        '--allow-fetch-net', '127.0.0.0/8',
        '--operator', operator, '--operator-delay', str(delay_s), '--workers', options.workers,
    )  # fmt: skip
    with suppress(queue.Empty):
        while (line := printed.get(timeout=START_S)) is not None:
            if found := ADDRESS.search(line):
                return Service(found[1], key.strip(), found[2])
    raise DemoError(f'the service did not start:\n{processes.said("service")}')


def start_node(
    processes: Processes, monitor: Monitor, service: Service, backend: str,
    camera: Mapping[str, str], thresholds: Path | None = None,
) -> None:  # fmt: skip
    """Start the spark node beside a service.

    Args:
        monitor: hears all of it from then on.
        camera: parameters of the node's one camera.
        thresholds: a parameter file, as `spark calibrate` writes it, that overrules these.

    Raises:
        DemoError: it is not heard of, or something ended.
    """
    parameters = {
        'server.kind': backend,
        'server.url': service.url,
        'robot_id': 'demo_robot',
        'cameras': f'[{CAMERA}]',
        'journal.path': str(processes.folder / 'journal.db'),
        'poll.interval_s': '0.1',
        'poll.max_interval_s': '1.0',
        'timeout_s': '0.0',
        'limits.open': '0',
        f'{CAMERA}.cooldown_s': '0.0',
        **{f'{CAMERA}.{name}': value for name, value in camera.items()},
    }
    arguments = [part for name, value in parameters.items() for part in ('-p', f'{name}:={value}')]
    if thresholds:
        arguments += ['--params-file', str(thresholds)]
    processes.start(
        'node', 'spark_ros.ros.main', '--ros-args', *arguments, SPARK_TOKEN=service.key
    )

    def heard() -> bool:
        processes.check()
        return monitor.hears_the_node

    if not spin_until(monitor, heard, START_S):
        raise DemoError('the node was not discovered; does a firewall filter the network?')


def play(
    processes: Processes, monitor: Monitor, person: bool, module: str, *arguments: str
) -> None:
    """Publish images, and wait until all that was asked is answered or nothing more comes.

    Args:
        person: answers, for whom there is no time limit.
        module: publishes the images and ends.
        arguments: for it.

    Raises:
        DemoError: something failed.
    """
    monitor.printed = processes.start('camera', module, *arguments, **_profile())

    def over() -> bool:
        processes.check('camera')
        monitor.read_printed()
        quiet_s = time.monotonic() - monitor.last_news
        return not monitor.playing and (
            (monitor.settled and quiet_s > QUIET_S) or (quiet_s > ANSWER_S and not person)
        )

    spin_until(monitor, over)
    if processes.wait('camera'):
        raise DemoError(processes.said('camera') or 'the camera failed')


def _profile() -> dict[str, str]:
    """The shipped Fast DDS profile for the publisher, unless the user has one."""
    if any(os.environ.get(variable) for variable in PROFILE_VARIABLES) or not PROFILE.exists():
        return {}
    return dict.fromkeys(PROFILE_VARIABLES, str(PROFILE))
