"""`make compose-check`: every command of docker/README.md as it stands there, in real containers."""
