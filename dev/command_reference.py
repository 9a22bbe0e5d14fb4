# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Write the options of the `spark` command into docs/command-line.md.

From the parsers themselves rather than from argparse's own help, whose layout is another one in
each version of Python. Run it after changing them: `.venv/bin/python dev/command_reference.py`.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

SHARED = 'the service'
PAGE = Path(__file__).resolve().parents[1] / 'docs' / 'command-line.md'
BLOCK = re.compile(r'(<!-- options of: ([a-z]+) -->\n).*?(<!-- end -->)', re.DOTALL)
EPILOG = re.compile(r'(<!-- notes of: ([a-z]+) -->\n).*?(<!-- end -->)', re.DOTALL)


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Return the parser of each command, and the whole one under its own name."""
    found = {parser.prog: parser}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= action.choices
    return found


def options_table(parser: argparse.ArgumentParser) -> str:
    """Return a command's arguments as a table in Markdown."""
    rows = [f'| {_code(_written(action))} | {_help(action)} |' for action in _described(parser)]
    return '\n'.join(['| | |', '|---|---|', *rows, ''])


def notes(parser: argparse.ArgumentParser) -> str:
    """Return what stands below a command's options, as it stands there."""
    return f'```text\n{parser.epilog or ""}```\n'


def rewritten(page: str, parser: argparse.ArgumentParser) -> str:
    """Return the page with every block as the parsers have it now.

    Raises:
        KeyError: the page names a command that there is not.
    """
    found = commands(parser)
    page = BLOCK.sub(lambda match: match[1] + options_table(found[match[2]]) + match[3], page)
    return EPILOG.sub(lambda match: match[1] + notes(found[match[2]]) + match[3], page)


def _described(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return what is to be told, the command's own first."""
    shared = [
        action
        for group in parser._action_groups
        if group.title == SHARED
        for action in group._group_actions
    ]
    told = [
        action
        for action in parser._actions
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction)
    ]
    return sorted(told, key=lambda action: (action in shared, bool(action.option_strings)))


def _written(action: argparse.Action) -> str:
    value = str(action.metavar or '')
    if action.choices and not value:
        value = '{' + ','.join(map(str, action.choices)) + '}'
    if not action.option_strings:
        return {'*': f'[{value} …]', '+': f'{value} …'}.get(str(action.nargs), value)
    names = ', '.join(action.option_strings)
    return names if action.nargs == 0 else f'{names} {value}'


def _help(action: argparse.Action) -> str:
    return (action.help or '').replace('|', r'\|')


def _code(text: str) -> str:
    return '`' + text.replace('|', r'\|') + '`'


if __name__ == '__main__':
    from steps import write_if_changed

    from spark_ros.cli.spark_arguments import parser

    write_if_changed(PAGE, rewritten(PAGE.read_text('utf-8'), parser()))
