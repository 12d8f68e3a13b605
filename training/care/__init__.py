"""Looking after a home as a whole: what is wrong with it, what takes its space, what can go, backups, the trash."""
