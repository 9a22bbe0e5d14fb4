# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Run the demo: `python -m spark_ros.demo`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from spark_ros.demo.loop import LoopOptions, run_loop
from spark_ros.demo.script import Options, run
from spark_ros.demo.stage import DemoError


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        prog='python -m spark_ros.demo',
        description='A camera replays photographs, a detector doubts, an operator answers.',
    )
    parser.add_argument('--images', help='a folder of images, or a video; default: photographs')
    parser.add_argument(
        '--operator', choices=('scripted', 'me'), default='scripted',
        help='who answers: a script that knows the truth, or you in the browser',
    )  # fmt: skip
    parser.add_argument(
        '--backend', choices=('spark', 'heat'), default='spark', help='the API that is spoken'
    )
    parser.add_argument(
        '--scene', help='drive through this world of worlds/ instead, and score the run: warehouse'
    )
    parser.add_argument(
        '--frames', type=int, default=0, help="frames on the scene's loop; 0: its camera's rate"
    )
    parser.add_argument(
        '--output', type=Path, default=Path('demo_output'), help='folder for the pictures'
    )
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    try:
        if arguments.scene:
            return run_loop(
                LoopOptions(
                    scene=arguments.scene,
                    person=arguments.operator == 'me',
                    output=arguments.output,
                    backend=arguments.backend,
                    frames=arguments.frames,
                )
            )
        return run(
            Options(
                images=arguments.images,
                person=arguments.operator == 'me',
                output=arguments.output,
                backend=arguments.backend,
            )
        )
    except DemoError as error:
        print(f'demo: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('demo: interrupted', file=sys.stderr)
        return 130


if __name__ == '__main__':
    sys.exit(main())
