"""The Piccolo app of ``audit_entry``, in operations and in identity: where its migrations are."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

APP_CONFIG = AppConfig(
    app_name="audit.entry",
    migrations_folder_path=Path(__file__).parent / "entry_migrations",
    table_classes=[],
)
