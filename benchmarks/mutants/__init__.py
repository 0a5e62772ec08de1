"""The code broken in many ways, to see whether a test notices."""
