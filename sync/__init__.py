"""What Rollcall does. No Flask, no HTTP and no app's name may enter.
Each package imports only from those below it: ARCHITECTURE.md lists them, and `.importlinter` keeps the order."""
