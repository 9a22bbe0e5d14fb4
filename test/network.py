# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""A network of its own for a test process, with nothing in it but the loopback interface.

Nothing that the tests start can reach beyond this machine then, in whatever language it is
written. It takes root; elsewhere the audit hook of `guard/` is what notices.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import socket
import struct

_CLONE_NEWNET = 0x40000000
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def leave() -> int | None:
    """Move this process, and what it starts from now on, into a new network.

    Returns:
        A descriptor of the network it was in, for `nsenter`; None where that is not allowed.
    """
    before = os.open('/proc/self/ns/net', os.O_RDONLY | os.O_CLOEXEC)
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNET) != 0:
        os.close(before)
        return None
    _start_loopback()
    return before


def outside(command: list[str]) -> list[str]:
    """Return a command as it is run where the network is that the tests were started in.

    For pip alone: what a test installs comes from the package index, by whom the machine trusts.
    """
    network = os.environ.get('SPARK_ROS_TESTS_NETWORK')
    enter = ['nsenter', f'--net={network}', '--'] if network else []
    trusted = os.environ['SPARK_ROS_TESTS_TRUST']
    trust = [f'SSL_CERT_FILE={trusted}'] if trusted else ['-u', 'SSL_CERT_FILE']
    return [*enter, 'env', *trust, *command]


def _start_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack('16sh14x', b'lo', 0)
        flags = struct.unpack('16sh14x', fcntl.ioctl(any_socket, _SIOCGIFFLAGS, asked))[1]
        fcntl.ioctl(any_socket, _SIOCSIFFLAGS, struct.pack('16sh14x', b'lo', flags | _IFF_UP))
