"""Serve the API: `python -m backend --host 127.0.0.1 --port 8000`."""

import os

from mgic.doors.serving import read_place, serve

if __name__ == "__main__":  # the catalogue's process is spawned, and imports this file
    host, port = read_place("backend", 8000)
    os.environ["MGIC_API_HOST"] = host  # who may ask without a key depends on where it listens
    serve("backend.app:from_environment", host, port)
