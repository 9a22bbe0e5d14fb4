# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A robot drives a loop through a simulated hall, asks, and what asking was worth is scored.

Everything that runs is what runs in Gazebo (`launch/gazebo.launch.py`): the detector, the node of
the truth, the spark node, the service with its operator, and the score. Only the camera and the
robot's pose come from the world's file without a simulator.
"""

from __future__ import annotations

import sys
from pathlib import Path

from ament_index_python.packages import get_package_share_directory

from spark_ros.demo import session
from spark_ros.demo.errors import DemoError
from spark_ros.demo.session import Options
from spark_ros.demo.warehouse.audits import asking
from spark_ros.demo.warehouse.calibrated import (
    THRESHOLDS,
    calibrate_on_worlds,
    compared,
    threshold,
)
from spark_ros.demo.warehouse.evaluator import Evaluator
from spark_ros.demo.warehouse.scene import LABELS, Scene
from spark_ros.geometry import ImageSize

# The operator looks so long that the truth about an image is told before it is needed.
LOOK_S = 0.8
NO_TRUTH_YET = '{"images": []}\n'
ASKING = {
    'ask_below': '0.7',
    'ignore_below': '0.15',
    'label_options': f'[{", ".join(LABELS)}]',
    'instructions': 'Mark every crate, barrel and ball.',
}


def run(options: Options) -> int:
    """Drive one loop; print the scores and write the plot; return the exit code.

    Raises:
        DemoError: a part of it did not start, or ended early.
    """
    world = world_file(options.scene or '')
    output = options.output / world.stem
    present = asking(float(ASKING['ask_below']), float(ASKING['ignore_below']))
    calibrated = (
        calibrate_on_worlds(world, threshold(present), output) if options.calibrate else None
    )
    with session.ros_and_processes() as processes:
        truth_file = processes.folder / 'truth.json'
        truth_file.write_text(NO_TRUTH_YET, encoding='utf-8')
        operator = '' if options.person else f'scripted:{truth_file}'
        service = session.start_service(
            processes, processes.folder / 'service', operator, options, LOOK_S
        )
        if options.person:
            print(f'you are the operator: open {service.link}', flush=True)
        processes.start('detector', 'spark_ros.demo.warehouse.detector_node')
        processes.start(
            'truth', 'spark_ros.demo.warehouse.truth_node', '--ros-args',
            '-p', f'world:={world}', '-p', f'truth_file:={truth_file}',
        )  # fmt: skip
        evaluator = Evaluator()
        session.start_node(
            processes, evaluator, service, options.backend, ASKING,
            output / THRESHOLDS if calibrated else None,
        )  # fmt: skip
        # The detector, the truth, the spark node and the evaluator listen to the images.
        session.play(
            processes, evaluator, options.person, 'spark_ros.demo.warehouse.simulator',
            str(world), '--listeners', '4', '--frames', str(options.frames),
        )  # fmt: skip
        print(evaluator.report(output, f'A loop through the {world.stem}'), flush=True)
        if calibrated:
            camera = Scene.load(world).camera
            policies = {
                f'ask_below {threshold(present):.2f}': present,
                f'calibrated: {threshold(calibrated):.2f}': calibrated,
            }
            size = ImageSize(camera.width, camera.height)
            print(compared(evaluator.complete(), size, policies), flush=True)
        unresolved = len(evaluator.asked - evaluator.over)
        if unresolved:
            print(f'{unresolved} question(s) have no answer')
        return 1 if unresolved or not evaluator.complete() else 0


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
