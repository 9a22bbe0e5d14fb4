# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Bring `.venv` up to date: real ROS 2 from PyPI, and this package built into it.

Runs under the system's Python with nothing but its standard library. Doing it again costs a
fraction of a second unless something that went into the environment has changed.
"""

import sys

# Before any other import, in syntax that old interpreters can parse: they must see this line
# and not a SyntaxError.
if not (3, 10) <= sys.version_info[:2] <= (3, 14):
    sys.exit(
        'spark_ros: Python ' + '.'.join(map(str, sys.version_info[:2])) + ' cannot be used: ROS 2 '
        'from PyPI needs Python 3.10 to 3.14. Choose one with make PYTHON=python3.12'
    )

import argparse

import environment
import host
import workspace
from steps import Failure, Paths, exclusive


def main() -> int:
    """Check the host, then bring the environment and the build up to date."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--distro', default='jazzy', help='ROS 2 distribution (default: jazzy)')
    parser.add_argument(
        '--for', dest='purpose', choices=['tests'], help='add what only tests and checks need')
    arguments = parser.parse_args()
    paths, for_tests = Paths.of_this_checkout(), arguments.purpose == 'tests'
    try:
        # Without the lock: with nothing to do, there is nothing to wait for either.
        if (
            environment.is_current(paths, arguments.distro)
            and (not for_tests or environment.is_ready_for_tests(paths))
            and workspace.is_current(paths)
        ):
            return 0
        with exclusive(paths):
            if not environment.is_current(paths, arguments.distro):
                host.check()
                environment.install(paths, arguments.distro)
            if for_tests and not environment.is_ready_for_tests(paths):
                environment.install_for_tests(paths)
            if not workspace.is_current(paths):
                host.check()
                workspace.build(paths)
    except Failure as failure:
        print(f'spark_ros: {failure}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print('spark_ros: interrupted; the next run starts this step again', file=sys.stderr)
        return 130
    return 0


if __name__ == '__main__':
    sys.exit(main())
