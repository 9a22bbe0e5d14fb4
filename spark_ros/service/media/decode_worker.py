# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The process that decodes images for a service: one at a time, within limits of its own.

A request is a JSON object with the open file beside it, an answer is a JSON object: the fields of
`Format`, the thumbnail in base64, or `status` and `message`; `last` says that this process ends
with it. It ends, too, when the service closes the socket, and is killed when the service ends in
any way.
"""

from __future__ import annotations

import base64
import ctypes
import json
import os
import resource
import signal
import socket
import sys
from dataclasses import asdict
from typing import Any

from spark_ros.service.errors import ApiError
from spark_ros.service.media.decode import decode_image

MEMORY = 700_000_000
# Of resident memory; a process that ever had more gives it back by ending.
MUCH_KB = 200_000
IMAGES = 1000
LONGEST_MESSAGE = 500
LONGEST_REQUEST = 4096
PR_SET_PDEATHSIG = 1
STANDARD_ERROR = 2


def main() -> None:
    """Serve the socket whose descriptor is the only argument."""
    with socket.socket(fileno=int(sys.argv[1])) as channel:
        _limit()
        channel.send(b'{}')
        answered = 0
        while True:
            request, descriptors, _, _ = socket.recv_fds(channel, LONGEST_REQUEST, 1)
            if not request:
                return
            answered += 1
            answer = _answer(descriptors[0], **json.loads(request))
            answer['last'] |= _most_kb() > MUCH_KB or answered == IMAGES
            channel.send(json.dumps(answer).encode())
            if answer['last']:
                return


def _answer(descriptor: int, max_pixels: int, part: str) -> dict[str, Any]:
    try:
        # Not by reading on: where the service's own descriptor stands must not move.
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        found = decode_image(content, max_pixels, part)
    except ApiError as error:
        # A decoder that failed may be in disorder.
        last = error.__cause__ is not None
        return {'status': error.status, 'message': error.message[:LONGEST_MESSAGE], 'last': last}
    finally:
        os.close(descriptor)
    thumbnail = found.thumbnail and base64.b64encode(found.thumbnail).decode('ascii')
    return {**asdict(found), 'thumbnail': thumbnail, 'last': False}


def _most_kb() -> int:
    """Return how much memory this process ever had, in KiB."""
    # Not `ru_maxrss`, which begins with what the service has.
    with open('/proc/self/status', encoding='ascii') as status:
        return next(int(line.split()[1]) for line in status if line.startswith('VmHWM'))


def _limit() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The libraries of the formats tell about broken files there.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, STANDARD_ERROR)
    os.close(nowhere)


if __name__ == '__main__':
    main()
