"""Serve the pages: `python -m dashboard --host 127.0.0.1 --port 8501`."""

import os
import sys
from pathlib import Path

import streamlit as st
from starlette.middleware import Middleware

from dashboard.assets import Assets
from dashboard.guard import Guard
from dashboard.settings import Settings
from mgic.doors.serving import read_place, serve


def main() -> None:
    host, port = read_place("dashboard", 8501)
    try:
        hosts = Settings().hosts
    except ValueError as error:
        sys.stderr.write(f"MGIC_ALLOWED_HOSTS: {error}\n")
        raise SystemExit(os.EX_CONFIG) from error
    app = st.App(Path(__file__).with_name("app.py"), middleware=[Middleware(Guard, hosts=hosts), Middleware(Assets)])
    serve(app, host, port, websockets=True)


if __name__ == "__main__":
    main()
