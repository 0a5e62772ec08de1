"""The batch scorer on a Ray cluster of several processes: what that costs, and what is lost when some are killed."""
