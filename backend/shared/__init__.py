"""What every domain may use: settings in, time, ids, databases, problems. Knows no domain."""
