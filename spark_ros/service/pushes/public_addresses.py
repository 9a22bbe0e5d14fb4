# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Which addresses are of the public internet, and what the others are."""

from __future__ import annotations

from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# IANA's registries of special-purpose addresses: what is not the public internet, in IPv4 …
REFUSED_V4 = tuple((IPv4Network(network), what) for network, what in (
    ('0.0.0.0/8', 'unspecified'),
    ('10.0.0.0/8', 'private'),
    ('100.64.0.0/10', 'carrier-grade NAT'),
    ('127.0.0.0/8', 'loopback'),
    ('169.254.0.0/16', 'link-local'),
    ('172.16.0.0/12', 'private'),
    ('192.0.0.0/24', 'reserved'),
    ('192.0.2.0/24', 'documentation'),
    ('192.88.99.0/24', 'a 6to4 relay'),
    ('192.168.0.0/16', 'private'),
    ('198.18.0.0/15', 'benchmarking'),
    ('198.51.100.0/24', 'documentation'),
    ('203.0.113.0/24', 'documentation'),
    ('224.0.0.0/4', 'multicast'),
    ('240.0.0.0/4', 'reserved'),
))
# … and in IPv6, where besides only 2000::/3 is public.
REFUSED_V6 = tuple((IPv6Network(network), what) for network, what in (
    ('::/128', 'unspecified'),
    ('::1/128', 'loopback'),
    ('::ffff:0:0/96', 'IPv4-mapped'),
    ('::/96', 'IPv4-compatible'),
    ('64:ff9b::/96', 'NAT64'),
    ('64:ff9b:1::/48', 'NAT64'),
    ('fc00::/7', 'private'),
    ('fe80::/10', 'link-local'),
    ('ff00::/8', 'multicast'),
    ('2001:db8::/32', 'documentation'),
    ('3fff::/20', 'documentation'),
))
PUBLIC_V6 = IPv6Network('2000::/3')
# Where the machines of clouds ask for their own credentials: AWS, Google, Azure and others; of
# containers on AWS; of Azure's agent; of Alibaba; of Oracle.
METADATA = frozenset(ip_address(address) for address in (
    '169.254.169.254', 'fd00:ec2::254', 'fd20:ce::254',
    '169.254.170.2', '169.254.170.23', 'fd00:ec2::23',
    '168.63.129.16',
    '100.100.100.200',
    '192.0.0.192',
))
# IPv6 networks whose addresses end in an IPv4 address.
EMBEDDING = tuple(IPv6Network(network) for network in (
    '::/96', '::ffff:0:0/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48',
))


def read_network(text: str) -> Network:
    """Read a network in CIDR form; a single address is one too.

    Raises:
        ValueError: it is none, or has bits set behind its prefix.
    """
    return ip_network(text.strip())


def is_metadata(address: Address) -> bool:
    """Whether an address, or one that a translator or tunnel makes of it, is a cloud's own."""
    if isinstance(address, IPv4Address):
        return address in METADATA
    inside = [address.sixtofour, *(address.teredo or ())]
    if any(address in network for network in EMBEDDING):
        inside.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    # Without its zone, by which two addresses differ.
    return IPv6Address(int(address)) in METADATA or any(each in METADATA for each in inside)


def special(address: Address) -> str | None:
    """Return why an address is not public, or None."""
    if isinstance(address, IPv4Address):
        return next((what for network, what in REFUSED_V4 if address in network), None)
    for network, what in REFUSED_V6:
        if address in network:
            return what
    if address not in PUBLIC_V6:
        return 'not a public address'
    # Tunnels: where such a packet ends is an IPv4 address inside.
    for way, embedded in (('6to4', (address.sixtofour,)), ('Teredo', address.teredo or ())):
        for inner in embedded:
            if inner is not None and (what_inside := special(inner)) is not None:
                return f'{way} to {inner}, which is {what_inside}'
    return None
