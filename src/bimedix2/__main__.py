"""``python -m bimedix2``."""

from bimedix2.cli import main

main()
