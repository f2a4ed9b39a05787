"""hinted-posenet data export."""

from hinted_posenet.cli.verb import run_verb

if __name__ == "__main__":
    run_verb("data export")
