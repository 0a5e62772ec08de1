"""What is lost, and for how long it hurts, when something breaks under load."""
