"""What is stored: schema, sessions, migrations, the content store. Imports nothing else of the house."""
