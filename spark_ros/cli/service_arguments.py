# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command line of `spark-service`, as argparse has it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TypeAlias

import spark_ros
from spark_ros.service.media.bucket_images import parse_bucket
from spark_ros.service.pushes.public_addresses import read_network
from spark_ros.service.settings import default_data_directory
from spark_ros.wire.spark import METADATA_LIMIT
from spark_ros.wire.values import WireError, expect_url

Commands: TypeAlias = 'argparse._SubParsersAction[argparse.ArgumentParser]'

EXAMPLES = """\
examples:
  spark-service try                                     a key, a console and a curl line to try
  spark-service key create robot-7 --program crates     prints the new key, and only that
  spark-service program set crates --file crates.yaml
  spark-service serve --port 8080 --operator scripted
  spark-service backup /backup/spark                    again and again: copies new images only
"""


def service_parser() -> argparse.ArgumentParser:
    """Return the parser; `command` is the name of the command that was chosen."""
    parser = argparse.ArgumentParser(
        prog='spark-service',
        description='The resolution service: people answer what robots are not sure of.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        '--version', action='version', version=f'%(prog)s {spark_ros.__version__}'
    )
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        '--data',
        type=Path,
        default=default_data_directory(),
        metavar='DIR',
        help='where the database and the images are (default: %(default)s)',
    )
    shared.add_argument(
        '--database',
        default=os.environ.get('SPARK_SERVICE_DATABASE', ''),
        metavar='URL',
        help='any SQLAlchemy URL instead of SQLite in DIR (or SPARK_SERVICE_DATABASE)',
    )
    shared.add_argument(
        '--images',
        type=_images,
        default=os.environ.get('SPARK_SERVICE_IMAGES', ''),
        metavar='URL',
        help='s3://BUCKET/PREFIX instead of a directory in DIR (or SPARK_SERVICE_IMAGES); the '
        'store and the credentials are set by AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on',
    )
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    _serving(commands, shared)
    _keys(commands, shared)
    _programs(commands, shared)
    _sessions(commands, shared)
    link = commands.add_parser(
        'login-link', parents=[shared], help='print a fresh console login of a running service'
    )
    link.set_defaults(command='login_link')
    backup = commands.add_parser(
        'backup',
        parents=[shared],
        help='copy the database and the new images into a directory, while the service runs',
    )
    backup.add_argument(
        'target', type=Path, metavar='TARGET', help='the directory; made with mode 0700'
    )
    backup.set_defaults(command='backup')
    return parser


def _serving(commands: Commands, shared: argparse.ArgumentParser) -> None:
    for name, command, about in (
        ('serve', 'serve', 'run the service; prints its address and a console login link'),
        ('try', 'try', 'as serve, with a key in DIR/try.key and lines to ask with'),
    ):
        parser = commands.add_parser(name, parents=[shared], help=about, description=about)
        parser.add_argument('--host', default='127.0.0.1', help='default: %(default)s')
        parser.add_argument(
            '--port', type=_port, default=8080, help='0 takes a free one (default: %(default)s)'
        )
        parser.add_argument(
            '--public-url',
            type=_url,
            metavar='URL',
            help='what clients reach the service by, when a proxy is in front',
        )
        parser.add_argument(
            '--operator',
            default='',
            metavar='scripted[:TRUTH.json]',
            help='answer by script: correct towards the true boxes in the file, else confirm',
        )
        parser.add_argument(
            '--operator-delay',
            type=_seconds,
            default=0.0,
            metavar='SECONDS',
            help='how long the scripted operator looks at a question (default: %(default)s)',
        )
        parser.add_argument(
            '--lease',
            type=_lease,
            default=30.0,
            metavar='SECONDS',
            help='how long an operator keeps a question without a sign of life (default: 30)',
        )
        parser.add_argument(
            '--allow-net',
            type=_network,
            action='append',
            default=[],
            metavar='CIDR',
            help='let webhooks reach this network although it is not public, for instance '
            '192.168.7.0/24 (may be given several times)',
        )
        parser.add_argument(
            '--metadata-limit',
            type=_bytes,
            default=METADATA_LIMIT,
            metavar='BYTES',
            help='largest metadata of a question or of one of its priors, as JSON '
            '(default: %(default)s)',
        )
        parser.add_argument(
            '--allow-fetch-net',
            type=_network,
            action='append',
            default=[],
            metavar='CIDR',
            help='let the service fetch pictures from this network although it is not public: '
            'where robots serve frames themselves (may be given several times)',
        )
        parser.add_argument('--tls-cert', type=Path, metavar='FILE', help='serve HTTPS')
        parser.add_argument('--tls-key', type=Path, metavar='FILE', help='its private key')
        parser.add_argument('--verbose', action='store_true', help='log every request to stderr')
        parser.set_defaults(command=command)


