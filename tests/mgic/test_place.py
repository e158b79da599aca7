"""What folders and addresses may be called, and which way a request goes."""

from pathlib import Path

import httpx2 as httpx
import pytest

from mgic.client import ApiError, Client, Unreachable
from mgic.errors import BadConfig
from mgic.place import check_folder, check_text, check_variables, is_loopback, service_url

NOBODY = "http://127.0.0.1:9"


@pytest.mark.parametrize("name", ["/tmp/a?b=1#c%41 d&e;*[f]'g\"$(h)", "/tmp/ü::x:@=,\\{}", ".mgic", "a~b", "x/~y"])
def test_any_printable_path_is_one(name):
    check_folder("MGIC_HOME", Path(name))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("/tmp/x\r", "MGIC_HOME ends with a carriage return"),
        ("/tmp/a\nb", "control character '\\n'"),
        ("/tmp/a\tb", "control character '\\t'"),
        ("/tmp/a\x7f", "control character '\\x7f'"),
        ("/tmp/a\udcff", "no UTF-8"),
        ("~/lab", "only a shell knows what ~ is"),
        ("~somebody/lab", "only a shell knows what ~somebody is"),
    ],
)
def test_a_path_that_its_writer_cannot_have_meant_is_refused_by_its_setting(name, said):
    with pytest.raises(BadConfig) as refused:
        check_folder("MGIC_HOME", Path(name))
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_only_our_variables_are_looked_at():
    check_variables({"OTHER": "x\r", "MGIC_HOME": "/tmp/x"})
    with pytest.raises(BadConfig, match="MGIC_LEASE_S ends with a carriage return"):
        check_variables({"MGIC_LEASE_S": "30\r"})


def test_text_of_any_script_is_text():
    check_text("name", "Größe 数据 données")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/api/v1", "http://127.0.0.1:8000"),
        ("http://127.0.0.1:8000/api/v1/", "http://127.0.0.1:8000"),
        ("https://lab.example.org/mgic/api/v1", "https://lab.example.org/mgic"),
        ("http://[::1]:8000/api/v1", "http://[::1]:8000"),
    ],
)
def test_an_address_is_the_same_with_and_without_what_the_client_adds(given, kept):
    assert service_url(given) == kept
    assert Client(given).url == kept


@pytest.mark.parametrize(
    "given",
    ["", "127.0.0.1:8000", "localhost:8000", "ftp://host", "http://", "http://:80", "http://h:99999", "http://h:x",
     "http://[::1", "http://a b", "http://h/api/v1?x=1", "http://h/#runs", "http://h\r", "http://h\n"],
)  # fmt: skip
def test_what_is_no_address_is_refused_by_the_name_of_its_setting(given):
    with pytest.raises(BadConfig, match=r"^MGIC_API_URL (is written http://127\.0\.0\.1:8000, not|ends with|has the)"):
        service_url(given, "MGIC_API_URL")
    with pytest.raises(BadConfig, match=r"^the address of the service "):
        Client(given)


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST.", "lab.localhost", "127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "0.0.0.0"]
)
def test_this_machine_is_known_by_its_names(host):
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", [None, "", "api", "localhost.example.org", "128.0.0.1", "127.0.0.1.example.org", "::2", "notlocalhost"]
)
def test_no_other_machine_passes_for_this_one(host):
    assert not is_loopback(host)


PROXIES = [
    {"HTTP_PROXY": NOBODY},
    {"http_proxy": NOBODY, "https_proxy": NOBODY},
    {"ALL_PROXY": NOBODY},
    {"ALL_PROXY": "socks5://127.0.0.1:9"},
    {"ALL_PROXY": "socks5://127.0.0.1:9", "NO_PROXY": "127.0.0.1"},
    {"HTTP_PROXY": "nonsense://x y"},
]


@pytest.fixture
def answering(monkeypatch):
    """Whoever is asked without a proxy answers with the address that was asked for."""

    def handle(_self, request):
        return httpx.Response(200, json={"status": "ok", "version": str(request.url)})

    monkeypatch.setattr(httpx.HTTPTransport, "handle_request", handle)


@pytest.mark.parametrize("proxies", PROXIES)
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]"])
def test_no_proxy_comes_between_us_and_this_machine(monkeypatch, answering, proxies, host):
    for name, value in proxies.items():
        monkeypatch.setenv(name, value)
    client = Client(f"http://{host}:8000")
    assert client._http._mounts == {}
    assert client.health().version == f"http://{host}:8000/api/v1/health"


def test_another_machine_is_reached_through_the_proxy(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", NOBODY)
    with pytest.raises(Unreachable, match="Connection refused"):  # of the proxy: nobody else knows that name
        Client("http://lab.invalid").health()


@pytest.mark.parametrize("proxy", [NOBODY, "socks5://127.0.0.1:9"])
@pytest.mark.parametrize("exempt", ["lab.invalid", ".invalid", "*", "other,lab.invalid"])
def test_a_machine_that_no_proxy_names_is_reached_past_it(monkeypatch, answering, proxy, exempt):
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setenv("NO_PROXY", exempt)
    assert Client("http://lab.invalid").health().version == "http://lab.invalid/api/v1/health"


@pytest.mark.parametrize("proxy", ["ftp://127.0.0.1:9", "socks5://127.0.0.1:9", "http://[::1"])
def test_a_proxy_that_cannot_be_is_named(monkeypatch, proxy):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(BadConfig, match="proxy"):
        Client("http://lab.invalid")


def test_a_key_that_no_header_can_hold_is_refused_and_not_repeated():
    for key in ("secret\r", "secret\nX-Other: 1", "sécret"):
        with pytest.raises(BadConfig, match=r"^the key of the service") as refused:
            Client("http://127.0.0.1:8000", api_key=key)
        assert "cret" not in str(refused.value)


@pytest.mark.parametrize("page", ["<html>a router's page</html>", "[]", '{"status": "fine"}', ""])
def test_somebody_else_who_answers_is_no_service(page):
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(200, text=page)), base_url="http://x")
    with pytest.raises(Unreachable, match="no MGIC Lab"):
        Client("http://x", http=http).health()


def test_a_service_that_cannot_work_says_why():
    told = {"status": "unavailable", "version": "1", "notes": ["the database does not answer", "the disk is full"]}
    http = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503, json=told)), base_url="http://x")
    with pytest.raises(ApiError, match="the database does not answer; the disk is full"):
        Client("http://x", http=http).ready()
