"""What can be seen of a run while it goes on: its state, its target, its curves."""
