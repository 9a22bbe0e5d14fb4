# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Build the site of docs/ into build/docs/html; any warning is an error.

Run by `make docs` under the Python of `.venv`, whose packages the API reference imports. Sphinx
and what it needs lie in a folder of their own, before .venv's on the path: colcon has a docutils
that Sphinx does not take.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from steps import Failure, Paths, announced, clean_environ, fingerprint, run, say, stamped


def main() -> int:
    """Install what builds the site, if it is not there, and build it."""
    paths = Paths.of_this_checkout()
    packages = paths.build / 'docs' / 'packages'
    site = paths.build / 'docs' / 'html'
    try:
        _install(paths, packages)
        # From nothing: Sphinx does not warn again about a page that has not changed.
        shutil.rmtree(site, ignore_errors=True)
        with announced('building the site'):
            _require(
                paths,
                [paths.python, '-m', 'sphinx', '--builder', 'html', '--fresh-env', '--nitpicky',
                 '--fail-on-warning', '--keep-going', '--quiet', '--doctree-dir',
                 paths.build / 'docs' / 'doctrees', paths.root / 'docs', site],
                PYTHONPATH=str(packages),
            )  # fmt: skip
    except Failure as failure:
        print(f'spark_ros: {failure}', file=sys.stderr)
        return 1
    say(f'{site.relative_to(paths.root)}/index.html')
    return 0


def _install(paths: Paths, packages: Path) -> None:
    requirements = paths.dev / 'requirements' / 'docs.txt'
    stamp, expected = packages / '.stamp', fingerprint(requirements, sys.version)
    if stamped(stamp, expected):
        return
    shutil.rmtree(packages, ignore_errors=True)
    with announced('installing what builds the site from PyPI'):
        _require(
            paths,
            [paths.python, '-m', 'pip', 'install', '--no-input', '--disable-pip-version-check',
             '--retries', '3', '--progress-bar', 'off', '--no-compile', '--no-deps',
             '--target', packages, '--requirement', requirements],
        )  # fmt: skip
    stamp.write_text(expected)


def _require(paths: Paths, command: list[str | Path], **environ: str) -> None:
    output = run(paths, command, clean_environ(**environ))
    if output is not None:
        raise Failure(f'{command[2]} failed:\n{output}')


if __name__ == '__main__':
    sys.exit(main())
