"""Tests of tables for papers."""
