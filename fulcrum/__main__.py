"""`python -m fulcrum` is the command line."""

from fulcrum import main

if __name__ == "__main__":
    main()
