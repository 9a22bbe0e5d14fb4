# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The command line of `spark-service`, as argparse has it."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, TypeAlias

import spark_ros
from spark_ros.cli.argument_types import checked, number, whole
from spark_ros.cli.service_notify import NOTIFYING
from spark_ros.service.media.bucket_images import parse_bucket
from spark_ros.service.pushes.public_addresses import read_network
from spark_ros.service.settings import default_data_directory
from spark_ros.service.storage.keys import HIGHEST_PRIORITY
from spark_ros.wire.spark import METADATA_LIMIT
from spark_ros.wire.values import expect_text, expect_url, parse_time

Commands: TypeAlias = 'argparse._SubParsersAction[argparse.ArgumentParser]'

EXAMPLES = """\
examples:
  spark-service try                                     a service to try, with a key
  spark-service key create robot-7 --program crates     prints the new key and nothing else
  spark-service program set crates --file crates.yaml
  spark-service serve --port 8080 --operator scripted
  spark-service backup /backup/spark                    later runs copy only new images
  spark-service forget --robot arm-3 --yes              deletes its questions and images
"""
NETWORK = {
    'type': checked(lambda text: str(read_network(text))),
    'action': 'append', 'default': [], 'metavar': 'CIDR',
}  # fmt: skip
RATE: dict[str, Any] = {
    'type': whole(1_000_000, 'a number of requests a minute'), 'metavar': 'N',
    'help': 'questions and uploads a minute; more are answered 429; 0 for no limit',
}  # fmt: skip
# As long as the log of changes is kept, and a login lasts.
LOG_DAYS = 7
# As long as in a request.
PROGRAM = checked(lambda text: expect_text(text, 'the name of a program', 500))
SERVING: dict[str, dict[str, Any]] = {
    '--host': {'default': '127.0.0.1', 'help': 'the address to listen on (default: %(default)s)'},
    '--port': {
        'type': whole(65_535, 'a port from 0 to 65535'), 'default': 8080,
        'help': 'the port to listen on; 0 takes a free one (default: %(default)s)',
    },
    '--public-url': {
        'type': checked(lambda text: expect_url(text, 'the public URL').rstrip('/')),
        'metavar': 'URL', 'help': 'the URL that clients use, if a proxy is in front',
    },
    '--operator': {
        'default': '', 'metavar': 'scripted[:TRUTH.json]',
        'help': 'let a script answer: correct boxes towards the true ones in the file, or confirm',
    },
    '--operator-delay': {
        'type': number(0, 86_400, 'a number of seconds from 0 to 86400'),
        'default': 0.0, 'metavar': 'SECONDS',
        'help': 'how long the scripted operator waits before each answer (default: %(default)s)',
    },
    '--lease': {
        'type': number(1, 600, 'a lease of 1 to 600 seconds'),
        'default': 30.0, 'metavar': 'SECONDS',
        'help': 'how long a question stays with an operator whose browser is gone (default: 30)',
    },
    '--keep-days': {
        'type': number(1, 36_500, 'a number of days from 1 to 36500'), 'metavar': 'N',
        'help': 'delete questions N days after they ended, and images that no other question '
        'names (default: nothing is deleted)',
    },
    '--allow-net': {
        **NETWORK,
        'help': 'allow webhooks to this network although it is not public, for instance '
        '192.168.7.0/24 (may be repeated)',
    },
    '--metadata-limit': {
        'type': whole(10**12 - 1, 'a number of bytes'),
        'default': METADATA_LIMIT, 'metavar': 'BYTES',
        'help': 'largest metadata of a question or of one of its priors, as JSON '
        '(default: %(default)s)',
    },
    '--allow-fetch-net': {
        **NETWORK,
        'help': 'allow fetching pictures from this network although it is not public, for robots '
        'that serve their own frames (may be repeated)',
    },
    **NOTIFYING,
    '--tls-cert': {'type': Path, 'metavar': 'FILE', 'help': 'certificate, to serve HTTPS'},
    '--tls-key': {'type': Path, 'metavar': 'FILE', 'help': 'private key of the certificate'},
    '--metrics-port': {
        'type': whole(65_535, 'a port from 1 to 65535', least=1), 'metavar': 'PORT',
        'help': 'serve /metrics (Prometheus) and /readyz on this port, without keys '
        '(default: off)',
    },
    '--metrics-host': {
        'default': '127.0.0.1', 'metavar': 'HOST',
        'help': 'the address of the metrics (default: %(default)s)',
    },
    '--workers': {
        'type': whole(64, 'a number of processes from 1 to 64', least=1),
        'default': 1, 'metavar': 'N',
        'help': 'how many processes serve; more than one needs PostgreSQL (default: %(default)s)',
    },
    '--max-connections': {
        'type': whole(1_000_000, 'a number of connections from 1 to 1000000', least=1),
        'metavar': 'N',
        'help': 'how many connections a process may have: one for each robot, and some (default: '
        '2048)',
    },
    '--log-format': {
        'choices': ['text', 'json'], 'default': 'text',
        'help': 'how the log is written to stderr: as text, or one JSON object a line',
    },
    '--verbose': {'action': 'store_true', 'help': 'log every request to stderr'},
}  # fmt: skip