def _keys(commands: Commands, shared: argparse.ArgumentParser) -> None:
    group = commands.add_parser('key', help='API keys: who may ask')
    actions = group.add_subparsers(required=True, metavar='ACTION')
    create = actions.add_parser('create', parents=[shared], help='make a key and print it')
    create.add_argument('--program', metavar='P', help='the program of questions that name none')
    create.add_argument('--heat', action='store_true', help='a key for the Heat API')
    create.add_argument('--test', action='store_true', help='a staging key (test_…)')
    create.set_defaults(command='key_create')
    for name, command, about in (
        ('secret', 'key_secret', "print the secret that signs the key's webhooks"),
        ('rotate', 'key_rotate', 'replace a key by a new one for the same data and print it'),
        ('revoke', 'key_revoke', 'make a key useless'),
    ):
        action = actions.add_parser(name, parents=[shared], help=about)
        action.set_defaults(command=command)
    for action in actions.choices.values():
        action.add_argument('name', metavar='NAME')
    listing = actions.add_parser('list', parents=[shared], help='list all keys')
    listing.set_defaults(command='key_list')


def _programs(commands: Commands, shared: argparse.ArgumentParser) -> None:
    group = commands.add_parser('program', help='programs: standing instructions for operators')
    actions = group.add_subparsers(required=True, metavar='ACTION')
    put = actions.add_parser('set', parents=[shared], help='make or replace a program')
    put.add_argument('name', metavar='NAME')
    put.add_argument(
        '--file',
        type=Path,
        required=True,
        metavar='YAML',
        help='instructions, and optionally label_options and reference_images (URLs or files)',
    )
    put.set_defaults(command='program_set')
    show = actions.add_parser('show', parents=[shared], help='print a program as JSON')
    show.add_argument('name', metavar='NAME')
    show.set_defaults(command='program_show')
    listing = actions.add_parser('list', parents=[shared], help='list all programs')
    listing.set_defaults(command='program_list')


def _sessions(commands: Commands, shared: argparse.ArgumentParser) -> None:
    group = commands.add_parser('session', help='sessions: which browsers are logged in')
    actions = group.add_subparsers(required=True, metavar='ACTION')
    listing = actions.add_parser('list', parents=[shared], help='list all sessions')
    listing.set_defaults(command='session_list')
    revoke = actions.add_parser('revoke', parents=[shared], help='log a browser out, or all')
    which = revoke.add_mutually_exclusive_group(required=True)
    which.add_argument('id', metavar='ID', nargs='?', help='as `session list` shows it')
    which.add_argument('--all', action='store_true', help='log every browser out')
    revoke.set_defaults(command='session_revoke')


def _port(value: str) -> int:
    if not value.isascii() or not value.isdigit() or int(value) > 65_535:
        raise argparse.ArgumentTypeError(f'{value!r} is not a port from 0 to 65535')
    return int(value)


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise argparse.ArgumentTypeError(f'{value!r} is not a number of seconds from 0 to 86400')
    return seconds


def _lease(value: str) -> float:
    seconds = _seconds(value)
    if not 1 <= seconds <= 600:
        raise argparse.ArgumentTypeError(f'{value!r} is not a lease of 1 to 600 seconds')
    return seconds


def _bytes(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 12:
        raise argparse.ArgumentTypeError(f'{value!r} is not a number of bytes')
    return int(value)


def _network(value: str) -> str:
    try:
        return str(read_network(value))
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _images(value: str) -> str:
    try:
        return str(parse_bucket(value)) if value else ''
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _url(value: str) -> str:
    try:
        return expect_url(value, 'the public URL').rstrip('/')
    except WireError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
