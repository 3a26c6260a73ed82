"""Slow, obvious versions of what the C kernels do. Written from the machine's description, not from the C."""
