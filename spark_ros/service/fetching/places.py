# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""How many fetches run at once, so that a host or a caller that stalls slows only itself."""

from __future__ import annotations

from collections import Counter

MOST = 16
PER_TENANT = 4
PER_HOST = 2


class Places:
    """Counts what runs for each tenant and to each host."""

    def __init__(self) -> None:
        self._tenants: Counter[str] = Counter()
        self._hosts: Counter[str] = Counter()

    @property
    def free(self) -> int:
        """How many more may run, if their tenants and hosts have room."""
        return MOST - self._tenants.total()

    def take(self, tenant: str, host: str) -> bool:
        """Take a place; False when there is none for this tenant or host."""
        if self.free <= 0 or tenant in self.full_tenants() or host in self.full_hosts():
            return False
        self._tenants[tenant] += 1
        self._hosts[host] += 1
        return True

    def give_back(self, tenant: str, host: str) -> None:
        """Give a place back."""
        self._tenants -= Counter([tenant])
        self._hosts -= Counter([host])

    def full_tenants(self) -> list[str]:
        """Return the tenants that have no room now."""
        return [tenant for tenant, count in self._tenants.items() if count >= PER_TENANT]

    def full_hosts(self) -> list[str]:
        """Return the hosts that have no room now."""
        return [host for host, count in self._hosts.items() if count >= PER_HOST]
