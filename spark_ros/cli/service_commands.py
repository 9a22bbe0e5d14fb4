# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The commands of `spark-service`."""

from __future__ import annotations

import argparse
import json
import os
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from spark_ros.cli import service_checks, service_try
from spark_ros.cli.service_arguments import service_parser
from spark_ros.cli.service_forget import forget_command
from spark_ros.cli.service_log import set_up_log
from spark_ros.cli.service_notify import notifications
from spark_ros.cli.service_operators import operators_command
from spark_ros.service.backup import back_up
from spark_ros.service.context import Context, open_context
from spark_ros.service.media.images import record
from spark_ros.service.settings import DAY_S, Settings
from spark_ros.service.spark import programs
from spark_ros.service.spark.programs import ProgramError
from spark_ros.service.storage import corrections, keys, sessions
from spark_ros.service.storage.database_version import NEEDED, expect_needed, stored_version
from spark_ros.service.storage.keys import KeyProblem
from spark_ros.service.storage.store import Store, Transaction
from spark_ros.wire.values import format_time

if TYPE_CHECKING:
    from spark_ros.service.server import Listen


class CommandError(Exception):
    """A command that cannot be carried out; the message tells the user why."""


def run(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return the exit code.

    Raises:
        ImportError: a library that the command needs is missing.
    """
    # The data directory holds secrets: nothing this process makes is for others to read.
    os.umask(0o077)
    options = service_parser().parse_args(arguments)
    set_up_log(getattr(options, 'log_format', 'text'), getattr(options, 'verbose', False))
    try:
        COMMANDS[options.command, getattr(options, 'action', None)](options)
    except (CommandError, KeyProblem, ProgramError, RuntimeError) as error:
        return _fail(str(error))
    except BrokenPipeError:
        return 0
    except OSError as error:
        return _fail(f'{error.filename or options.data}: {error.strerror or error}')
    except SQLAlchemyError as error:
        return _fail(f'the database cannot be used: {error}'.splitlines()[0])
    except KeyboardInterrupt:
        return 130
    return 0


def _settings(options: argparse.Namespace) -> Settings:
    return Settings(options.data, options.database, images=options.images)


def what_to_serve(options: argparse.Namespace) -> tuple[Settings, Listen]:
    """Read the options of `serve`: the settings, and where to listen.

    Raises:
        CommandError: there is no TLS, or nobody can be notified, by what was given.
    """
    # The web server takes a second to import, which the other commands can do without.
    from spark_ros.service.server import Listen
    from spark_ros.service.web.connections import DEFAULT_LIMITS, ConnectionLimits

    if (options.tls_cert is None) != (options.tls_key is None):
        raise CommandError('--tls-cert and --tls-key go together')
    for file in (options.tls_cert, options.tls_key):
        if file is not None and not file.is_file():
            raise CommandError(f'{file}: no such file')
    try:
        notified = notifications(options)
    except ValueError as error:
        raise CommandError(str(error)) from None
    settings = replace(
        _settings(options),
        public_url=options.public_url or '',
        operator=options.operator,
        operator_delay_s=options.operator_delay,
        lease_s=options.lease,
        allow_nets=tuple(options.allow_net),
        keep_s=None if options.keep_days is None else options.keep_days * DAY_S,
        metadata_limit=options.metadata_limit,
        fetch_nets=tuple(options.allow_fetch_net),
        notifications=notified,
    )
    if options.workers > 1 and make_url(settings.database).get_backend_name() == 'sqlite':
        raise CommandError(
            'with SQLite, one process serves; for more, give --database postgresql+psycopg://…'
        )
    return settings, Listen(
        options.host, options.port, options.tls_cert, options.tls_key,
        options.metrics_host, options.metrics_port,
        DEFAULT_LIMITS if options.max_connections is None
        else ConnectionLimits(options.max_connections),
        options.workers,
    )  # fmt: skip


def _opened(options: argparse.Namespace) -> closing[Context]:
    return closing(open_context(_settings(options), time.time))


def _existing(options: argparse.Namespace) -> closing[Store]:
    """Give the database, which must be there; images are not touched."""
    expect_needed(_stored_version(options))
    return closing(Store(_settings(options).database))


def _stored_version(options: argparse.Namespace) -> str:
    version = stored_version(_settings(options).database)
    if version is None:
        place = make_url(options.database) if options.database else options.data
        raise CommandError(f'there is no service data in {place}')
    return version


def _serve(options: argparse.Namespace) -> None:
    # As above.
    from spark_ros.service.server import ServeError, serve

    def announce(service: Context, address: str, link: str) -> None:
        print(f'spark-service: {address}  console (opens once): {link}', flush=True)
        if options.command == 'try':
            service_try.announce(service, address)

    try:
        serve(*what_to_serve(options), announce)
    except ServeError as error:
        raise CommandError(str(error)) from None


def _key_create(options: argparse.Namespace) -> None:
    with _opened(options) as service:
        api = 'heat' if options.heat else 'spark'
        print(service.store.write_now(lambda tx: keys.create(
            tx, options.name, service.clock(),
            program=options.program, api=api, test=options.test,
            max_priority=options.max_priority, rate=options.rate or None,
        )))  # fmt: skip
        if options.program and options.program not in service.store.read_now(programs.list_all):
            print(
                f'note: there is no program {options.program!r} yet; `program set` makes it',
                file=sys.stderr,
            )


def _key_secret(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        key = store.read_now(keys.require, options.name)
        print(key.webhook_secret)


def _key_rotate(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        print(store.write_now(keys.rotate, options.name))


def _key_revoke(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        store.write_now(keys.revoke, options.name, time.time())
        print(f'{options.name}: revoked')


def _key_rate(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        store.write_now(keys.set_rate, options.name, options.rate or None)
        print(f'{options.name}: {_rate_text(options.rate)}')


def _rate_text(rate: int | None) -> str:
    return f'{rate} a minute' if rate else 'no limit'


def _key_list(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        for key in store.read_now(keys.list_all):
            state = 'revoked' if key.revoked else 'test' if key.test else 'active'
            made, program = format_time(key.created), key.program or '-'
            print(f'{key.name}\t{key.api}\t{state}\t{program}\t{made}\t{_rate_text(key.rate)}')


def _program_set(options: argparse.Namespace) -> None:
    try:
        text = options.file.read_text(encoding='utf-8')
    except UnicodeDecodeError:
        raise CommandError(f'{options.file}: not a text file in UTF-8') from None
    try:
        program = programs.parse(text)
        with _opened(options) as service:
            found, saved = programs.import_images(
                program, options.file.parent, service.images.files, service.settings.max_pixels
            )

            def put(transaction: Transaction) -> None:
                for image in saved:
                    record(transaction, image, None, service.clock())
                programs.put(transaction, options.name, found, service.clock())

            service.store.write_now(put)
    except ProgramError as error:
        raise CommandError(f'{options.file}: {error}') from None
    print(f'{options.name}: set')


def _program_show(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        program = store.read_now(programs.find, options.name)
    if program is None:
        raise CommandError(f'there is no program {options.name!r}; `program list` shows them')
    print(json.dumps({'name': options.name, **vars(program)}, indent=2, ensure_ascii=False))


def _program_list(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        for name, program in store.read_now(programs.list_all).items():
            print(f'{name}\t{program.instructions.splitlines()[0]}')


def _correction_list(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        for row in store.read_now(corrections.every):
            print(json.dumps({
                'token': row.token, 'image_index': row.position, 'api': row.api,
                'program': row.program, 'closed': format_time(row.closed),
                'noted': format_time(row.noted), 'note': row.note,
            }))  # fmt: skip


def _on_database(
    work: Callable[[Store, argparse.Namespace], None]
) -> Callable[[argparse.Namespace], None]:
    def run(options: argparse.Namespace) -> None:
        with _existing(options) as store:
            work(store, options)

    return run


def _login_link(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        address = store.read_now(sessions.last_address)
        if address is None or not _answers(address):
            raise CommandError(f'no service runs on {options.data}; start it with `serve`')
        print(store.write_now(lambda tx: sessions.make_link(tx, address, time.time())))


def _session_list(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        now = time.time()
        for each in store.read_now(sessions.list_all, now):
            times = (format_time(at) for at in (each.created, each.seen, each.expires))
            print(each.id, *times, sep='\t')


def _session_revoke(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        ended = store.write_now(
            lambda tx: sessions.end(tx, None if options.all else options.id)
        )
        if not ended and not options.all:
            raise CommandError(f'there is no session {options.id!r}; `session list` shows them')
        print(f'{ended} revoked' if options.all else f'{options.id}: revoked')


def _backup(options: argparse.Namespace) -> None:
    back_up(_settings(options), options.target, lambda line: print(line, flush=True))


def _forget(options: argparse.Namespace) -> None:
    with _existing(options) as store:
        forget_command(store, _settings(options), options)


def _database_version(options: argparse.Namespace) -> None:
    print(f'database: {_stored_version(options)}\nneeded by this program: {NEEDED}')


def _database_upgrade(options: argparse.Namespace) -> None:
    # Alembic takes long to import, too.
    from spark_ros.service.upgrade import upgrade

    _stored_version(options)
    upgrade(_settings(options), lambda line: print(line, flush=True))


def _answers(address: str) -> bool:
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == 'https' else 80)
    try:
        socket.create_connection((parts.hostname or '', port), timeout=3).close()
    except OSError:
        return False
    return True


def _fail(message: str) -> int:
    print(f'spark-service: {message}', file=sys.stderr)
    return 1


COMMANDS: dict[tuple[str, str | None], Callable[[argparse.Namespace], None]] = {
    ('serve', None): _serve,
    ('try', None): _serve,
    ('key', 'create'): _key_create,
    ('key', 'secret'): _key_secret,
    ('key', 'rotate'): _key_rotate,
    ('key', 'revoke'): _key_revoke,
    ('key', 'list'): _key_list,
    ('key', 'rate'): _key_rate,
    ('program', 'set'): _program_set,
    ('program', 'show'): _program_show,
    ('program', 'list'): _program_list,
    ('correction', 'list'): _correction_list,
    ('check', 'list'): _on_database(service_checks.list_checks),
    ('truth', 'add'): _on_database(service_checks.add_truth),
    ('truth', 'remove'): _on_database(service_checks.remove_truth),
    ('truth', 'list'): _on_database(service_checks.list_truth),
    ('login-link', None): _login_link,
    ('session', 'list'): _session_list,
    ('session', 'revoke'): _session_revoke,
    ('backup', None): _backup,
    ('database', 'version'): _database_version,
    ('database', 'upgrade'): _database_upgrade,
    ('forget', None): _forget,
    ('operators', None): _on_database(operators_command),
}
