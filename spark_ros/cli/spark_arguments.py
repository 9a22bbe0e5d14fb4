# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command line of `spark`, as argparse has it."""

from __future__ import annotations

import argparse
import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import spark_ros
from spark_ros.cli.argument_types import number
from spark_ros.geometry import PixelBox
from spark_ros.wire.heat import STATUSES, Scale
from spark_ros.wire.spark import STATES

APIS = ('spark', 'heat')
STATES_OF = {'spark': STATES, 'heat': STATUSES}
Commands: TypeAlias = 'argparse._SubParsersAction[argparse.ArgumentParser]'

EPILOG = """\
examples:
  spark ask frame.jpg --instructions 'Is the path free?' --wait
  spark ask frame.jpg --instructions 'Correct the boxes' \\
        --labels crate,pallet --box 120,80,64,48,crate --wait
  spark list --state open
  spark watch --json
  spark ask --help

environment:
  SPARK_URL     the service, where --url is not given
  SPARK_TOKEN   the API key, where --token-file is not given
  SPARK_API     spark or heat, where --api is not given
  NO_COLOR      no colours

exit codes:
  0  done; with --wait: answered
  1  the service refused, or its answer cannot be read
  2  wrong arguments, no token, an image or a library that cannot be used
  3  the token is not accepted
  4  the service cannot be reached
  5  timed out, or with --wait: not answered in time
  6  with --wait: over without an answer (flagged, aborted)
  130  ended by Ctrl-C
"""
ASK_EPILOG = """\
examples:
  spark ask frame.jpg --instructions 'Is the path free?' --wait
  spark ask a.jpg b.jpg --program crates --box 2:120,80,64,48,crate
  spark ask --api heat frame.jpg --instructions 'Which way?' \\
        --choices left,right --wait
  spark ask --api heat frame.jpg --instructions 'How full is it?' \\
        --rating 0,100,10 --wait
  spark ask frame.jpg --instructions 'Free?' --wait --json |
        jq -r '.[0].response'

The answer goes to standard output, the progress to standard error. A question
stays when the waiting ends: `spark show TOKEN` looks, `spark watch TOKEN` waits
on.
"""
WATCH_EPILOG = """\
Follows the service's change feed; where it has none, it is polled every two
seconds. With TOKENs it says first where they are, and ends once all are over;
without, Ctrl-C ends it with exit code 130.

examples:
  spark watch
  spark watch b5507016-7da2-4777-a161-1e8042a6a377
  spark watch --json | while read -r change; do ...; done
"""


EXPORT_EPILOG = """\
Writes the answers of all closed questions of the key (SparkAI only):
  FOLDER/annotations.json      COCO: what was confirmed, changed and added; what
                               was removed stands with its picture
  FOLDER/images/               the pictures
  FOLDER/labels/, data.yaml    with --yolo
Done again, or after an interruption, it fetches only what is missing, and
writes the rest anew. Exit code 1: some pictures could not be had; they are left
out.

examples:
  spark export dataset
  spark export dataset --yolo --labels person,bicycle,car
"""


@dataclass(frozen=True)
class BoxArgument:
    """A --box: which image (from 1), the box in its pixels, and the label."""

    image: int
    box: PixelBox
    label: str


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    top = argparse.ArgumentParser(
        prog='spark',
        description='Ask people about images, through a service of the SparkAI or the Heat API.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument(
        '--version', action='version', version=f'%(prog)s {spark_ros.__version__}'
    )
    commands = top.add_subparsers(dest='command', required=True, metavar='COMMAND')
    _ask(commands)
    listing = _command(commands, 'list', 'list what was asked, oldest first')
    listing.add_argument(
        '--state',
        choices=tuple(dict.fromkeys((*STATES, *STATUSES))),
        metavar='STATE',
        help=f'only those in this state: {", ".join(STATES)}; with Heat: {", ".join(STATUSES)}',
    )
    show = _command(commands, 'show', 'show what became of a question')
    show.add_argument('token', metavar='TOKEN', help='as `ask` printed it')
    show.add_argument(
        '--save', type=Path, metavar='FOLDER',
        help='save the pictures there, with the answer drawn on them',
    )  # fmt: skip
    watch = _command(commands, 'watch', 'follow what changes, one line a change', WATCH_EPILOG)
    watch.add_argument('tokens', nargs='*', metavar='TOKEN', help='only these questions')
    watch.add_argument(
        '--robot-id', metavar='ID',
        help='only what this robot asked; needs a service with a change feed',
    )  # fmt: skip
    _export(commands)
    return top


