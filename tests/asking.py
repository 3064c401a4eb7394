"""Who asks in tests that don't care who does."""

from sync.rank import Asker

MACHINE = Asker.command_line()
