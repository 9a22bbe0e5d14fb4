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
from spark_ros.cli.argument_types import number, whole
from spark_ros.clients.extensions import MAX_DEADLINE_S, MAX_PRIORITY, MIN_DEADLINE_S
from spark_ros.geometry import PixelBox
from spark_ros.wire.heat import STATUSES, Scale
from spark_ros.wire.spark import STATES

APIS = ('spark', 'heat')
STATES_OF = {'spark': STATES, 'heat': STATUSES}
_open_share = number(0.001, 0.999, 'a share from 0.001 to 0.999')
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
  SPARK_URL     the service's URL, if --url is not given
  SPARK_TOKEN   the API key, if --token-file is not given
  SPARK_API     spark or heat, if --api is not given
  NO_COLOR      if set, print no colours

exit codes:
  0  done; with --wait: answered
  1  the service refused, or its answer cannot be read; with calibrate and
     decisions: the promise cannot be made, or is broken
  2  wrong arguments, no API key, an unusable image or log, or a missing
     library
  3  the service does not accept the API key
  4  the service cannot be reached
  5  timed out; with --wait: not answered in time
  6  with --wait: ended without an answer (flagged, aborted, expired,
     canceled)
  130  stopped by Ctrl-C
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

The answer goes to standard output, the progress to standard error. When the
waiting ends without an answer, the question stays open: `spark show TOKEN`
shows it, `spark watch TOKEN` waits for it again, `spark withdraw TOKEN`
withdraws it. With --deadline the service ends it by itself.
"""
WATCH_EPILOG = """\
Follows the service's change feed. If the service has none, polls it every two
seconds. With TOKENs, prints the state of each question first, and ends when all
of them have ended. Without, runs until Ctrl-C (exit code 130).

examples:
  spark watch
  spark watch b5507016-7da2-4777-a161-1e8042a6a377
  spark watch --json | while read -r change; do ...; done
"""

WITHDRAW_EPILOG = """\
Prints the state of the question afterwards: `canceled` (with Heat: `aborted`),
or how it had ended before. SparkAI itself has no such call; our service has.
"""
EXPORT_EPILOG = """\
Writes the answers of all closed questions of the key (SparkAI only):
  FOLDER/annotations.json      COCO: confirmed, changed and added shapes; the
                               removed ones are listed with their picture
  FOLDER/images/               the pictures
  FOLDER/labels/, data.yaml    with --yolo
Run again, also after an interruption, it fetches only the missing pictures and
writes the other files anew. Exit code 1 means that some pictures could not be
fetched; they are left out.

examples:
  spark export dataset
  spark export dataset --yolo --labels person,bicycle,car
"""
CALIBRATE_EPILOG = """\
Reads the node's logs of decisions, a file each with those rotated away. Only
audited frames that people answered count, and only whole drives. Writes
  FOLDER/thresholds.yaml   parameters for the node, if the promise can be made
  FOLDER/report.html       what was found, with plots
  FOLDER/report.json       the same as numbers
docs/asking-less.md says what is promised and what is not.

examples:
  spark calibrate decisions.jsonl
  spark calibrate robot1.jsonl robot2.jsonl --alpha 0.1 --delta 0.05
  ros2 run spark_ros spark_node --ros-args --params-file spark.yaml \\
        --params-file calibration/thresholds.yaml
"""
DECISIONS_EPILOG = """\
With --alpha, says whether the audits still agree with that promise, by a test
that may be looked at at any time: if the promise holds, it is called broken
with a chance of 5% at most, however often you look.

examples:
  spark decisions decisions.jsonl
  spark decisions decisions.jsonl --alpha 0.05
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
    listing = _command(commands, 'list', 'list the questions, oldest first')
    listing.add_argument(
        '--state',
        choices=tuple(dict.fromkeys((*STATES, *STATUSES))),
        metavar='STATE',
        help=f'only questions in this state: {", ".join(STATES)}; '
        f'with Heat: {", ".join(STATUSES)}',
    )
    show = _command(commands, 'show', 'show a question and its answer')
    show.add_argument('token', metavar='TOKEN', help='the token that `ask` printed')
    show.add_argument(
        '--save', type=Path, metavar='FOLDER',
        help='save the pictures in this folder, with the answer drawn on them',
    )  # fmt: skip
    watch = _command(commands, 'watch', 'follow questions, one line for each change', WATCH_EPILOG)
    watch.add_argument('tokens', nargs='*', metavar='TOKEN', help='only these questions')
    watch.add_argument(
        '--robot-id', metavar='ID',
        help='only questions of this robot; needs a service with a change feed',
    )  # fmt: skip
    withdraw = _command(
        commands, 'withdraw', 'withdraw a question that nobody has answered yet', WITHDRAW_EPILOG
    )
    withdraw.add_argument('token', metavar='TOKEN', help='the token that `ask` printed')
    _export(commands)
    _calibrate(commands)
    decisions = _local(
        commands, 'decisions', "summarise a node's log of decisions", DECISIONS_EPILOG
    )
    _logs(decisions)
    decisions.add_argument(
        '--alpha', type=_open_share, metavar='SHARE', help='compare with this promise'
    )
    return top


