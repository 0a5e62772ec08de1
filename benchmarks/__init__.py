"""Measured claims, one program each."""
