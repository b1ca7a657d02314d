"""Measurements against a running server, by its public doors only."""
