"""`python -m spaxel` is the command `spaxel`, where that is not on the path."""

from spaxel.cli import main

if __name__ == "__main__":
    main()
