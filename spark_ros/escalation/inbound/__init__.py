# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What others may ask of the robot over HTTP, where it can be reached."""