def _export(commands: Commands) -> None:
    export = _command(
        commands, 'export', 'write what was answered as a dataset to train on', EXPORT_EPILOG
    )
    export.add_argument(
        'folder', type=Path, metavar='FOLDER', help='where to; made where it is not there'
    )
    export.add_argument('--yolo', action='store_true', help="YOLO's text files, too")
    export.add_argument('--program', metavar='NAME', default='', help='only this program')
    export.add_argument(
        '--labels', type=_names, default=(), metavar='A,B',
        help='the first classes, in this order; the others follow by name',
    )  # fmt: skip
    export.add_argument(
        '--empty', action='store_true',
        help='answers that say nothing of any box, too: nothing is on their pictures',
    )  # fmt: skip
    export.add_argument('-q', '--quiet', action='store_true', help='no progress')


def _command(
    commands: Commands, name: str, about: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    # Without abbreviations: nobody shall get used to a --token that is short for --token-file.
    parser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + '.',
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_argument_group('the service')
    group.add_argument('--url', metavar='URL', help='its base URL (else SPARK_URL)')
    group.add_argument(
        '--api', choices=APIS, help='the API that the key is for (else SPARK_API, else spark)'
    )
    group.add_argument(
        '--token-file', metavar='FILE',
        help='file with the API key that only you can read (else SPARK_TOKEN)',
    )  # fmt: skip
    group.add_argument(
        '--ca-file', metavar='FILE', help='PEM file of your own certificate authority'
    )
    parser.add_argument('--json', action='store_true', help='print JSON instead of text')
    return parser


def _ask(commands: Commands) -> None:
    ask = _command(commands, 'ask', 'ask about one image or several', ASK_EPILOG)
    ask.add_argument('images', nargs='*', metavar='IMAGE', help='a file, or an http(s) URL')
    ask.add_argument('--instructions', metavar='TEXT', help='what is asked')
    ask.add_argument(
        '--program', metavar='NAME', help='an established program of the service (not with Heat)'
    )
    ask.add_argument(
        '--labels', type=_names, default=(), metavar='A,B', help='the labels to choose from'
    )
    ask.add_argument(
        '--box', type=_box, action='append', default=[], metavar='[N:]X,Y,W,H,LABEL',
        help='what you think is there: top-left corner and size in pixels, of the N-th image; '
        'may be given more than once (with Heat it is drawn on the image)',
    )  # fmt: skip
    kinds = ask.add_argument_group(
        'other questions than for boxes', 'Heat only; SparkAI answers with boxes and words.'
    ).add_mutually_exclusive_group()
    kinds.add_argument(
        '--choices', type=_names, metavar='A,B,C', help='choose one (with --several: or more)'
    )
    kinds.add_argument('--text', action='store_true', help='answer in words')
    kinds.add_argument('--number', action='store_true', help='answer with a number')
    kinds.add_argument(
        '--rating', type=_scale, metavar='MIN,MAX[,STEP]', help='rate on a scale'
    )
    ask.add_argument('--several', action='store_true', help='more than one of --choices')
    ask.add_argument('--wait', action='store_true', help='wait for the answer and print it')
    ask.add_argument(
        '--timeout', type=number(1e-9, 1e9, 'a number of seconds above 0'), default=600.0,
        metavar='S', help='seconds that --wait waits (600)',
    )  # fmt: skip
    ask.add_argument('-q', '--quiet', action='store_true', help='no progress while waiting')


def _names(text: str) -> tuple[str, ...]:
    """Read names between commas; one that holds a comma stands in double quotes."""
    try:
        (row,) = csv.reader([text], skipinitialspace=True, strict=True)
    except (csv.Error, ValueError):
        raise argparse.ArgumentTypeError(f'{text!r} is not a list like A,B,"C, D"') from None
    names = tuple(dict.fromkeys(name.strip() for name in row if name.strip()))
    if not names:
        raise argparse.ArgumentTypeError('the list is empty')
    return names


def _box(text: str) -> BoxArgument:
    image, colon, rest = text.partition(':')
    if not (colon and image.isascii() and image.isdigit()):
        image, rest = '1', text
    parts = rest.split(',', 4)
    try:
        x, y, width, height = (float(part) for part in parts[:4])
        label = parts[4].strip()
    except (ValueError, IndexError):
        raise argparse.ArgumentTypeError(f'{text!r} is not [N:]X,Y,W,H,LABEL') from None
    if int(image) < 1:
        raise argparse.ArgumentTypeError(f'{text!r}: images are counted from 1')
    return BoxArgument(int(image), PixelBox(x + width / 2, y + height / 2, width, height), label)


def _scale(text: str) -> Scale:
    try:
        low, high, step = map(float, [*text.split(','), *(['1'] if text.count(',') == 1 else [])])
    except ValueError:
        low = high = step = math.nan
    if not (low < high and step > 0 and math.isfinite(high - low + step)):
        raise argparse.ArgumentTypeError(f'{text!r} is not a scale MIN,MAX or MIN,MAX,STEP')
    return Scale(low, high, step)
