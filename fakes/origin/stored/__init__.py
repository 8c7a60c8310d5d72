"""What the origins write to the database that they share: credits, usage, counts of windows."""
