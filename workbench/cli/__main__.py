"""`python -P -m workbench.cli`: how the workbench starts itself as a child process."""

from workbench.cli.app import main

main()
