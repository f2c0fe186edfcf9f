"""Memory planners: functions `plan(storages) -> offsets`, one a file, and what they plan."""
