"""The REST API, the queue and the store behind it."""
