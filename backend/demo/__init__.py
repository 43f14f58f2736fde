"""The demonstration: an invented neighbourhood, its people, its telemetry and its alarms.

Everything in it is an exercise; nobody real can be reached from it.
"""
