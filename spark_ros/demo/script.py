# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo's main job: service, node, camera and operator, from the first frame to the summary."""

from __future__ import annotations

import json
import os
import queue
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import rclpy
from rclpy.signals import SignalHandlerOptions

from spark_ros.demo.answerer import Answerer
from spark_ros.demo.detector import Detector
from spark_ros.demo.errors import DemoError
from spark_ros.demo.processes import Processes
from spark_ros.demo.report import summary, write_pictures
from spark_ros.demo.stage import (
    check_running,
    drain,
    environment,
    lines,
    new_data_folder,
    profile,
    script,
    show_command,
    start_node,
    start_service,
    wait_for_node,
)
from spark_ros.demo.story import Story
from spark_ros.service.scripted.recognise import Truth

TRUTH = Path(__file__).with_name('truth.json')
PORT = 8080
QUIET_S = 2.0
ANSWER_S = 60.0


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

    @property
    def answerer(self) -> Answerer:
        """Who answers."""
        if self.person:
            return Answerer.PERSON
        return Answerer.CONFIRMING_SCRIPT if self.images else Answerer.SCRIPT_WITH_TRUTH

    @property
    def operator(self) -> str:
        """The same as `spark-service serve --operator` has it; empty: a person."""
        return {
            Answerer.PERSON: '',
            Answerer.CONFIRMING_SCRIPT: 'scripted',
            Answerer.SCRIPT_WITH_TRUTH: f'scripted:{TRUTH}',
        }[self.answerer]


def run(options: Options) -> int:
    """Run the demo; return its exit code.

    Raises:
        DemoError: a part of it did not start, or ended early.
    """
    surroundings = environment()
    os.environ.update(surroundings)
    with tempfile.TemporaryDirectory(prefix='spark_demo_') as folder:
        processes = Processes(Path(folder), surroundings)
        try:
            return _play(options, processes, Path(folder))
        finally:
            processes.end()


def _play(options: Options, processes: Processes, folder: Path) -> int:
    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    try:
        story = Story()
        _start_service_and_node(options, processes, folder, story)
        wait_for_node(story, processes)
        camera = processes.start(
            'camera', 'spark_ros.demo.camera', '--listeners', '2',
            *(('--images', options.images) if options.images else ()),
            **profile(),
        )  # fmt: skip
        assert camera.stdout is not None
        frames = lines(camera.stdout)
        _watch(story, frames, processes, options)
        if camera.wait():
            raise DemoError(processes.log('camera').read_text().strip() or 'the camera failed')
        truth = None if options.images else Truth.load(TRUTH)
        pictures = write_pictures(story.answered, options.output, options.answerer)
        print(summary(story, options.answerer, truth, pictures), flush=True)
        print(_look_again(options), flush=True)
        unresolved = len(story.asked) - len(story.answered)
        if unresolved:
            print(f'{unresolved} question(s) have no answer')
        return 1 if unresolved or not (story.answered or options.images) else 0
    finally:
        rclpy.try_shutdown()


def _look_again(options: Options) -> str:
    """Say how a question is looked at once the demo has ended."""
    data = options.output / 'service'
    show = show_command(f'http://127.0.0.1:{PORT}', data, options.backend)
    return (
        '\nto look at a question again: start its service, and show it from another terminal\n'
        f'  {script("spark-service")} serve --data {data}\n'
        f'  {show}'
    )


def _start_service_and_node(
    options: Options, processes: Processes, folder: Path, story: Story
) -> None:
    data = new_data_folder(options.output)
    service = start_service(processes, data, options.operator, options.backend)
    with_script = '' if options.person else ' with the scripted operator'
    story.say('service', f'at {service.url}{with_script}')
    if options.person:
        story.say('operator', f'is you. Open {service.link}')
        story.say('questions', 'can be looked at by their id:')
        print(f'  {show_command(service.url, data, options.backend)}', flush=True)
    camera = {
        'ask_below': '1.0' if options.images else '0.8',
        'ignore_below': '0.0' if options.images else '0.2',
        'label_options': f'[{", ".join(Detector.labels)}]',
        'instructions': 'Mark every face, cat face and person.',
    }
    start_node(processes, folder, service, options.backend, camera)
    story.say('node', f'asks over {options.backend.title()} about scores '
              f'under {camera["ask_below"]}')


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
        for line in drain(frames):
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
        check_running(processes)
