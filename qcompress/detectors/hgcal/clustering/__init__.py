"""From trigger cells to clusters and their response: the back end of the trigger, and what is measured on it."""
