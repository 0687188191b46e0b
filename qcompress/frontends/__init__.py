"""What becomes a graph. One module per front end; each is imported only where it is used."""
