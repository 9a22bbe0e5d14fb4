# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How answers arrive: change feed, webhooks and polling; each of them suffices."""
