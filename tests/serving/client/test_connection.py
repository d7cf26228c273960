import asyncio

import pytest

from serving.client import AsyncTranslationClient, RetryPolicy, TranslationClient
from serving.client.connection import Connection, Tls
from serving.client.errors import InvalidSettings, Unavailable
from tests.serving.client.certificates import NAME, Certificates, credentials, make_certificates
from tests.serving.client.scripted_server import MODEL, serving

ONCE = RetryPolicy(attempts=1)


@pytest.fixture(scope="module")
def certificates() -> Certificates:
    return make_certificates()


def translate(address: str, tls: Tls | None, authority: str | None = NAME) -> str:
    with TranslationClient(address, MODEL, tls=tls, authority=authority, retry=ONCE) as client:
        return client.translate(["a"])[0].text


def test_a_server_whose_certificate_is_vouched_for_is_asked(certificates):
    with serving(credentials=credentials(certificates)) as (address, _):
        assert translate(address, Tls(certificates.authority)) == "A"


def test_a_server_with_a_certificate_for_another_host_is_not(certificates):
    with (
        serving(credentials=credentials(certificates)) as (address, _),
        pytest.raises(Unavailable, match="(?i)verif"),
    ):
        translate(address, Tls(certificates.authority), authority=None)


def test_a_server_that_nobody_vouches_for_is_not(certificates):
    with (
        serving(credentials=credentials(certificates)) as (address, _),
        pytest.raises(Unavailable, match="(?i)verif"),
    ):
        translate(address, Tls())


def test_a_server_that_wants_tls_is_not_asked_in_plain_text(certificates):
    with (
        serving(credentials=credentials(certificates)) as (address, _),
        pytest.raises(Unavailable, match="TLS"),
    ):
        translate(address, None)


def test_a_client_that_proves_who_it_is_is_answered(certificates):
    tls = Tls(certificates.authority, certificates.client.key, certificates.client.certificate)
    with serving(credentials=credentials(certificates, asks_client=True)) as (address, _):
        assert translate(address, tls) == "A"


def test_a_client_that_proves_nothing_is_not(certificates):
    with (
        serving(credentials=credentials(certificates, asks_client=True)) as (address, _),
        pytest.raises(Unavailable),
    ):
        translate(address, Tls(certificates.authority))


def test_keys_and_certificates_may_lie_in_files(certificates, tmp_path):
    names = ("authority.pem", "key.pem", "certificate.pem")
    contents = (
        certificates.authority,
        certificates.client.key,
        certificates.client.certificate,
    )
    for name, content in zip(names, contents, strict=True):
        (tmp_path / name).write_bytes(content)
    tls = Tls(str(tmp_path / names[0]), tmp_path / names[1], tmp_path / names[2])
    with serving(credentials=credentials(certificates, asks_client=True)) as (address, _):
        assert translate(address, tls) == "A"


def test_asyncio_speaks_mutual_tls_too(certificates):
    tls = Tls(certificates.authority, certificates.client.key, certificates.client.certificate)

    async def ask(address: str) -> str:
        async with AsyncTranslationClient(address, MODEL, tls=tls, authority=NAME) as client:
            return (await client.translate(["a"]))[0].text

    with serving(credentials=credentials(certificates, asks_client=True)) as (address, _):
        assert asyncio.run(ask(address)) == "A"


def test_a_key_without_its_certificate_is_refused(certificates):
    with pytest.raises(InvalidSettings, match="give both, or neither"):
        Tls(client_key=certificates.client.key).credentials()


def test_a_certificate_in_the_place_of_a_key_is_refused(certificates):
    certificate = certificates.client.certificate
    with pytest.raises(InvalidSettings, match="client_key: the given value is not the PEM text"):
        Tls(client_key=certificate, client_certificate=certificate).credentials()


@pytest.mark.parametrize("client", [TranslationClient, AsyncTranslationClient])
def test_a_file_that_cannot_be_read_is_named_when_the_client_is_made(client, tmp_path):
    missing = tmp_path / "missing.pem"
    with pytest.raises(InvalidSettings, match=r"root_certificates: .*missing\.pem.* cannot be"):
        client("localhost:8500", MODEL, tls=Tls(missing))


def test_a_private_key_is_not_shown(certificates):
    assert "PRIVATE" not in repr(Tls(client_key=certificates.client.key))


@pytest.mark.parametrize("tls", [None, Tls()])
def test_a_channel_says_how_large_a_message_may_be_in_both_directions(tls):
    options = dict(Connection("localhost:8500", tls, max_message_bytes=12345).options())
    assert options["grpc.max_send_message_length"] == 12345
    assert options["grpc.max_receive_message_length"] == 12345


def test_pings_keep_the_rule_of_servers_that_have_no_other():
    # grpc/doc/keepalive.md: by default, a server allows a ping in 5 minutes without data
    options = dict(Connection("localhost:8500").options())
    assert options["grpc.keepalive_time_ms"] > 5 * 60 * 1000


def test_another_authority_is_asked_for_with_and_without_tls():
    plain, encrypted = (
        dict(Connection("10.0.0.1:8500", tls, authority=NAME).options()) for tls in (None, Tls())
    )
    assert plain["grpc.default_authority"] == encrypted["grpc.default_authority"] == NAME
    assert encrypted["grpc.ssl_target_name_override"] == NAME
