# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Images and videos: recognised by their bytes, kept on a disk or in a bucket."""
