"""Files that people hand over: where they may be, and what their columns mean."""
