"""The connector of any app that a YAML file describes: it reads the file, calls the app and reads the app's answers."""
