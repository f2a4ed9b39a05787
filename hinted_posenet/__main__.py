"""python -m hinted_posenet: the same as the command hinted-posenet."""

from hinted_posenet.cli.main import main

main()
