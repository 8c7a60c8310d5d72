"""Searches within a range whose ends are known: a bisection, and the frontier that lines of it trace."""
