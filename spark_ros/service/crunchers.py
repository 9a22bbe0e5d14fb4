# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The names by which Heat's callers know operators ("crunchers").

A name says nothing about the person and is the same every time, so that a caller can exclude
who answered badly (page: "Excluding specific crunchers").
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable

LENGTH = 16
PSEUDONYM = re.compile(f'[0-9a-f]{{{LENGTH}}}')


class Crunchers:
    """Makes pseudonyms.

    Args:
        secret: the service's; without it a pseudonym cannot be traced to an operator.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def pseudonym(self, operator: str) -> str:
        """Return an operator's name for callers."""
        message = f'cruncher\n{operator}'.encode()
        return hmac.new(self._secret, message, hashlib.sha256).hexdigest()[:LENGTH]

    def possible(self, names: Iterable[str]) -> list[str]:
        """Return the names that are valid pseudonyms, each once."""
        return sorted({name for name in names if PSEUDONYM.fullmatch(name)})
