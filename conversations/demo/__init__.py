"""Synthetic people with a year of history behind them, for a first look and for loads of any size."""

from conversations.demo.load import AlreadyLoaded, Loaded, RealPeople, has_real_people, load_demo

__all__ = ["AlreadyLoaded", "Loaded", "RealPeople", "has_real_people", "load_demo"]
