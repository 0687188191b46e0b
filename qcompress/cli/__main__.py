"""`python -m qcompress.cli`."""

from qcompress.cli import main

if __name__ == "__main__":
    main()
