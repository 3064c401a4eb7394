"""Background work: the queue, who works on a row, when a check is due, and asking for one."""
