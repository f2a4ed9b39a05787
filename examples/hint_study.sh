#!/usr/bin/env bash
# When does a hint help? Methods x hints x seeds on the small village: a table with intervals, and curves.
#     bash examples/hint_study.sh [KEY=VALUE ...]      as for `hinted-posenet train`, in any folder
# SEEDS=0,1,2 for what you would publish; an interrupted study resumes.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

python "$here/small_village.py" # simulates it, once
# hints: none, the pose of the most similar training image, and GPS good to 5, 20 and 80 m. Those are made from the
# labels here, so their results are marked (oracle). The controls (PoseNet, the head without any hint, the hint taken as
# the answer, retrieval, the constant pose) are in the table by themselves.
hinted-posenet study data=aerial data.scene=small_village data.height=96 data.width=96 augmented_views=3 \
    trainer.max_epochs=15 logger=none threads=1 paths.runs=runs/study \
    methods=[posenet,null_hint,hinted_embedding,hinted_residual] seeds="[${SEEDS:-0,1}]" \
    hints=[none,retrieval] sensors_m=[5,20,80] tables=[errors] figure=runs/hint_study.jpg "$@"
