# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What `spark-service try` adds to `serve`: a key that it keeps, and lines to paste."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from shlex import quote

from spark_ros.service.context import Context
from spark_ros.service.storage import keys
from spark_ros.service.storage.store import Transaction

KEY = 'try'
INSTRUCTIONS = 'Is the path free?'


def announce(service: Context, address: str) -> None:
    """Say where the service's key is, and how to ask with it."""
    _, made = kept_key(service)
    file = quote(str(_key_file(service).absolute()))
    spark = 'spark' if shutil.which('spark') else quote(str(Path(sys.executable).parent / 'spark'))
    picture = f'{address}/docs/example.png'
    body = {'content_location': [picture], 'instructions': INSTRUCTIONS}
    print(f'{"made a new key" if made else "the key is"} in {file}; in another terminal:')
    print(f'  export SPARK_URL={quote(address)} SPARK_TOKEN="$(cat {file})"')
    print(f'  {spark} ask {quote(picture)} --instructions {quote(INSTRUCTIONS)} --wait')
    # By a pipe: what stands on a command line, every user of the machine can read.
    print(
        f"  sed 's/^/Authorization: Bearer /' {file} | curl -H @- {quote(address)}/v1/engagement "
        f"-H 'Content-Type: application/json' -d {quote(json.dumps(body))}",
        flush=True,
    )


def kept_key(service: Context) -> tuple[str, bool]:
    """Return the key in the data directory, and whether it had to be made.

    Raises:
        OSError: its file cannot be read or written.
    """
    file = _key_file(service)
    try:
        kept = file.read_text('ascii', errors='replace').strip()
    except FileNotFoundError:
        kept = ''
    if service.store.read_now(lambda connection: keys.find(connection, kept)) is not None:
        return kept, False

    def make(transaction: Transaction) -> str:
        if keys.exists(transaction.connection, KEY):
            return keys.rotate(transaction, KEY)
        return keys.create(transaction, KEY, service.clock())

    key = service.store.write_now(make)
    fresh = file.with_suffix('.new')
    fresh.unlink(missing_ok=True)
    fresh.touch(0o600)
    fresh.write_text(f'{key}\n')
    fresh.replace(file)
    return key, True


def _key_file(service: Context) -> Path:
    return service.settings.data / 'try.key'
