# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The `spark` command: ask, list, show and watch from a shell, over either API."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from spark_ros.cli.missing import missing_library
from spark_ros.cli.output import as_json, one_line, terminal
from spark_ros.cli.spark_arguments import APIS, STATES_OF, parser
from spark_ros.cli.spark_export import export
from spark_ros.cli.spark_progress import Count, Progress
from spark_ros.cli.spark_question import AskArguments, read_question
from spark_ros.cli.spark_records import ANSWERED, Record, states_of
from spark_ros.cli.spark_save import save_pictures
from spark_ros.cli.spark_services import (
    Access,
    Service,
    SparkService,
    open_service,
    with_hint,
)
from spark_ros.cli.spark_tables import change_line, page, table
from spark_ros.cli.spark_watch import Timeout, Watch, wait
from spark_ros.clients import (
    AuthenticationError,
    ClientError,
    ConnectionFailed,
    ProtocolError,
)
from spark_ros.clients.credentials import find_token

OK, FAILED, USAGE, UNAUTHORIZED, UNREACHABLE, TIMED_OUT, UNANSWERED = range(7)
INTERRUPTED = 130
CALL_S, UPLOAD_S = 60.0, 300.0
LOCAL = ('calibrate', 'decisions')


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code that --help documents."""
    # What a terminal's encoding lacks is replaced: an answer must not fail on a letter.
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors='replace')  # type: ignore[union-attr]
    arguments = parser().parse_args(argv)
    try:
        code, message = _run(arguments), ''
        sys.stdout.flush()
    except BrokenPipeError:
        # Who reads has seen enough; Python's own flush at the end must not complain either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except AuthenticationError as error:
        code, message = UNAUTHORIZED, with_hint(error, _api(arguments))
    except ConnectionFailed as error:
        code, message = TIMED_OUT if error.timed_out else UNREACHABLE, str(error)
    except ClientError as error:
        code, message = FAILED, str(error)
    except RecursionError:
        code, message = FAILED, 'the service answered with something nested too deeply to show'
    except Timeout as error:
        code, message = TIMED_OUT, str(error)
    except ImportError as error:
        code, message = USAGE, missing_library(error)
    except OSError as error:
        where = f'{error.filename}: ' if error.filename else ''
        code, message = USAGE, f'{where}{error.strerror or error}'
    except ValueError as error:
        code, message = USAGE, str(error)
    except KeyboardInterrupt:
        code, message = INTERRUPTED, '' if arguments.command == 'watch' else 'interrupted'
    if message:
        _warn(message)
    return code


def _run(arguments: argparse.Namespace) -> int:
    if arguments.command in LOCAL:
        return _local(arguments)
    url, api = arguments.url or os.environ.get('SPARK_URL', ''), _api(arguments)
    if not url:
        raise ValueError('no service: give --url or set SPARK_URL')
    asked = None
    if arguments.command == 'ask':
        asked = read_question(arguments, api)
    elif arguments.command == 'list' and arguments.state not in (None, *STATES_OF[api]):
        raise ValueError(
            f'--state {arguments.state} is not a state of {api}: {", ".join(STATES_OF[api])}'
        )
    elif arguments.command == 'export' and api != 'spark':
        raise ValueError(f'export works over the SparkAI API, not over {api}')
    token = find_token(arguments.token_file, 'SPARK_TOKEN')
    deadline_s = CALL_S if asked is None else UPLOAD_S
    access = Access(url, token, arguments.ca_file, deadline_s)
    return asyncio.run(_serve(arguments, api, access, asked))


def _local(arguments: argparse.Namespace) -> int:
    """Run a command that needs no service."""
    # Here, because numpy takes longer to import than all the rest.
    from spark_ros.cli.spark_calibrate import calibrate_logs, summarise

    run = calibrate_logs if arguments.command == 'calibrate' else summarise
    good, plain, lines = run(arguments)
    if arguments.json:
        print(as_json(plain))
    else:
        print('\n'.join(map(one_line, lines)))
    return OK if good else FAILED


def _api(arguments: argparse.Namespace) -> str:
    api: str = arguments.api or os.environ.get('SPARK_API') or APIS[0]
    if api not in APIS:
        raise ValueError(f'SPARK_API is {api!r}; it must be {" or ".join(APIS)}')
    return api


async def _serve(
    arguments: argparse.Namespace, api: str, access: Access, asked: AskArguments | None
) -> int:
    async with open_service(api, access) as service:
        if asked is not None:
            return await _ask(service, asked, arguments)
        elif arguments.command == 'list':
            records = [each async for each in service.listed(arguments.state)]
            _print(records, arguments.json, partial(table, now=time.time()))
        elif arguments.command == 'show':
            records = await _fetch(service, arguments.token)
            _print(records, arguments.json, page)
            if arguments.save:
                for path in await save_pictures(records, arguments.save, access):
                    _warn(f'saved {path}')
        elif arguments.command == 'withdraw':
            await _withdraw(service, arguments)
        elif isinstance(service, SparkService) and arguments.command == 'export':
            return await _export(service, access, arguments)
        else:
            await _watch(service, arguments)
    return OK


async def _export(
    service: SparkService, access: Access, arguments: argparse.Namespace
) -> int:
    count = Count(sys.stderr, quiet=arguments.quiet)

    def warn(words: str) -> None:
        count.clear()
        _warn(words)

    try:
        outcome = await export(service, access, arguments, count.step, warn)
    finally:
        count.clear()
    if arguments.json:
        print(as_json({'folder': str(arguments.folder), **vars(outcome)}))
    else:
        print('\n'.join(map(one_line, str(outcome).splitlines())))
    return FAILED if outcome.lost else OK


async def _ask(service: Service[Any], asked: AskArguments, arguments: argparse.Namespace) -> int:
    token = await service.ask(asked)
    for option, given in (('deadline', asked.deadline_s), ('priority', asked.priority)):
        if given and option not in (service.extensions or ()):
            _warn(f'this service knows no --{option}; the question is asked without')
    if not arguments.wait:
        print(as_json({'token': token}) if arguments.json else one_line(token))
        return OK
    progress = Progress(sys.stderr, quiet=arguments.quiet)
    async with progress.shown(token):
        records = await wait(service, token, arguments.timeout, progress)
    _print(records, arguments.json, page)
    return OK if all(record.state in ANSWERED for record in records) else UNANSWERED


async def _fetch(service: Service[Any], token: str) -> list[Record]:
    records = await service.fetch(token)
    if not records:
        raise ProtocolError('the service knows this token, but returns no question')
    return records


async def _withdraw(service: Service[Any], arguments: argparse.Namespace) -> None:
    records = await _fetch(service, arguments.token)
    if not all(record.over for record in records):
        await service.withdraw(arguments.token)
        records = await _fetch(service, arguments.token)
    if arguments.json:
        print(as_json([record.plain for record in records]))
    else:
        print(one_line(states_of(records)))


async def _watch(service: Service[Any], arguments: argparse.Namespace) -> None:
    def emit(record: Record) -> None:
        if arguments.json:
            print(as_json(record.plain, indent=None), flush=True)
        else:
            print(change_line(record, time.time(), terminal(sys.stdout)), flush=True)

    if sys.stdout.isatty() and sys.stderr.isatty():
        _warn('watching; Ctrl-C ends')
    await Watch(service, arguments.tokens, arguments.robot_id, emit, _warn).run()


def _warn(words: str) -> None:
    print(f'spark: {one_line(words)}', file=sys.stderr, flush=True)


def _print(
    records: Sequence[Record], json_wanted: bool, lay_out: Callable[..., str]
) -> None:
    if json_wanted:
        print(as_json([record.plain for record in records]))
    else:
        print(lay_out(records, shown_on=terminal(sys.stdout)))


if __name__ == '__main__':
    sys.exit(main())
