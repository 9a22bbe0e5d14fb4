# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""From a frame and its detections to an answer: what is asked, the journal, the service."""
