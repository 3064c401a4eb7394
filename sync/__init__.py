"""What Rollcall does. No Flask, no HTTP and no app's name may enter;
connectors are reached through connectors.base alone."""
