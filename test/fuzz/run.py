# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Fuzz one parser: `python test/fuzz/run.py TARGET [libFuzzer's options]`.

    python test/fuzz/run.py engagement -max_total_time=600

What is found is written to `crash-…` in the working directory; give its name instead of options to
run it again. New inputs are written nowhere: what should stay is put into `corpus/TARGET`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import atheris

HERE = Path(__file__).parent
DICTIONARY = HERE / 'words.txt'


def main() -> None:
    """Run until libFuzzer has enough, or until something is found."""
    name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=['spark_ros']):
        from targets import TARGETS
    target, documented = TARGETS[name]

    def once(data: bytes) -> None:
        try:
            target(data)
        except documented:
            return

    # Given as a directory, they would get company there.
    seeds = ','.join(str(file) for file in sorted((HERE / 'corpus' / name).iterdir()))
    atheris.Setup([name, f'-dict={DICTIONARY}', f'-seed_inputs={seeds}', *options], once)
    atheris.Fuzz()


if __name__ == '__main__':
    main()
