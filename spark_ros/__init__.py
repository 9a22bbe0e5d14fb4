# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Ask a person, from ROS 2, and get the answer back in seconds."""

import pkgutil

__version__ = '0.1.0'

# Two installations of this package may be on the path: colcon's, which alone holds the generated
# `msg` and `action`, and a source tree or a pip installation. Python takes the first it finds;
# with this, submodules are found in all of them, so that neither hides the messages.
__path__ = pkgutil.extend_path(__path__, __name__)
