"""Serve the API: `python -m backend --host 127.0.0.1 --port 8000`."""

from mgic.doors.serving import read_place, serve

if __name__ == "__main__":  # the catalogue's process is spawned, and imports this file
    serve("backend.app:from_environment", *read_place("backend", 8000))
