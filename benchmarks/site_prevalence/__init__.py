"""What tuning a bundle for a site can do, and where it can not."""
