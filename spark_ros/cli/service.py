# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`spark-service`: run the resolution service, back it up, manage its keys and programs."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from spark_ros.cli.missing import missing_library


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    try:
        # What it needs comes with the extra `service`, which may not be installed.
        from spark_ros.cli.service_commands import run

        return run(arguments)
    except ImportError as error:
        print(f'spark-service: {missing_library(error)}', file=sys.stderr)
        return 1


if __name__ == '__main__':
    sys.exit(main())
