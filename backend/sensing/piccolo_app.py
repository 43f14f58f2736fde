"""Sensing's tables and migrations: the telemetry database."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from backend.sensing.tables import AlertOutbox, DetectorEvent, DetectorStateRow, RawMessage

APP_CONFIG = AppConfig(
    app_name="sensing",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[DetectorStateRow, DetectorEvent, RawMessage, AlertOutbox],
    migration_dependencies=[],
)
