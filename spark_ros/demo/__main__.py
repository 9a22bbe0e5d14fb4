# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Run the demo: `python -m spark_ros.demo`."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import spark_ros
from spark_ros.demo.errors import DemoError
from spark_ros.demo.image_files import find_images


def main(argv: Sequence[str] | None = None) -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        prog='python -m spark_ros.demo',
        description='A camera replays photographs, a detector doubts, an operator answers.',
    )
    version = f'spark_ros {spark_ros.__version__}'
    parser.add_argument('--version', action='version', version=version)
    parser.add_argument('--images', help='a folder of images, or a video; default: photographs')
    parser.add_argument(
        '--operator', choices=('scripted', 'me'), default='scripted',
        help='who answers: a script that knows the truth about the built-in photographs and '
        'confirms all on others, or you in the browser',
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
        '--calibrate', action='store_true',
        help='find the thresholds on random worlds like the scene first, and compare both',
    )  # fmt: skip
    parser.add_argument(
        '--workers', default='1', metavar='N',
        help="processes of the service; more than one need PostgreSQL's URL in "
        'SPARK_SERVICE_DATABASE (default: %(default)s)',
    )  # fmt: skip
    parser.add_argument(
        '--output', type=Path, default=Path('demo_output'), help='folder for the pictures'
    )
    try:
        return _run(parser.parse_args(argv))
    except DemoError as error:
        print(f'demo: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('demo: interrupted', file=sys.stderr)
        return 130


def _run(arguments: argparse.Namespace) -> int:
    """Check the images, then import what takes long, and run."""
    if arguments.calibrate and not arguments.scene:
        raise DemoError('--calibrate needs a --scene, such as warehouse')
    if arguments.images and not arguments.scene:
        images = find_images(arguments.images)
        for remark in images.remarks:
            print(f'demo: {remark}', file=sys.stderr)
        if images.video:
            from spark_ros.demo.photographs import check_video

            check_video(images.files[0])
    if arguments.scene:
        from spark_ros.demo.warehouse.run import run
    else:
        from spark_ros.demo.run import run
    from spark_ros.demo.session import Options

    return run(Options(**vars(arguments)))


if __name__ == '__main__':
    signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGINT))
    sys.exit(main())
