# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot drives a loop through a simulated hall, asks, and what asking was worth is scored.

Everything that runs is what runs in Gazebo (`launch/gazebo.launch.py`): the detector, the node of
the truth, the spark node, the service with its operator, and the score. Only the camera and the
robot's pose come from the world's file without a simulator.
"""

from __future__ import annotations

import os
import queue
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import rclpy
from ament_index_python.packages import get_package_share_directory
from rclpy.signals import SignalHandlerOptions

from spark_ros.demo.errors import DemoError
from spark_ros.demo.loop_report import report
from spark_ros.demo.loop_watch import LoopWatch
from spark_ros.demo.processes import Processes
from spark_ros.demo.shapes_detector import ShapesDetector
from spark_ros.demo.stage import (
    check_running,
    drain,
    environment,
    lines,
    profile,
    start_node,
    start_service,
    wait_for_node,
)

# The operator looks so long that the truth about an image is told before it is needed.
LOOK_S = 0.8
ANSWER_S = 60.0
NO_TRUTH_YET = '{"images": []}\n'
ASKING = {
    'ask_below': '0.7',
    'ignore_below': '0.15',
    'label_options': f'[{", ".join(ShapesDetector.labels)}]',
    'instructions': 'Mark every crate, barrel and ball.',
}


@dataclass(frozen=True)
class LoopOptions:
    """What was asked for on the command line.

    Attributes:
        scene: a world's name, `warehouse`, or the path of a file.
        person: a person answers in the console instead of the scripted operator.
        output: folder for the plot.
        backend: which API the node asks over, `spark` or `heat`.
        frames: on the one loop; 0: as many as the world's camera takes.
    """

    scene: str = 'warehouse'
    person: bool = False
    output: Path = Path('demo_output')
    backend: str = 'spark'
    frames: int = 0


def run_loop(options: LoopOptions) -> int:
    """Drive one loop; print the scores and write the plot; return the exit code.

    Raises:
        DemoError: a part of it did not start, or ended early.
    """
    world = world_file(options.scene)
    surroundings = environment()
    os.environ.update(surroundings)
    with tempfile.TemporaryDirectory(prefix='spark_loop_') as folder:
        processes = Processes(Path(folder), surroundings)
        rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
        try:
            return _play(options, world, processes, Path(folder))
        finally:
            rclpy.try_shutdown()
            processes.end()


def world_file(scene: str) -> Path:
    """Return the file of a world that is named or given by its path.

    Raises:
        DemoError: there is none.
    """
    # In a checkout, beside an interpreter whose environment it was built into, or sourced.
    beside = [Path(__file__).parents[2], Path(sys.prefix, 'share', 'spark_ros')]
    found = [place / 'worlds' for place in beside if (place / 'worlds').is_dir()]
    worlds = found[0] if found else Path(get_package_share_directory('spark_ros'), 'worlds')
    path = Path(scene) if scene.endswith('.sdf') else worlds / f'{scene}.sdf'
    if not path.is_file():
        raise DemoError(f'{path}: there is no such world')
    return path.resolve()


def _play(options: LoopOptions, world: Path, processes: Processes, folder: Path) -> int:
    watch = LoopWatch()
    truth_file = folder / 'truth.json'
    truth_file.write_text(NO_TRUTH_YET, encoding='utf-8')
    operator = '' if options.person else f'scripted:{truth_file}'
    service = start_service(processes, folder / 'service', operator, options.backend, LOOK_S)
    if options.person:
        print(f'you are the operator: open {service.link}', flush=True)
    start_node(processes, folder, service, options.backend, ASKING)
    processes.start('detector', 'spark_ros.demo.shapes_node')
    processes.start(
        'truth', 'spark_ros.demo.truth_node', '--ros-args', '-p', f'world:={world}',
        '-p', f'truth_file:={truth_file}',
    )  # fmt: skip
    wait_for_node(watch, processes)
    # The detector, the truth, the spark node and the one that watches look at the images.
    replay = processes.start(
        'replay', 'spark_ros.demo.replay_world', str(world), '--listeners', '4',
        '--frames', str(options.frames), **profile(),
    )  # fmt: skip
    assert replay.stdout is not None
    _watch(watch, lines(replay.stdout), processes, options)
    if replay.wait():
        raise DemoError(processes.log('replay').read_text().strip() or 'the replay failed')
    title = f'A loop through the {world.stem}'
    print(report(watch.complete(), watch.image, options.output / world.stem, title), flush=True)
    unresolved = len(watch.asked - watch.over)
    if unresolved:
        print(f'{unresolved} question(s) have no answer')
    return 1 if unresolved or not watch.complete() else 0


def _watch(
    watch: LoopWatch,
    frames: queue.Queue[str | None],
    processes: Processes,
    options: LoopOptions,
) -> None:
    """Spin until the loop is driven and all that was asked is answered, or nothing more comes."""
    driving, news, last_news = True, (0, 0, 0), time.monotonic()
    while driving or not (watch.settled and time.monotonic() - last_news > 1.0):
        rclpy.spin_once(watch, timeout_sec=0.05)
        for line in drain(frames):
            driving = driving and line is not None
            if line is not None:
                told = f'{len(watch.asked)} asked, {len(watch.over)} answered'
                print(f'{line.strip()}: {told}', flush=True)
        now = (len(watch.complete()), len(watch.asked), len(watch.over))
        if now != news or driving:
            news, last_news = now, time.monotonic()
        if not options.person and time.monotonic() - last_news > ANSWER_S:
            return
        check_running(processes, 'detector', 'truth')
