# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Messages for a library that is missing or cannot be loaded."""

from __future__ import annotations

INSTALL = {
    'cv2': "pip install 'opencv-python<5'; where libGL is missing: apt install libgl1",
    'httpx': 'pip install httpx',
    'numpy': 'pip install numpy',
}
SERVICE = "pip install '.[service]' in the folder of spark_ros"


def missing_library(error: ImportError) -> str:
    """Return a line that says what cannot be imported and how to install it.

    Raises:
        ImportError: what cannot be imported is our own, which is a mistake of ours.
    """
    name = (error.name or '').partition('.')[0]
    if name == 'spark_ros':
        raise error
    reason = str(error).partition('\n')[0]
    return f'{name or "a library"} cannot be imported: {reason}; {INSTALL.get(name, SERVICE)}'
