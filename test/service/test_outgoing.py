# Copyright 2026 the spark_ros authors. SPDX-License-Identifier: Apache-2.0
"""Where webhooks may go: every way to say a forbidden address is refused, listed ranges pass."""

from __future__ import annotations

import asyncio
import re
import shutil
import ssl
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpcore
import httpx
import pytest
from service_harness import DEADLINE_S
from serving import command
from webhook_receiver import Receiver

from spark_ros.service.pushes.outgoing import (
    Guard,
    RefusedDestination,
    outgoing_client,
    resolve_by_system,
)
from spark_ros.service.settings import Settings

PUBLIC = ['8.8.8.8', '1.1.1.1', '2606:4700::1111', '2002:808:808::1', '172.32.0.1', '100.128.0.1']
REFUSED = {
    '0.0.0.0': 'unspecified', '0.1.2.3': 'unspecified', '10.255.0.1': 'private',
    '100.64.0.1': 'NAT', '100.127.255.255': 'NAT', '127.0.0.1': 'loopback',
    '127.255.255.254': 'loopback', '169.254.169.254': 'metadata', '172.16.0.1': 'private',
    '172.31.255.255': 'private', '192.0.0.8': 'reserved', '192.0.2.1': 'documentation',
    '192.88.99.1': '6to4', '192.168.1.1': 'private', '198.18.0.1': 'benchmarking',
    '198.19.255.255': 'benchmarking', '198.51.100.7': 'documentation',
    '203.0.113.9': 'documentation', '224.0.0.251': 'multicast', '239.255.255.255': 'multicast',
    '240.0.0.1': 'reserved', '255.255.255.255': 'reserved',
    '::': 'unspecified', '::1': 'loopback', '::ffff:127.0.0.1': 'mapped',
    '::ffff:8.8.8.8': 'mapped', '::ffff:7f00:1': 'mapped', '::127.0.0.1': 'compatible',
    '::ffff:0:127.0.0.1': 'not a public', '64:ff9b::7f00:1': 'NAT64', '64:ff9b::8.8.8.8': 'NAT64',
    '64:ff9b:1::a00:1': 'NAT64', '64:ff9b:1:ffff::1': 'NAT64', '2002:7f00:1::': '6to4',
    '2002:a00:1::1': '6to4', '2002:c0a8:101::': '6to4', '2002:a9fe:a9fe::': 'metadata',
    '2001:0:7f00:1::': 'Teredo', '2001:0:808:808:0:0:80ff:fffe': 'Teredo',
    'fc00::1': 'private', 'fd12:3456::1': 'private', 'fe80::1': 'link-local',
    'fe80::1%lo': 'link-local', 'febf::1': 'link-local', 'fec0::1': 'not a public',
    'ff02::1': 'multicast', '100::1': 'not a public', '2001:db8::1': 'documentation',
    '3fff::1': 'documentation', '5f00::1': 'not a public', '': 'not an address',
    '8.8.8.8.': 'not an address', '0x7f.1': 'not an address',
}  # fmt: skip
# Ways to write 127.0.0.1 that resolvers understand.
LOOPBACK_SPELLINGS = [
    '2130706433', '0x7f000001', '0x7f.0.0.1', '0177.0.0.1', '127.1', '017700000001', '127.0.1',
    '0', 'localhost', 'localhost.', '①②⑦.0.0.1', '[::1]', '[::ffff:127.0.0.1]',
    '[0:0:0:0:0:0:0:1]', '[::ffff:7f00:1]', '127。0。0。1',
]  # fmt: skip


