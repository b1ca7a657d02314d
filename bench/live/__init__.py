"""Measures the live part: a load generator that speaks the public protocol only, and what it finds."""
