"""Mapping templates at work: ``live.py`` is what a consumer holds, ``recent.py`` the last messages
for the technician's screen, ``service.py`` the versions, ``preview.py`` what a draft would say."""
