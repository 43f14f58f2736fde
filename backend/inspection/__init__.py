"""Inspection and repair (5.1.2): rounds by a cycle, six items at each device, and a technician's
24 hours for what could not be put right on the spot."""
