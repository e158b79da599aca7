"""Celery workers: each slot claims runs and supervises the process that executes them."""