def _calibrate(commands: Commands) -> None:
    calibrate = _local(
        commands, 'calibrate', 'find thresholds that keep a promise', CALIBRATE_EPILOG
    )
    _logs(calibrate)
    calibrate.add_argument(
        '--alpha', type=_open_share, metavar='SHARE', default=0.05,
        help="the share of a drive's errors that may go unasked on average (default: 0.05)",
    )  # fmt: skip
    calibrate.add_argument(
        '--delta', type=_open_share, metavar='CHANCE',
        help='promise that average with probability 1 - CHANCE (default: promise the average '
        'over repetitions of the calibration, too)',
    )  # fmt: skip
    calibrate.add_argument(
        '--weigh-errors', type=number(1.0, 1e9, 'a number of errors, at least 1'), metavar='CAP',
        help='promise a share of all errors: a drive counts as often as it has errors, up to '
        'CAP; choose CAP before you look (default: each drive counts once)',
    )  # fmt: skip
    calibrate.add_argument(
        '--learn-from', type=number(0.0, 0.9, 'a share from 0 to 0.9'), metavar='SHARE',
        default=0.0,
        help='set this share of the drives aside, and learn from them how the thresholds of '
        'cameras and labels differ (default: 0, one threshold for all)',
    )  # fmt: skip
    calibrate.add_argument(
        '--seed', type=whole(2**32, 'a whole number'), metavar='N', default=0,
        help='chooses the drives that are set aside (default: 0)',
    )  # fmt: skip
    calibrate.add_argument(
        '--into', type=Path, metavar='FOLDER', default=Path('calibration'),
        help='where the files go; created if it does not exist (default: calibration)',
    )  # fmt: skip


def _logs(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        'logs', type=Path, nargs='+', metavar='LOG', help='the newest file of a log of decisions'
    )
    parser.add_argument(
        '--same-box', type=_open_share, metavar='IOU',
        help='a box that was corrected counts as an error if it overlaps less than this '
        '(default: 0.9)',
    )  # fmt: skip


def _export(commands: Commands) -> None:
    export = _command(
        commands, 'export', 'write the answers as a dataset to train on', EXPORT_EPILOG
    )
    export.add_argument(
        'folder', type=Path, metavar='FOLDER', help='the folder; created if it does not exist'
    )
    export.add_argument('--yolo', action='store_true', help="also write YOLO's text files")
    export.add_argument(
        '--program', metavar='NAME', default='', help='only questions of this program'
    )
    export.add_argument(
        '--labels', type=_names, default=(), metavar='A,B',
        help='the first classes, in this order; other labels follow by name',
    )  # fmt: skip
    export.add_argument(
        '--empty', action='store_true',
        help='also export answers without any box, as pictures with nothing on them',
    )  # fmt: skip
    export.add_argument('-q', '--quiet', action='store_true', help='print no progress')


def _local(
    commands: Commands, name: str, about: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    """Add a command that needs no service."""
    # Without abbreviations: nobody shall get used to a --token that is short for --token-file.
    parser = commands.add_parser(
        name,
        help=about,
        description=about[0].upper() + about[1:] + '.',
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('--json', action='store_true', help='print JSON instead of text')
    return parser


def _command(
    commands: Commands, name: str, about: str, epilog: str | None = None
) -> argparse.ArgumentParser:
    parser = _local(commands, name, about, epilog)
    group = parser.add_argument_group('the service')
    group.add_argument('--url', metavar='URL', help='base URL of the service (default: SPARK_URL)')
    group.add_argument(
        '--api', choices=APIS, help='the API of the key (default: SPARK_API, else spark)'
    )
    group.add_argument(
        '--token-file', metavar='FILE',
        help='file with the API key, readable by you alone (default: SPARK_TOKEN)',
    )  # fmt: skip
    group.add_argument(
        '--ca-file', metavar='FILE', help='PEM file of your own certificate authority'
    )
    return parser


def _ask(commands: Commands) -> None:
    ask = _command(commands, 'ask', 'ask people about one or more images', ASK_EPILOG)
    ask.add_argument('images', nargs='*', metavar='IMAGE', help='a file, or an http(s) URL')
    ask.add_argument('--instructions', metavar='TEXT', help='what people shall do or answer')
    ask.add_argument(
        '--program', metavar='NAME', help='a program stored on the service (not with Heat)'
    )
    ask.add_argument(
        '--labels', type=_names, default=(), metavar='A,B', help='labels that people choose from'
    )
    ask.add_argument(
        '--box', type=_box, action='append', default=[], metavar='[N:]X,Y,W,H,LABEL',
        help='a box to check, on the N-th image (default: the first): top-left corner and size in '
        'pixels, and the label; may be repeated (with Heat it is drawn on the image)',
    )  # fmt: skip
    kinds = ask.add_argument_group(
        'questions other than for boxes', 'Heat only; SparkAI answers with boxes and words.'
    ).add_mutually_exclusive_group()
    kinds.add_argument(
        '--choices', type=_names, metavar='A,B,C',
        help='the answer is one of these (with --several: one or more)',
    )  # fmt: skip
    kinds.add_argument('--text', action='store_true', help='the answer is a text')
    kinds.add_argument('--number', action='store_true', help='the answer is a number')
    kinds.add_argument(
        '--rating', type=_scale, metavar='MIN,MAX[,STEP]', help='the answer is on this scale'
    )
    ask.add_argument('--several', action='store_true', help='allow more than one of --choices')
    ask.add_argument('--wait', action='store_true', help='wait for the answer and print it')
    ask.add_argument(
        '--timeout', type=number(1e-9, 1e9, 'a number of seconds above 0'), default=600.0,
        metavar='S', help='seconds that --wait waits (default: 600)',
    )  # fmt: skip
    ask.add_argument(
        '--deadline', metavar='S',
        type=number(MIN_DEADLINE_S, MAX_DEADLINE_S, 'a number of seconds above 0, to 30 days'),
        help='seconds after which no answer is of use: the service ends the question then',
    )  # fmt: skip
    ask.add_argument(
        '--priority', type=whole(MAX_PRIORITY, f'a number from 0 to {MAX_PRIORITY}'), default=0,
        metavar='N', help='0 to 255; the highest is answered first (default: 0)',
    )  # fmt: skip
    ask.add_argument('-q', '--quiet', action='store_true', help='print no progress while waiting')


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
