# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""The demo: photographs replayed as a camera, an OpenCV detector, scores and pictures.

`warehouse/` is its other scene, a simulated hall.
"""