def service_parser() -> argparse.ArgumentParser:
    """Return the parser; `command`, and `action` where it has some, say what was chosen."""
    parser = argparse.ArgumentParser(
        prog='spark-service',
        description='The resolution service: people answer the questions of robots.',
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    version = f'%(prog)s {spark_ros.__version__}'
    parser.add_argument('--version', action='version', version=version)
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    _serving(commands)
    _keys(_group(commands, 'key', 'manage API keys: who may ask'))
    _programs(_group(commands, 'program', 'manage programs: standing instructions for operators'))
    _sessions(_group(commands, 'session', 'manage sessions: which browsers are logged in'))
    _command(
        _group(commands, 'correction', 'what operators found wrong in their answers later'),
        'list', 'print each note as a JSON object in a line',
    )  # fmt: skip
    _command(
        _group(commands, 'check', 'what other operators said to questions that were answered'),
        'list', 'print each second opinion and known answer as a JSON object in a line',
    )  # fmt: skip
    _truth(_group(commands, 'truth', 'manage known answers: questions to check operators with'))
    _operators(commands)
    _command(commands, 'login-link', 'print a new console login link of a running service')
    backup = _command(
        commands, 'backup',
        'copy the database and the new images into a directory, while the service runs',
    )  # fmt: skip
    backup.add_argument(
        'target', type=Path, metavar='TARGET', help='the directory; created with mode 0700'
    )
    _database(_group(commands, 'database', "manage the database's version"))
    _forget(commands)
    return parser


def _group(commands: Commands, name: str, about: str) -> Commands:
    group = commands.add_parser(name, help=about)
    return group.add_subparsers(dest='action', required=True, metavar='ACTION')


def _command(
    commands: Commands, name: str, about: str, description: str | None = None
) -> argparse.ArgumentParser:
    parser = commands.add_parser(name, help=about, description=description)
    parser.add_argument(
        '--data', type=Path, default=default_data_directory(), metavar='DIR',
        help='where the database and the images are (default: %(default)s)',
    )  # fmt: skip
    parser.add_argument(
        '--database', default=os.environ.get('SPARK_SERVICE_DATABASE', ''), metavar='URL',
        help='SQLAlchemy URL of the database (default: SPARK_SERVICE_DATABASE, else SQLite in '
        'DIR)',
    )  # fmt: skip
    parser.add_argument(
        '--images', type=checked(lambda text: str(parse_bucket(text)) if text else ''),
        default=os.environ.get('SPARK_SERVICE_IMAGES', ''), metavar='URL',
        help='s3://BUCKET/PREFIX (default: SPARK_SERVICE_IMAGES, else a directory in DIR); set '
        'the store and the credentials by AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID and so on',
    )  # fmt: skip
    return parser


def _serving(commands: Commands) -> None:
    for name, about in (
        ('serve', 'run the service; prints its address and a console login link'),
        ('try', 'as serve, with a key in DIR/try.key; also prints commands to ask with'),
    ):
        parser = _command(commands, name, about, about)
        for option, settings in SERVING.items():
            parser.add_argument(option, **settings)


def _operators(commands: Commands) -> None:
    operators = _command(
        commands, 'operators', 'how fast and how well each operator answers',
        'Show how many questions each operator answered, flagged and skipped, the median of the '
        'seconds from claim to answer, how many known answers they gave, and how often second '
        'opinions agreed, with intervals that hold the true value 95 times in 100. Those whose '
        'answers are worse than the others by more than chance come first. Each login counts as '
        'an operator.',
    )  # fmt: skip
    operators.add_argument(
        '--days', type=whole(LOG_DAYS, f'a number of days from 1 to {LOG_DAYS}', least=1),
        default=LOG_DAYS, metavar='N', help='only the last N days (default: %(default)s)',
    )  # fmt: skip
    operators.add_argument(
        '--program', type=PROGRAM, metavar='P', help='only questions of this program'
    )
    operators.add_argument(
        '--json', action='store_true', help='print each as a JSON object in a line'
    )


def _forget(commands: Commands) -> None:
    forget = _command(
        commands, 'forget', 'delete questions for good, with their answers and images',
        'Delete questions with their answers, and the images that no other question names. All '
        'that is given must apply. Without --yes, only tell what would be deleted. The service '
        'may run. Backups are not touched.',
    )  # fmt: skip
    forget.add_argument(
        '--key', metavar='NAME',
        help='questions of this key, open ones, too, and its uploads; the key itself stays',
    )  # fmt: skip
    forget.add_argument(
        '--robot', metavar='ID', help='questions of the robot of this id, open ones, too'
    )
    forget.add_argument(
        '--before', type=checked(_time), metavar='DATE',
        help='only questions that ended before this day or time, such as 2026-03-01 or '
        '2026-03-01T12:00:00Z (UTC), and uploads that were never asked about',
    )  # fmt: skip
    forget.add_argument('--yes', action='store_true', help='delete it')


def _database(actions: Commands) -> None:
    _command(actions, 'version', 'print which version the database has, and which is needed')
    _command(
        actions, 'upgrade', 'bring the database to the version that this program needs',
        'Bring the database to the version that this program needs, in one transaction. Stop the '
        'service first. An SQLite database is copied first, to a file beside it; of another, '
        'make a backup.',
    )  # fmt: skip


def _time(text: str) -> float:
    found = parse_time(text)
    if found is None:
        raise ValueError(f'{text!r} is not a day such as 2026-03-01, or a time')
    return found


def _keys(actions: Commands) -> None:
    create = _command(actions, 'create', 'create a key and print it')
    create.add_argument(
        '--program', type=PROGRAM, metavar='P', help='the program for questions that name none'
    )
    create.add_argument('--heat', action='store_true', help='a key for the Heat API')
    create.add_argument('--test', action='store_true', help='a staging key (test_…)')
    create.add_argument(
        '--max-priority', type=whole(HIGHEST_PRIORITY, 'a priority, 0 to 255'),
        default=HIGHEST_PRIORITY, metavar='N',
        help='the highest priority of its questions, 0 to 255; default: %(default)s',
    )  # fmt: skip
    create.add_argument('--rate', **RATE)
    rate = _command(actions, 'rate', 'set how much a key may create a minute')
    _command(actions, 'secret', "print the secret that signs the key's webhooks")
    _command(actions, 'rotate', 'replace a key by a new one with the same questions, and print it')
    _command(actions, 'revoke', 'end a key for good')
    for action in actions.choices.values():
        action.add_argument('name', metavar='NAME')
    rate.add_argument('rate', **RATE)
    _command(actions, 'list', 'list all keys')


def _programs(actions: Commands) -> None:
    put = _command(actions, 'set', 'create or replace a program')
    put.add_argument(
        '--file', type=Path, required=True, metavar='YAML',
        help='instructions, and optionally label_options, reference_images (URLs or files), '
        'grace_s, flag_reasons, second_opinion_share, second_opinion_change, '
        'second_opinion_wait and known_answers_share',
    )  # fmt: skip
    _command(actions, 'show', 'print a program as JSON')
    for action in actions.choices.values():
        action.add_argument('name', type=PROGRAM, metavar='NAME')
    _command(actions, 'list', 'list all programs')


def _truth(actions: Commands) -> None:
    for name, about in (
        ('add', 'the answer to a question is right: operators may be shown it again'),
        ('remove', 'it is not shown again; what operators said stays'),
    ):
        action = _command(actions, name, about)
        action.add_argument('token', metavar='TOKEN', help='of an answered question')
    _command(actions, 'list', 'list the questions whose answers are known to be right')


def _sessions(actions: Commands) -> None:
    _command(actions, 'list', 'list all sessions')
    revoke = _command(actions, 'revoke', 'log out one browser, or all')
    which = revoke.add_mutually_exclusive_group(required=True)
    which.add_argument('id', metavar='ID', nargs='?', help='the id that `session list` shows')
    which.add_argument('--all', action='store_true', help='log every browser out')
