"""The device register's tables and migrations: the operations database."""

from pathlib import Path

from piccolo.conf.apps import AppConfig

from backend.devices.tables import (
    Area,
    Building,
    Detector,
    DetectorChange,
    Household,
    Model,
    Mute,
    Pause,
    Ticket,
)

APP_CONFIG = AppConfig(
    app_name="devices",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Area, Building, Household, Model, Detector, DetectorChange, Pause, Mute, Ticket],
    migration_dependencies=[],
)
