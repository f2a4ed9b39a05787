"""hinted-posenet score PREDICTIONS --truth SET: poses of any method, scored as our own are."""

from pathlib import Path

from hinted_posenet.cli.parser import VerbParser, one_line_errors

DESCRIPTION = """\
Scores a file of poses, whoever wrote it, with the metrics and controls of our own runs, and writes the files of
a run, so that `compare` and `report` take it. PREDICTIONS is a text file `name qw qx qy qz tx ty tz`
(world-to-camera: ours, hloc's), a TUM trajectory, a CSV with T_world_cam_* or T_cam_world_* columns, a folder of
*.pose.txt (7-Scenes) or a COLMAP model. Frames without a pose count as failures; a frame that is unknown or
answered twice is an error that names the line."""
EPILOG = """\
examples:
  hinted-posenet score hloc.txt --truth data/seven_scenes/redkitchen --name hloc
  hinted-posenet score hloc.txt --truth runs/seven_scenes/redkitchen/posenet/seed-0 --name hloc
  hinted-posenet score estimated.tum --truth groundtruth.tum --align rigid"""


def main() -> None:
    """Read, match, score, write, print."""
    parser = VerbParser("score", DESCRIPTION, EPILOG)
    add = parser.add_argument
    add("predictions", type=Path, metavar="PREDICTIONS", help="file or folder of poses")
    add(
        "--truth",
        type=Path,
        required=True,
        metavar="SET",
        help="a data set's scene, a run that scored the same frames, or a file of poses",
    )
    add("--split", default="test", help="of the data set: train, val, test or all (default: test)")
    add("--ground-truth", metavar="NAME", help="of 7-Scenes: raw, calibrated or sfm")
    add("--name", help="of the method in tables (default: the file's)")
    formats = ["text", "tum", "csv", "seven_scenes", "colmap"]
    add("--format", choices=formats, help="of the predictions (default: recognised)")
    add(
        "--align",
        dest="alignment",
        default="none",
        choices=["none", "rigid", "similarity"],
        help="move the trajectory onto the true one first, for poses in a world of their own; stamps the result",
    )
    add("--output", type=Path, metavar="DIR", help="default: runs/<data>/<scene>/<name>/seed-0")
    add("--overwrite", action="store_true", help="replace results that are there")
    arguments = parser.parse_args()
    with one_line_errors("score"):
        from hinted_posenet.evaluation.score import score_file

        score_file(**vars(arguments))


if __name__ == "__main__":
    main()
