"""What becomes of the answers to a file when something breaks while they are made."""
