"""The Piccolo app of ``audit_entry``, beside the data in three databases: its migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

APP_CONFIG = AppConfig(
    app_name="audit.entry",
    migrations_folder_path=Path(__file__).parent / "entry_migrations",
    table_classes=[],
)
