"""`python -m fairaudit`."""

from fairaudit.cli import main

if __name__ == "__main__":
    main()
