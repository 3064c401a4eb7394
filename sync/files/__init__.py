"""Files that people upload: where they may be, and what their columns mean."""
