# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""What rclpy does not do, or does at too high a cost: a file each, with its reason.

When the last ROS 2 distribution that needs a file is no longer supported, the file can go.
"""
