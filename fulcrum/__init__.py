"""Fulcrum from outside: its command line, and `fulcrum.client`, by which programs ask a service."""

import gc


def main() -> None:
    """Run the command line."""
    from fulcrum.command_line import app  # noqa: PLC0415  # a program that asks a service does without it

    try:
        app()
    finally:
        # All that was loaded goes with the process; to look through it for garbage first would take 0.2 s.
        gc.freeze()
