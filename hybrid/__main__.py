"""`python -m hybrid` is the command line."""

from hybrid.plugins.cli import main

if __name__ == "__main__":
    main()
