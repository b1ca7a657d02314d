"""Brings exported people back in: reading files row by row, checking each row, writing what isn't there yet."""
