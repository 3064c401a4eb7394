"""A connector whose app is described in a YAML file: reading the file, calling the app, reading its answers."""
