"""Who may come in, and as what: accounts, passwords, sessions, roles and link tokens.

Every other domain may import ``backend.access.principal`` and ``backend.access.guards``.
"""