class Names:
    """A resolver that gives the next of its answers each time it is asked."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def post(guard: Guard, url: str, tls: ssl.SSLContext | None = None) -> int:
    """Send something and return the status that came back."""

    async def send() -> int:
        async with outgoing_client(guard, DEADLINE_S, tls) as http:
            return (await http.post(url, content=b'{}')).status_code

    return asyncio.run(send())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as made:
        yield made


@pytest.mark.parametrize('address', PUBLIC)
def test_public_addresses_pass(address: str) -> None:
    assert Guard().refusal(address) is None


@pytest.mark.parametrize('address', REFUSED)
def test_others_are_refused_with_a_reason(address: str) -> None:
    said = Guard().refusal(address)
    assert said is not None
    assert REFUSED[address] in said


@pytest.mark.parametrize(
    ('network', 'inside', 'outside'),
    [
        ('127.0.0.0/8', '127.0.0.1', '::1'),
        ('127.0.0.0/8', '127.9.9.9', '::ffff:127.0.0.1'),
        ('192.168.7.0/24', '192.168.7.255', '192.168.8.0'),
        ('10.1.2.3', '10.1.2.3', '10.1.2.4'),
        ('fd00::/8', 'fd12::1', 'fc00::1'),
        ('64:ff9b::/96', '64:ff9b::a00:1', '64:ff9b:1::a00:1'),
        ('::ffff:0:0/96', '::ffff:10.0.0.1', '10.0.0.1'),
        ('fe80::/10', 'fe80::1%lo', 'fec0::1'),
    ],
)
def test_a_listed_network_passes_and_no_more(network: str, inside: str, outside: str) -> None:
    guard = Guard([network])
    assert guard.refusal(inside) is None
    assert guard.refusal(outside) is not None


@pytest.mark.parametrize(
    'address',
    [
        '169.254.169.254', '169.254.170.2', '168.63.129.16', '100.100.100.200', '192.0.0.192',
        'fd00:ec2::254', 'fd20:ce::254', 'fd00:ec2::254%lo', '::ffff:169.254.169.254',
        '64:ff9b::a9fe:a9fe', '64:ff9b:1::a83f:8110', '2002:a9fe:a9fe::', '::169.254.170.2',
        '2001:0:808:808:0:0:5601:5601',
    ],
)  # fmt: skip
def test_the_metadata_of_a_cloud_is_refused_whatever_is_allowed(address: str) -> None:
    said = Guard(['0.0.0.0/0', '::/0']).refusal(address)
    assert said == 'the metadata service of a cloud'


@pytest.mark.parametrize(
    'port', [22, 25, 1433, 1521, 2375, 2376, 3306, 5432, 6379, 6443, 9200, 10250, 11211, 27017]
)
def test_ports_of_mail_shells_databases_and_containers_are_refused(port: int) -> None:
    guard = Guard(['127.0.0.0/8'], Settings(Path('unused')).refused_ports)
    with pytest.raises(RefusedDestination, match=f'port {port} '):
        post(guard, f'http://127.0.0.1:{port}/')


def test_a_cookie_of_an_answer_is_not_sent_with_the_next(receiver: Receiver) -> None:
    with Receiver(lambda number: 200, cookie='a=b') as baking:

        async def twice() -> None:
            async with outgoing_client(Guard(['127.0.0.0/8']), DEADLINE_S) as http:
                for _ in range(2):
                    answer = await http.post(baking.url())
                    assert answer.headers['set-cookie'] == 'a=b'

        asyncio.run(twice())
        assert 'cookie' not in baking.received[1].headers


@pytest.mark.parametrize('text', ['', 'x', '10.0.0.1/8', '10.0.0.0/33', '2130706433/8'])
def test_a_network_that_is_none_is_said(text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        Guard([text])
    for option in ('--allow-net', '--allow-fetch-net'):
        ran = command('serve', option, text, '--data', str(tmp_path))
        assert ran.returncode == 2
        assert option in ran.stderr


@pytest.mark.parametrize('host', LOOPBACK_SPELLINGS)
def test_no_spelling_of_loopback_gets_through(host: str, receiver: Receiver) -> None:
    """By the system's own resolver."""
    with pytest.raises((RefusedDestination, httpcore.ConnectError, httpx.InvalidURL)):
        post(Guard(), receiver.url(host=host))
    assert receiver.received == []


@pytest.mark.parametrize('host', ['2130706433', '0x7f.1', 'localhost', '127.0.0.1'])
def test_what_is_listed_is_reached_by_any_name(host: str, receiver: Receiver) -> None:
    assert post(Guard(['127.0.0.0/8']), receiver.url(host=host)) == 200
    assert receiver.received[0].headers['host'] == f'{host}:{receiver.port}'


def test_a_name_that_means_both_leads_to_the_permitted_address(receiver: Receiver) -> None:
    names = Names(['::1', '10.0.0.1', '127.0.0.1'])
    assert post(Guard(['127.0.0.0/8'], resolve=names), receiver.url(host='both.test')) == 200
    assert names.asked == ['both.test']


def test_rebinding_a_name_leads_nowhere_else(receiver: Receiver) -> None:
    """What was checked is connected to: the second answer, a moment later, is not asked for."""
    other = '127.0.0.2'
    names = Names(['127.0.0.1'], [other])
    guard = Guard(['127.0.0.1/32'], resolve=names)
    assert post(guard, receiver.url(host='rebind.test')) == 200
    assert len(names.asked) == 1
    with pytest.raises(RefusedDestination, match=re.escape(other)):
        post(guard, receiver.url(host='rebind.test'))
    assert len(receiver.received) == 1


