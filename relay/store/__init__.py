"""The database: SQL, and rows to values and back. The only place, with migrations/, where SQLAlchemy appears."""
