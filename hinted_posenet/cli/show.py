"""hinted-posenet show."""

from hinted_posenet.cli.verb import run_verb

if __name__ == "__main__":
    run_verb("show")
