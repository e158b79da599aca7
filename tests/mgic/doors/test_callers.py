"""Which names are a server's own, and what a browser says of the page that sends a request."""

import pytest

from mgic.doors.callers import is_foreign, knows_host, read_hosts

OWN = ("127.0.0.1", "localhost", "[::1]")


@pytest.mark.parametrize(
    ("text", "more"),
    [
        ("", ()),
        ("lab.example.org", ("lab.example.org",)),
        (" Lab.Example.ORG , lab,localhost,", ("lab.example.org", "lab")),
        ("[2001:db8::1],*", ("[2001:db8::1]", "*")),
    ],
)
def test_names_that_are_given_are_added_to_those_of_the_machine(text, more):
    assert read_hosts(text) == (*OWN, *more)


@pytest.mark.parametrize(
    "text", ["https://lab.example.org", "lab:8501", "lab/pages", "a b", "user@lab", "-lab", "lab."]
)
def test_what_is_no_name_is_refused_with_how_to_write_one(text):
    with pytest.raises(ValueError, match=r"is no name of a host: write lab\.example\.org, without http"):
        read_hosts(text)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8501", "127.0.0.1:80", "[::1]", "[::1]:8501", "lab:443"])
def test_a_name_is_known_with_a_port_and_without(host):
    assert knows_host(host, read_hosts("lab"))


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "evil.example:8501", "localhost.evil", "localhost@evil", "::1", "lab.", "lab:port", ":80"],
)
def test_any_other_name_is_not(host):
    assert not knows_host(host, read_hosts("lab"))
    assert knows_host(host, read_hosts("*"))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "http://127.0.0.1:8501"},
        {"origin": "HTTP://127.0.0.1:8501", "sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "https://lab.example.org"},  # a proxy stands before us
        {"origin": "https://lab.example.org:8443"},
    ],
)
def test_our_own_pages_and_what_is_no_browser_are_not_foreign(headers):
    assert not is_foreign({"host": "127.0.0.1:8501"} | headers, read_hosts("lab.example.org"))


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "http://evil.example:8501"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "http://[bad"},
        {"origin": "http://localhost:3000"},  # another program of this machine
        {"origin": "http://127.0.0.1:8000"},
        {"origin": "http://lab.example.org.evil"},
        {"origin": "http://127.0.0.1:8501", "sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": ""},
    ],
)
def test_pages_of_others_are_foreign(headers):
    assert is_foreign({"host": "127.0.0.1:8501"} | headers, read_hosts("lab.example.org"))
