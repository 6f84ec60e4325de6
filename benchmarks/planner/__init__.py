"""Runs Homeward's planner beside PyVRP, VROOM and OR-Tools on the same store evenings (see README.md here)."""
