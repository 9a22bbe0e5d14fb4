# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What is compared: the node, and the least that rclpy can do."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from processes import Process

NODE_ARGUMENTS = (
    '--ros-args', '--log-level', 'warn',
    '-p', "journal.path:=''",
    '-p', 'server.url:=http://127.0.0.1:9',
)  # fmt: skip


@dataclass(frozen=True)
class Subject:
    """A program that receives the camera's frames."""

    name: str
    script: str
    arguments: tuple[str, ...] = ()
    variables: tuple[tuple[str, str], ...] = ()

    def start(self, domain: int) -> Process:
        """Start it; it is a context."""
        return Process(self.script, *self.arguments, domain=domain, **dict(self.variables))


NODE = Subject('node', 'node_process.py', NODE_ARGUMENTS)
PLAIN = Subject('bare, plain', 'bare_subscriber.py')
KEEPING = Subject('bare, allocator set', 'bare_subscriber.py', ('--allocator',))
KEEPING_AGAIN = Subject('bare, allocator set, again', 'bare_subscriber.py', ('--allocator',))
RAW = Subject('bare, serialized, ring', 'bare_subscriber.py', ('--allocator', '--raw'))
OTHER = replace(NODE, name='node of the other checkout')


def of_checkout(subject: Subject, checkout: Path) -> Subject:
    """Return a subject with the sources and the script of another checkout."""
    return replace(
        subject,
        script=str(checkout / 'benchmarks' / subject.script),
        variables=(*subject.variables, ('PYTHONPATH', str(checkout))),
    )
