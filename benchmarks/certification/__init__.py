"""How often a certified promise is broken, on drawn people of whom the truth is known."""
