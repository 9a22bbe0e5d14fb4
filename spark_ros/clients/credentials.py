# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where a token comes from: a file that only its owner can read, or the environment."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping

OTHERS = stat.S_IRGRP | stat.S_IWGRP | stat.S_IROTH | stat.S_IWOTH
LONGEST_FILE = 8192


class CredentialError(ValueError):
    """There is no usable token; the message says why and never holds one."""


def read_secret_file(path: str | os.PathLike[str]) -> str:
    """Return a file's one secret, without the white space around it.

    Raises:
        CredentialError: the file cannot be read, others can read or write it, or it does not
            hold one word.
    """
    name = os.fspath(path)
    mode, text, failure = 0, b'', ''
    try:
        with open(os.path.expanduser(name), 'rb') as file:
            mode = os.fstat(file.fileno()).st_mode
            if not mode & OTHERS:
                text = file.read(LONGEST_FILE)
    except OSError as error:
        failure = error.strerror or type(error).__name__
    if failure:
        raise CredentialError(f'{name}: {failure}')
    if mode & OTHERS:
        raise CredentialError(
            f'{name} has mode {stat.S_IMODE(mode):04o}, so that others can read or change it; '
            f'run: chmod 600 {name}'
        )
    secret = text.strip()
    if not secret or not secret.isascii() or len(secret.split()) != 1:
        raise CredentialError(f'{name} must hold the secret alone: one word of ASCII')
    return secret.decode('ascii')


def find_token(
    token_file: str | os.PathLike[str] | None,
    variable: str,
    environment: Mapping[str, str] = os.environ,
) -> str:
    """Return the token of the file if there is one to read, else of an environment variable.

    Raises:
        CredentialError: neither is there, or the file cannot be used.
    """
    if token_file:
        return read_secret_file(token_file)
    token = environment.get(variable, '').strip()
    if not token:
        raise CredentialError(f'there is no token: set {variable}, or name a token file')
    return token
