# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Run at the start of every Python process that a test starts, by a `.pth` file of `.venv`.

The process ends with the one that started it, and neither opens a connection to another machine
nor looks a name up there. What tries is noted in the file that `SPARK_ROS_TESTS_OUTSIDE` names, by
which the test fails, also where the error is caught. pip is exempt.
"""

import ctypes
import os
import signal
import socket
import sys
from ipaddress import ip_address

PR_SET_PDEATHSIG = 1
CONNECTING = {'socket.connect', 'socket.sendto', 'socket.sendmsg'}
LOOKING_UP = {'socket.getaddrinfo', 'socket.gethostbyname', 'socket.gethostbyaddr'}


def watch(event, arguments):
    """Refuse what leads out of this machine; an audit hook."""
    if event in CONNECTING:
        connection, address = arguments
        if connection.family in (socket.AF_INET, socket.AF_INET6) and address:
            host = str(address[0])
            refuse_unless(is_here(host), f'{event} to {host} port {address[1]}')
    elif event in LOOKING_UP:
        host = arguments[0]
        host = host.decode(errors='replace') if isinstance(host, bytes) else host or 'localhost'
        refuse_unless(is_number(host) or is_here(host), f'{event} of {host}')


def is_number(host):
    """Tell whether a host is an address, for which nobody is asked."""
    try:
        ip_address(host.partition('%')[0])
    except ValueError:
        pass
    else:
        return True
    try:
        # What C takes for one, such as 0x7f.1.
        socket.inet_aton(host)
    except OSError:
        return False
    return True


def is_here(host):
    """Tell whether a host is this machine."""
    if not is_number(host):
        return host.rstrip('.').lower() == 'localhost' or host.lower().endswith('.localhost')
    try:
        address = ip_address(host.partition('%')[0])
    except ValueError:
        address = ip_address(socket.inet_aton(host))
    address = getattr(address, 'ipv4_mapped', None) or address
    return address.is_loopback or address.is_unspecified


def refuse_unless(allowed, what):
    """Note and refuse a way out."""
    if not allowed:
        with open(os.environ['SPARK_ROS_TESTS_OUTSIDE'], 'a', encoding='utf-8') as noted:
            noted.write(f'{what}, by {sys.orig_argv}\n')
        raise PermissionError(f'a test may not leave this machine: {what}')


def is_pip():
    """Tell whether this process is pip, or was started by it."""
    return any(os.path.basename(word).startswith(('pip', '__pip')) for word in sys.orig_argv[:4])


if __name__ == '__main__':
    if not is_pip():
        sys.addaudithook(watch)
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
