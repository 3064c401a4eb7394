"""TEMP tables that a check or a reading fills and several modules read: each is declared here and nowhere else."""
