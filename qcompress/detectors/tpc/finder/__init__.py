"""The classical cluster finder, exactly, and its files."""