def test_each_request_is_checked_anew(receiver: Receiver) -> None:
    """No connection of an earlier request is kept for one that may no longer go there."""
    names = Names(['127.0.0.1'], ['10.0.0.1'])
    guard = Guard(['127.0.0.1/32'], resolve=names)

    async def twice() -> None:
        async with outgoing_client(guard, DEADLINE_S) as http:
            url = receiver.url(host='rebind.test')
            assert (await http.post(url)).status_code == 200
            with pytest.raises(RefusedDestination, match=r'10\.0\.0\.1 is private'):
                await http.post(url)

    asyncio.run(twice())


@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
def test_a_redirect_to_a_forbidden_address_is_only_a_status(
    status: int, receiver: Receiver
) -> None:
    with Receiver(lambda number: receiver.url(host='169.254.169.254')) as redirecting:
        assert post(Guard(['127.0.0.0/8']), redirecting.url()) == 307
    with Receiver(lambda number: status) as plain:
        assert post(Guard(['127.0.0.0/8']), plain.url()) == status
    assert receiver.received == []


def test_a_proxy_of_the_environment_is_not_used(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ('HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'):
        monkeypatch.setenv(name, receiver.url(''))
    with pytest.raises(RefusedDestination):
        post(Guard(), 'http://10.0.0.1/')
    assert receiver.received == []


@pytest.mark.parametrize('port', [22, 25])
def test_a_refused_port_is_not_reached(port: int) -> None:
    names = Names(['8.8.8.8'])
    with pytest.raises(RefusedDestination, match=f'port {port}'):
        post(Guard(refused_ports=(22, 25), resolve=names), f'http://mail.test:{port}/')
    assert names.asked == []


def test_a_name_without_an_address_is_said() -> None:
    with pytest.raises(RefusedDestination, match='no address'):
        post(Guard(resolve=Names([])), 'http://empty.test/')
    with pytest.raises(httpcore.ConnectError, match='cannot resolve'):
        post(Guard(), 'http://a..b/')


@pytest.mark.parametrize('host', ['a' * 64 + '.test', '\udcff', 'a..b'])
def test_a_name_that_is_none_is_an_error_like_others(host: str) -> None:
    with pytest.raises(OSError):
        asyncio.run(resolve_by_system(host, 80))


def test_a_resolver_that_hangs_is_left_behind() -> None:
    async def hang(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    async def send() -> None:
        async with outgoing_client(Guard(resolve=hang), DEADLINE_S) as http:
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(http.post('http://slow.test/'), 0.1)

    asyncio.run(send())


@pytest.fixture
def certificate(tmp_path: Path) -> Callable[[str], tuple[Path, Path]]:
    """Make a certificate for a host name."""

    def make(name: str) -> tuple[Path, Path]:
        if shutil.which('openssl') is None:
            pytest.skip('there is no openssl command here')
        files = (tmp_path / f'{name}.pem', tmp_path / f'{name}.key')
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
             '-nodes', '-days', '2', '-subj', '/CN=x', '-addext', f'subjectAltName=DNS:{name}',
             '-out', str(files[0]), '-keyout', str(files[1])],
            check=True, capture_output=True, timeout=DEADLINE_S,
        )  # fmt: skip
        return files

    return make


def test_tls_is_verified_against_the_name_and_not_the_address(
    certificate: Callable[[str], tuple[Path, Path]],
) -> None:
    named: list[Any] = []
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    chain, key = certificate('hook.test')
    server.load_cert_chain(chain, key)
    server.sni_callback = lambda connection, name, context: named.append(name)
    trusting = ssl.create_default_context(cafile=chain)
    guard = Guard(['127.0.0.0/8'], resolve=Names(['127.0.0.1']))
    with Receiver(tls=server) as receiver:
        assert post(guard, receiver.url(host='hook.test', scheme='https'), trusting) == 200
        for host, context in (('other.test', trusting), ('hook.test', None)):
            with pytest.raises(httpcore.ConnectError, match='certificate verify failed'):
                post(guard, receiver.url(host=host, scheme='https'), context)
        assert len(receiver.received) == 1
    assert named == ['hook.test', 'other.test', 'hook.test']
