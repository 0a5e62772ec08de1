"""Fulcrum from outside: its command line, and `fulcrum.client`, by which programs ask a service."""


def main() -> None:
    """Run the command line."""
    from fulcrum.command_line import app  # noqa: PLC0415  # a program that asks a service does without it

    app()
