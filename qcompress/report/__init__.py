"""Tables and pages from a candidate's results."""
