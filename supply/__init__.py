"""What the service is made of, and whether any of it is known to be vulnerable."""
