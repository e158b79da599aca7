"""Signing in through a real browser: with a key, as two people at once, and by an OpenID provider."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from backend.keys import mint
from backend.store import Store, sqlite_url
from tests.backend.api_alone import Api, running_api
from tests.backend.store_points import new_sweep
from tests.conftest import free_port, wait_for
from tests.dashboard.oidc_provider import CLIENT, SECRET, provider
from tests.docker.test_proxies import ended, listens

pytestmark = [pytest.mark.browser, pytest.mark.thorough]


@pytest.fixture(scope="module")
def keyed(tmp_path_factory) -> Iterator[tuple[Api, dict[str, str]]]:
    """An API that asks everybody for a key, a sweep of Ada's in it, and a key of each scope."""
    home, admin = tmp_path_factory.mktemp("keyed"), mint()
    (home / "admin").write_text(admin.text)
    told = {"MGIC_KEYS_REQUIRED": "true", "MGIC_ADMIN_KEY_FILE": str(home / "admin")}
    with running_api(home, **told) as api:
        store, keys = Store.open(sqlite_url(home / "mgic.db")), {"admin": admin.text}
        for name, scope in (("ada", "submit"), ("eve", "read"), ("pages", "pages")):
            token = mint()
            store.add_key(token.id, name, scope, token.digest)
            keys[name] = token.text
        store.add_sweep(new_sweep(name="one of hers", owner="ada"))
        store.close()
        yield api, keys


@contextmanager
def pages(api: Api, folder: Path, **settings: str) -> Iterator[str]:
    port = free_port()
    told = os.environ | {"MGIC_API_URL": api.client.url} | settings
    command = [sys.executable, "-m", "dashboard", "--port", str(port)]
    told |= {name: value.replace("PORT", str(port)) for name, value in settings.items()}
    with (folder / "pages.log").open("wb") as log, ended(subprocess.Popen(command, env=told, stderr=log)):
        wait_for(lambda: listens(port), 60, "the pages")
        yield f"http://127.0.0.1:{port}"


@contextmanager
def person(browser: Browser, url: str) -> Iterator[Page]:
    context = browser.new_context(base_url=url)
    yield context.new_page()
    context.close()


def sign_in(page: Page, key: str) -> None:
    page.get_by_label("Your key").fill(key)
    page.get_by_role("button", name="Sign in").click()


def test_two_people_sign_in_each_for_themselves_and_leave(browser, keyed, tmp_path):
    api, keys = keyed
    asked = {"MGIC_KEYS_REQUIRED": "true"}
    with pages(api, tmp_path, **asked) as url, person(browser, url) as ada, person(browser, url) as eve:
        for page, name, scope in ((ada, "ada", "submit"), (eve, "eve", "read")):
            page.goto("/sweeps")
            expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
            expect(page).to_have_url(f"{url}/sign-in?next=/sweeps")
            expect(page.get_by_text("one of hers")).to_have_count(0)
            sign_in(page, keys[name])
            expect(page).to_have_url(f"{url}/sweeps")
            expect(page.get_by_text(f"{name} · {scope}")).to_be_visible(timeout=60_000)
            assert keys[name] not in page.content() + page.url
            assert page.evaluate("document.cookie").count("mgic_session") == 0
        eve.reload()
        expect(eve.get_by_text("eve · read")).to_be_visible(timeout=60_000)
        other = eve.context.new_page()
        other.goto("/system")
        expect(other.get_by_text("eve · read")).to_be_visible(timeout=60_000)
        eve.get_by_role("button", name="Sign out").click()
        expect(eve.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
        other.reload()
        expect(other.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
        ada.reload()
        expect(ada.get_by_text("ada · submit")).to_be_visible(timeout=60_000)


def test_a_key_that_does_not_hold_is_said_in_the_form(browser, keyed, tmp_path):
    api, _ = keyed
    with pages(api, tmp_path) as url, person(browser, url) as page:
        page.goto("/sign-in?next=/runs")
        page.get_by_label("Your key").fill("wrong")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("There is no such key.")
        expect(page).to_have_url(f"{url}/sign-in")


def test_who_signs_in_by_a_provider_may_what_the_settings_say(browser, keyed, tmp_path):
    api, keys = keyed
    with provider() as known:
        settings = {
            "MGIC_API_KEY": keys["pages"],
            "MGIC_OIDC_METADATA_URL": f"{known.url}/.well-known/openid-configuration",
            "MGIC_OIDC_CLIENT_ID": CLIENT,
            "MGIC_OIDC_CLIENT_SECRET": SECRET,
            "MGIC_OIDC_REDIRECT_URL": "http://127.0.0.1:PORT/oauth2callback",
            "MGIC_OIDC_SCOPES": "ada@lab.org=submit",
        }
        with pages(api, tmp_path, **settings) as url:
            known.person = {"email": "ada@lab.org", "email_verified": True}
            with person(browser, url) as page:
                page.goto("/sweeps")
                page.get_by_role("button", name="Sign in with your account").click(timeout=60_000)
                expect(page.get_by_text("ada@lab.org · submit")).to_be_visible(timeout=60_000)
                assert known.asked[0]["code_challenge_method"] == "S256"
                page.get_by_role("button", name="Sign out").click()
                expect(page.get_by_role("heading", name="Sign in")).to_be_visible(timeout=60_000)
            for claims, words in (
                ({"email": "eve@lab.org", "email_verified": True}, "eve@lab.org is not among those"),
                ({"email": "ada@lab.org", "email_verified": False}, "tells no email that it has checked"),
            ):
                known.person = claims
                with person(browser, url) as page:
                    page.goto("/")
                    page.get_by_role("button", name="Sign in with your account").click(timeout=60_000)
                    expect(page.get_by_text(words)).to_be_visible(timeout=60_000)
