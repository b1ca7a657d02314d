"""The staff room's pages."""
