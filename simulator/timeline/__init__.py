"""What happens when, as a trace for a viewer: the simulated layers run again, watched, and written to one file."""
