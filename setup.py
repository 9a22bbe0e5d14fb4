# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""`pip install .`, for machines without ROS: the clients, the service and their command lines.

On a robot colcon builds the package from CMakeLists.txt, which alone can generate the messages.
"""

from setuptools import setup

setup()
