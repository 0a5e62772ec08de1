"""Hostile rows, in great number: every one is refused by name, and none is ever answered."""
