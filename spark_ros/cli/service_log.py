# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The log of `spark-service` on stderr: as text, or as one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
import time

TEXT = '%(levelname)s %(name)s: %(message)s'


class JsonFormatter(logging.Formatter):
    """Writes a record as one line of JSON in ASCII.

    It has `time` (UTC, ISO 8601), `level`, `logger` and `message`, the fields of a question's step
    (`wire.step_log`), and `exception` with a traceback.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        seconds = time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(record.created))
        said = {
            'time': f'{seconds}.{int(record.msecs):03d}Z',
            'level': record.levelname,
            'logger': record.name,
            'message': record.getMessage(),
            **getattr(record, 'fields', {}),
        }
        if record.exc_info:
            said['exception'] = self.formatException(record.exc_info)
        return json.dumps(said)


def set_up_log(form: str, verbose: bool) -> None:
    """Log warnings to stderr, the steps of questions, and if `verbose` every request.

    Args:
        form: `text` or `json`.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if form == 'json' else logging.Formatter(TEXT))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    logging.getLogger('spark_ros').setLevel(logging.INFO if verbose else logging.WARNING)
    logging.getLogger('spark_ros.service.questions').setLevel(logging.INFO)
    # What no line here shows; it would be looked up for each step of each question.
    logging._srcfile = None
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
