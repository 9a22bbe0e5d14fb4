# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How answers come home: a change feed, webhooks and polls; each of them suffices."""
