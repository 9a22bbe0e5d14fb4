# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo's main job: service, node, camera and operator, from the first frame to the summary."""

from __future__ import annotations

from spark_ros.demo import session
from spark_ros.demo.answerer import TRUTH, Answerer
from spark_ros.demo.detector import Detector
from spark_ros.demo.processes import Processes
from spark_ros.demo.progress import ProgressMonitor
from spark_ros.demo.report import summary, write_pictures
from spark_ros.demo.session import Options
from spark_ros.service.scripted.recognise import Truth


def answerer_of(options: Options) -> Answerer:
    """Return who answers."""
    if options.person:
        return Answerer.PERSON
    return Answerer.CONFIRMING_SCRIPT if options.images else Answerer.SCRIPT_WITH_TRUTH


def run(options: Options) -> int:
    """Run the demo; return its exit code.

    Raises:
        DemoError: a part of it did not start, or ended early.
    """
    answerer = answerer_of(options)
    with session.ros_and_processes() as processes:
        monitor = ProgressMonitor()
        _start(options, answerer, processes, monitor)
        images = ['--images', options.images] if options.images else []
        session.play(
            processes, monitor, options.person,
            'spark_ros.demo.replay', '--listeners', '2', *images,
        )  # fmt: skip
        truth = None if options.images else Truth.load(TRUTH)
        pictures = write_pictures(monitor.answered, options.output, answerer)
        print(summary(monitor, answerer, truth, pictures), flush=True)
        data = options.output / 'service'
        print(
            '\nto look at a question again: start its service, and show it from another terminal\n'
            f'  {session.script("spark-service")} serve --data {data}\n'
            f'  {session.show_command("http://127.0.0.1:8080", data, options.backend)}',
            flush=True,
        )
        unresolved = len(monitor.asked) - len(monitor.answered)
        if unresolved:
            print(f'{unresolved} question(s) have no answer')
        return 1 if unresolved or not (monitor.answered or options.images) else 0


def _start(
    options: Options, answerer: Answerer, processes: Processes, monitor: ProgressMonitor
) -> None:
    data = session.new_data_folder(options.output)
    service = session.start_service(processes, data, answerer.operator, options)
    with_script = '' if options.person else ' with the scripted operator'
    monitor.print_step('service', f'at {service.url}{with_script}')
    if options.person:
        monitor.print_step('operator', f'is you. Open {service.link}')
        monitor.print_step('questions', 'can be looked at by their id:')
        print(f'  {session.show_command(service.url, data, options.backend)}', flush=True)
    camera = {
        'ask_below': '1.0' if options.images else '0.8',
        'ignore_below': '0.0' if options.images else '0.2',
        'label_options': f'[{", ".join(Detector.labels)}]',
        'instructions': 'Mark every face, cat face and person.',
    }
    session.start_node(processes, monitor, service, options.backend, camera)
    monitor.print_step('node', f'asks over {options.backend.title()} about scores '
                f'under {camera["ask_below"]}')  # fmt: skip
