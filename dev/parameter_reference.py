# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Write the reference of all parameters, docs/parameters.md.

Run it after changing them: `make docs`, or `.venv/bin/python dev/parameter_reference.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from spark_ros.ros.config import CAMERA, NODE
from spark_ros.ros.declaring import Spec
from spark_ros.ros.workarounds.parameter_types import ARRAYS

PAGE = Path(__file__).resolve().parents[1] / 'docs' / 'parameters.md'
# Made from the machine's name and folders, which do not belong into a document.
COMPUTED = {'journal.path': '`$ROS_HOME/spark_ros/<robot_id>_<node>.db`, else below `~/.ros`'}
HEAD = """\
<!-- Written by `make docs` from spark_ros/ros/config.py; edit that. -->
# Parameters

Every parameter of `spark_node`. [config/spark.yaml](../config/spark.yaml) has all of them with
their defaults. Copy it and keep only the lines that you change.

You can change **live** parameters while the node runs, with `ros2 param set` or any parameter
client. The others are read-only.

The node refuses a wrong value with the parameter's name and the reason. At the start it then
exits; while it runs, nothing changes. Parameters that are set together (with the service
`~/set_parameters_atomically`) are checked as a whole, and all of them are applied or none.
Parameters that are set one by one, as `ros2 param set` and `ros2 param load` do, are checked and
applied one by one. Questions that were asked already stay as they are.

You may write a whole number for a double, and `[]` for any empty list.
"""
CAMERAS = """\
Each name in `cameras` has this block: for a camera called `front`, `<camera>.ask_below` is
`front.ask_below`.
"""


def reference() -> str:
    """Return the document, as Markdown."""
    return '\n'.join(
        [
            HEAD,
            '## The node\n',
            *table(NODE, ''),
            '\n## Each camera\n',
            CAMERAS,
            *table(CAMERA, '<camera>.'),
            '',
        ]
    )


def table(specs: Sequence[Spec], prefix: str) -> list[str]:
    """Return the lines of a table of parameters."""
    rows = [
        f'| `{prefix}{spec.name}` | {_kind(spec)} | {_default(spec)} | '
        f'{"live" if spec.live else "read-only"} | {_escaped(spec.meaning)} |'
        for spec in specs
    ]
    return ['| name | type | default | change | meaning |', '|---|---|---|---|---|', *rows]


def _kind(spec: Spec) -> str:
    if spec.choices and spec.type not in ARRAYS:
        return ' or '.join(f'`{choice}`' for choice in spec.choices)
    return ', '.join(filter(None, [spec.kind, spec.constraints]))


def _default(spec: Spec) -> str:
    if spec.name in COMPUTED:
        return COMPUTED[spec.name]
    if spec.default == '' or spec.default == []:
        return 'empty'
    if spec.type in ARRAYS:
        return '`[' + ', '.join(str(item) for item in spec.default) + ']`'
    if isinstance(spec.default, bool):
        return f'`{str(spec.default).lower()}`'
    if isinstance(spec.default, float):
        return f'`{spec.default:.15g}`' if spec.default % 1 else f'`{spec.default:.1f}`'
    return f'`{spec.default}`'


def _escaped(text: str) -> str:
    return text.replace('|', '\\|').replace('<', '&lt;').replace('>', '&gt;')


if __name__ == '__main__':
    from steps import write_if_changed

    write_if_changed(PAGE, reference())
