#!/usr/bin/env bash
# docs/hints.md's table of several answers: recall of the first and of any of three modes on ambiguous_rows, without a hint
# and with some. Called by study_hints.sh; trains missing runs.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export METHODS=${METHODS:-hinted_fusion hinted_memory hinted_residual} OVERRIDES=${OVERRIDES:-}

[ -d simulated/aerial/ambiguous_rows ] || hinted-posenet simulate recipe=ambiguous_rows
bash scripts/study_scene.sh ambiguous_rows "${SEEDS:-0 1 2}" "hints=[none,retrieval]" "sensors_m=[50]" \
    "tables=[modes]" out=runs/modes.md
python docs/tools/insert_table.py runs/modes.md docs/hints.md modes
