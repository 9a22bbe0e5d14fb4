# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The `spark` command: ask, list and show from a shell."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from spark_ros.cli.output import as_table, print_json, say
from spark_ros.clients import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
    SparkClient,
    UnsupportedError,
)
from spark_ros.clients.credentials import find_token
from spark_ros.geometry import ImageSize, PixelBox, normalize
from spark_ros.model import Annotation, box_annotation
from spark_ros.wire.spark import STATES, Engagement

OK, FAILED, USAGE, UNAUTHORIZED, UNREACHABLE, TIMED_OUT = range(6)
POLL_S = 2.0
EPILOG = """\
environment:
  SPARK_URL     the service, where --url is not given
  SPARK_TOKEN   the API key, where --token-file is not given

exit codes:
  0  done
  1  the service refused, or its answer cannot be read
  2  wrong arguments, no token, an image that cannot be used
  3  the token is not accepted
  4  the service cannot be reached
  5  timed out, or with --wait: not answered in time
"""


@dataclass(frozen=True)
class BoxArgument:
    """A --box: which image (from 1), the box in its pixels, and the label."""

    image: int
    box: PixelBox
    label: str


class Timeout(Exception):
    """An answer did not come in the time that was given."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code that --help documents."""
    arguments = parser().parse_args(argv)
    try:
        return asyncio.run(_run(arguments))
    except AuthenticationError as error:
        code, message = UNAUTHORIZED, str(error)
    except ConnectionFailed as error:
        code, message = TIMED_OUT if error.timed_out else UNREACHABLE, str(error)
    except ClientError as error:
        code, message = FAILED, str(error)
    except Timeout as error:
        code, message = TIMED_OUT, str(error)
    except (ValueError, OSError) as error:
        code, message = USAGE, str(error)
    except KeyboardInterrupt:
        code, message = 130, 'interrupted'
    print(f'spark: {say(message)}', file=sys.stderr)
    return code


def parser() -> argparse.ArgumentParser:
    """Describe the arguments."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument('--url', help='base URL of the service', default=None)
    common.add_argument('--token-file', help='file with the API key that only you can read')
    common.add_argument('--ca-file', help='PEM file of your own certificate authority')
    common.add_argument('--json', action='store_true', help='print JSON instead of a table')
    top = argparse.ArgumentParser(
        prog='spark',
        description='Ask people about images, through a SparkAI service.',
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest='command', required=True, metavar='COMMAND')

    # Without abbreviations: nobody shall get used to a --token that is short for --token-file.
    def command(name: str, about: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, parents=[common], help=about, description=about, allow_abbrev=False
        )

    ask = command('ask', 'ask about one image or several')
    ask.add_argument('images', nargs='+', metavar='IMAGE', help='a file, or an http(s) URL')
    ask.add_argument('--instructions', help='what is asked')
    ask.add_argument('--program', help='an established program of the service')
    ask.add_argument('--labels', type=_labels, default=(), metavar='A,B', help='to choose from')
    ask.add_argument(
        '--box', type=_box, action='append', default=[], metavar='[N:]X,Y,W,H,LABEL',
        help='what you think is there: top-left corner and size in pixels, of the N-th image',
    )  # fmt: skip
    ask.add_argument('--wait', action='store_true', help='wait for the answer and print it')
    ask.add_argument(
        '--timeout', type=_seconds, default=600.0, metavar='S',
        help='seconds that --wait waits (600)',
    )  # fmt: skip

    listing = command('list', 'list engagements, oldest first')
    listing.add_argument('--state', choices=STATES)

    show = command('show', 'show what became of a token')
    show.add_argument('token', metavar='TOKEN')
    return top


async def _run(arguments: argparse.Namespace) -> int:
    url = arguments.url or os.environ.get('SPARK_URL', '')
    if not url:
        raise ValueError('which service? give --url or set SPARK_URL')
    if arguments.command == 'ask' and not (arguments.instructions or arguments.program):
        raise ValueError('what is asked? give --instructions or --program')
    token = find_token(arguments.token_file, 'SPARK_TOKEN')
    async with SparkClient(url, token, verify=arguments.ca_file or True) as client:
        if arguments.command == 'ask':
            await _ask(client, arguments)
        elif arguments.command == 'list':
            found = [item async for item in client.iter_engagements(state=arguments.state)]
            _print(found, arguments.json)
        else:
            _print(await _fetch(client, arguments.token), arguments.json)
    return OK


async def _ask(client: SparkClient, arguments: argparse.Namespace) -> None:
    loaded = [_load(image) for image in arguments.images]
    annotations = [_annotation(box, arguments.images, loaded) for box in arguments.box]
    locations = []
    for name, content in zip(arguments.images, loaded, strict=True):
        if content is None:
            locations.append(name)
        else:
            uploaded = await client.upload_image(content, filename=Path(name).name)
            locations.append(uploaded.location)
    token = await client.create_engagement(
        locations,
        program_name=arguments.program,
        instructions=arguments.instructions,
        label_options=arguments.labels,
        annotations=annotations,
    )
    if not arguments.wait:
        print_json({'token': token}) if arguments.json else print(say(token))
        return
    if not arguments.json:
        print(f'asked: {say(token)}', flush=True)
    _print(await _wait(client, token, arguments.timeout), arguments.json)


async def _wait(
    client: SparkClient,
    token: str,
    timeout_s: float,
    clock: Callable[[], float] = time.monotonic,
) -> list[Engagement]:
    end = clock() + timeout_s
    while True:
        engagements = await _fetch(client, token)
        if engagements and all(item.state == 'closed' for item in engagements):
            return engagements
        if clock() + POLL_S > end:
            raise Timeout(f'no answer within {timeout_s:g} s; later: spark show {token}')
        await asyncio.sleep(POLL_S)


async def _fetch(client: SparkClient, token: str) -> list[Engagement]:
    try:
        return await client.get_engagement(token)
    except UnsupportedError:
        return list((await client.get_job(token)).engagements)


def _load(image: str) -> bytes | None:
    """Read an image file; None for a URL, which the service fetches itself."""
    return None if image.startswith(('http://', 'https://')) else Path(image).read_bytes()


def _annotation(
    given: BoxArgument, names: Sequence[str], loaded: Sequence[bytes | None]
) -> Annotation:
    if given.image > len(names):
        raise ValueError(f'--box names image {given.image}, but there are {len(names)}')
    name, content = names[given.image - 1], loaded[given.image - 1]
    if content is None:
        raise ValueError(f'--box needs the size of {name}: give a file instead of a URL')
    # Upright, as a viewer shows it: OpenCV applies the EXIF orientation by itself.
    pixels = None
    with suppress(cv2.error):
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError(f'{name} is no image that can be read')
    box = normalize(given.box, ImageSize(pixels.shape[1], pixels.shape[0]))
    index = given.image - 1 if len(names) > 1 else None
    return box_annotation(given.label, box, image_index=index)


def _print(engagements: Sequence[Engagement], json_wanted: bool) -> None:
    if json_wanted:
        print_json(engagements)
    else:
        print(as_table(engagements))


def _labels(text: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in text.split(',') if label.strip())


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


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1e9:
        raise argparse.ArgumentTypeError(f'{text!r} is not a number of seconds above 0')
    return value


if __name__ == '__main__':
    sys.exit(main())
