"""Mutual TLS behind a real nginx, configured as docs/how-to/mutual-tls.md says."""

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from registrary.testing.client_certificates import ClientAuthority, self_signed
from registrary.testing.hostile.certificates import CertificateAuthority
from registrary.testing.server import Stores, free_port, running_server
from tests.protocol.mutual_tls import GRANTED, NOT_PROVED, SERVICE, own, pki, verdict

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/mutual-tls.md"
HOST, MTLS_HOST = "id.example.com", "mtls.id.example.com"
STOP_SECONDS = 20
# What a machine's own configuration says around the block of the page.
SURROUNDINGS = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {block}
}}
"""


def block_of_the_page(language):
    """Return the first block in *language* of the page."""
    found = re.search(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@contextmanager
def running_nginx(folder, block):
    """Run nginx with *block* until leaving."""
    program = shutil.which("nginx", path=f"{ROOT}/.venv/bin:{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "there is no nginx; scripts/nginx.sh gets one"
    config = folder / "nginx.conf"
    config.write_text(SURROUNDINGS.format(folder=folder, block=block))
    process = subprocess.Popen([program, "-e", folder / "error.log", "-p", folder, "-c", config])
    try:
        yield process
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def wait_for(port, process):
    """Return once something listens on *port*."""
    while process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("nginx did not start")


class Behind:
    """The server behind nginx, as callers reach it."""

    def __init__(self, folder, port, trust, authority):
        self.folder, self.port, self.trust, self.authority = folder, port, trust, authority

    def send(self, method, path, *, held=None, host=MTLS_HOST, **more):
        """Send a request to *host*, presenting the certificate *held*."""
        context = ssl.create_default_context(cafile=self.trust)
        if held is not None:
            context.load_cert_chain(*held.write(self.folder))
        headers = [("host", host), *more.pop("headers", ())]
        with httpx2.Client(verify=context, trust_env=False, timeout=20) as http:
            return http.request(
                method,
                f"https://127.0.0.1:{self.port}{path}",
                headers=headers,
                extensions={"sni_hostname": host},
                **more,
            )

    def client_id(self, **members):
        """Register a client and return its id."""
        answer = self.send("POST", "/register", host=HOST, json=SERVICE | members)
        assert answer.status_code == 201, answer.text
        return answer.json()["client_id"]

    def token(self, client_id, **more):
        """Ask for a token and return what came of it."""
        form = {"grant_type": "client_credentials", "client_id": client_id}
        return verdict(self.send("POST", "/token", data=form, **more))


@pytest.fixture(scope="module")
def behind(tmp_path_factory, stores: Stores):
    """Run a server behind nginx, both as the page says."""
    folder = tmp_path_factory.mktemp("nginx")
    web, authority = CertificateAuthority(), ClientAuthority()
    certificate, key = web.write_server(folder, HOST, MTLS_HOST)
    trust = web.write(folder / "web.pem")
    (folder / "clients.pem").write_bytes(authority.pem)
    settings = block_of_the_page("toml").replace(
        "/etc/registrary/client-authorities.pem", f"{folder}/clients.pem"
    )
    config = folder / "registrary.toml"
    config.write_text(settings + '[registration]\nmode = "open"\n')
    front = free_port()
    options = ("--issuer", f"https://{HOST}", "--config", str(config))
    with running_server(folder, *options, dev=False, stores=stores) as server:
        block = block_of_the_page("nginx")
        for old, new in (
            ("listen 443 ssl", f"listen 127.0.0.1:{front} ssl"),
            ("http://127.0.0.1:8400", server.url),
            ("/etc/nginx/id.example.com.pem", str(certificate)),
            ("/etc/nginx/id.example.com.key", str(key)),
        ):
            assert old in block
            block = block.replace(old, new)
        with running_nginx(folder, block) as process:
            wait_for(front, process)
            yield Behind(folder, front, trust, authority)


@pytest.mark.spec("E-020", "E-021")
def test_certificates_reach_the_server_through_nginx(behind):
    """This is how most installations will have it."""
    issued, made = behind.authority.issue("CN=client,O=Example"), self_signed()
    vouched = behind.client_id(**pki(subject_dn="CN=client,O=Example"))
    alone = behind.client_id(**own(made))

    answers = [behind.token(vouched, held=issued), behind.token(alone, held=made)]

    assert [GRANTED, GRANTED] == answers


@pytest.mark.spec("E-020", "E-021")
def test_nginx_takes_any_certificate_and_the_server_does_not(behind):
    """With ``optional_no_ca`` nobody has verified anything before us."""
    made = self_signed("CN=client,O=Example")
    vouched = behind.client_id(**pki(subject_dn="CN=client,O=Example"))
    alone = behind.client_id(**own(made))
    impostor = ClientAuthority().issue("CN=client,O=Example")

    answers = [
        behind.token(vouched, held=made),
        behind.token(vouched, held=impostor),
        behind.token(vouched),
        behind.token(alone, held=impostor),
        behind.token(alone),
    ]

    assert [NOT_PROVED] * 5 == answers


@pytest.mark.parametrize("host", [HOST, MTLS_HOST])
def test_a_header_smuggled_past_nginx_says_nothing(behind, host):
    """The certificate of a client is no secret, so whoever can write the header is the client."""
    made = self_signed()
    client_id = behind.client_id(**own(made))
    escaped = re.sub(r"[^A-Za-z0-9]", lambda found: f"%{ord(found[0]):02X}", made.pem.decode())
    smuggled = [("SSL-Client-Cert", escaped), ("SSL_Client_Cert", escaped)]

    without = behind.token(client_id, host=host, headers=smuggled)
    beside = behind.token(client_id, host=host, headers=smuggled, held=self_signed())

    assert [NOT_PROVED, NOT_PROVED] == [without, beside]


@pytest.mark.spec("E-023")
def test_the_place_that_asks_for_certificates_is_announced(behind):
    """Clients with certificates go there, browsers do not (RFC 8705 §5)."""
    published = behind.send("GET", "/.well-known/openid-configuration", host=HOST).json()

    assert f"https://{HOST}/token" == published["token_endpoint"]
    assert f"https://{MTLS_HOST}/token" == published["mtls_endpoint_aliases"]["token_endpoint"]
