# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The console's modules that need no browser, by the test runner of Node.js."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TESTS = sorted((Path(__file__).parent / 'modules').glob('*.test.mjs'))
OLDEST = (18, 19)


def test_modules():
    node = shutil.which('node')
    version = node_version(node) if node else (0, 0)
    if version < OLDEST:
        reason = 'THE CONSOLE IS TESTED IN PART: it needs Node.js 18.19 or later'
        if os.environ.get('CI'):
            pytest.fail(reason)
        pytest.skip(reason)
    assert TESTS
    # That a file ending in .js is a module, newer versions find out for themselves.
    modules = ['--experimental-default-type=module'] if version < (22, 7) else []
    command = [node, *modules, '--test', *TESTS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r'^. tests [1-9]', done.stdout, re.MULTILINE), done.stdout


def node_version(node):
    printed = subprocess.run([node, '--version'], capture_output=True, text=True, check=True)
    major, minor = re.findall(r'\d+', printed.stdout)[:2]
    return int(major), int(minor)
