"""Communities, streets, fire and emergency offices, and the reports that reach them."""
