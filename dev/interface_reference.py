# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Write what the comments of msg/, srv/ and action/ say into docs/interfaces.md.

Run it after changing them: `make docs`, or `.venv/bin/python dev/interface_reference.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / 'docs' / 'interfaces.md'
BLOCK = re.compile(r'(<!-- interface: (\S+) -->\n).*?(<!-- end -->)', re.DOTALL)
PARTS = {
    '.msg': ('',),
    '.srv': ('Request', 'Response'),
    '.action': ('Goal', 'Result', 'Feedback'),
}
# `type name`, or `type NAME=value`, and what is said behind it.
ITEM = re.compile(r'(?P<type>\S+)\s+(?P<name>\w+)(?:=(?P<value>\S+))?\s*(?:#\s*(?P<said>.*))?')


@dataclass(frozen=True)
class Item:
    """A field, or a constant with a value, and what the comments above and behind it say."""

    type: str
    name: str
    value: str | None
    above: str
    behind: str


def rewritten(page: str, root: Path = ROOT) -> str:
    """Return the page with every block as the interface files have it now."""
    return BLOCK.sub(lambda found: found[1] + described(root / found[2]) + found[3], page)


def described(file: Path) -> str:
    """Return an interface file as Markdown: what it is, then a table for each of its parts."""
    text = file.read_text('utf-8')
    _, _, rest = text.partition('\n#\n')
    about, _, body = rest.partition('\n\n')
    lines = [_plain(about), '']
    for title, part in zip(PARTS[file.suffix], re.split(r'^---$', body, flags=re.M), strict=True):
        lines += [f'**{title}**', ''] if title else []
        lines += [*_table(items(part)), '']
    return '\n'.join(lines)


def items(text: str) -> list[Item]:
    """Read the fields and constants of one part; a comment above belongs to what follows it.

    Raises:
        ValueError: a line is none of comment, field and constant.
    """
    found: list[Item] = []
    above: list[str] = []
    for line in text.splitlines():
        if line.startswith('#'):
            above.append(line.lstrip('# '))
        elif line.strip():
            match = ITEM.fullmatch(line.strip())
            if match is None:
                raise ValueError(f'{line!r} cannot be read')
            found.append(
                Item(*match.group('type', 'name', 'value'), ' '.join(above), match['said'] or '')
            )
            above = []
    return found


def _table(found: list[Item]) -> list[str]:
    rows = ['| name | type | meaning |', '|---|---|---|']
    for item in found:
        if item.above and item.behind:
            # Said of it and of those that follow.
            rows.append(f'| | | *{_escaped(item.above)}* |')
        said = _escaped(item.behind or item.above) or 'as above'
        rows.append(f'| {_name(item)} | `{item.type}` | {said} |')
    return rows


def _name(item: Item) -> str:
    return f'`{item.name}`' if item.value is None else f'`{item.name}` = {item.value}'


def _plain(comment: str) -> str:
    return _escaped(' '.join(line.lstrip('# ') for line in comment.splitlines()))


def _escaped(text: str) -> str:
    return re.sub(r'([*|<>\[\]])', r'\\\1', text)


if __name__ == '__main__':
    from steps import write_if_changed

    write_if_changed(PAGE, rewritten(PAGE.read_text('utf-8')))
