"""Serve the pages: `python -m dashboard --host 127.0.0.1 --port 8501`."""

import os
import secrets
import sys
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import streamlit as st
from pydantic import ValidationError
from starlette.middleware import Middleware
from streamlit import config

from dashboard.assets import Assets
from dashboard.guard import Guard
from dashboard.settings import Settings
from dashboard.signing_in import entrance, routes
from dashboard.visitors import is_known
from mgic.doors.serving import read_place, serve
from mgic.errors import BadConfig


def main() -> None:
    host, port = read_place("dashboard", 8501)
    # Who may look without signing in depends on where the pages are served, and what cookies are called on the port.
    os.environ.update(MGIC_DASHBOARD_HOST=host, MGIC_DASHBOARD_PORT=str(port))
    try:
        settings = Settings()
        hosts, provider = settings.hosts, settings.oidc
        if provider and find_spec("authlib") is None:
            raise BadConfig("MGIC_OIDC_METADATA_URL needs the package authlib: pip install 'mgic[oidc]'")
    except (ValueError, BadConfig) as error:
        sys.stderr.write(f"{in_words(error)}\n")
        raise SystemExit(os.EX_CONFIG) from error
    app = st.App(
        Path(__file__).with_name("app.py"),
        secrets={"auth": {**provider, "cookie_secret": secrets.token_hex(32)}} if provider else None,
        routes=routes(settings),
        middleware=[
            Middleware(Guard, hosts=hosts, is_known=partial(is_known, settings), entrance=partial(entrance, settings)),
            Middleware(Assets, root=settings.root_path),
        ],
    )
    # Once the application has found its file of options, and before it is asked for anything.
    config.set_option("server.baseUrlPath", settings.root_path.strip("/"))
    serve(app, host, port, websockets=True)


def in_words(error: Exception) -> str:
    """In one line, each fault with its variable."""
    if isinstance(error, ValidationError):
        faults = error.errors(include_url=False)
        return "; ".join(f"MGIC_{str(fault['loc'][0]).upper()}: {_bare(fault['msg'])}" for fault in faults)
    return str(error) if str(error).startswith("MGIC_") else f"MGIC_ALLOWED_HOSTS: {error}"


def _bare(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should", "should", 1)


if __name__ == "__main__":
    main()
