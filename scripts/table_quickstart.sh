#!/usr/bin/env bash
# The quick start's table, figure and report in docs/results.md: the quick start with 3 seeds. 30 minutes on 2 cores.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for seed in ${SEEDS:-0 1 2}; do
    bash scripts/quickstart.sh seed="$seed" "$@"
done
source scripts/setup.sh
runs=(runs/aerial/"${SCENE:-village_four_seasons}"/{posenet,null_hint,hinted_embedding,hinted_residual,hinted_memory}/seed-?)
hinted-posenet compare "${runs[@]}" "groups=[seasons seen in training,unseen seasons]" table_format=markdown \
    out=runs/quickstart.md figure=docs/images/quickstart.jpg
python docs/tools/insert_table.py runs/quickstart.md docs/results.md quickstart
hinted-posenet report "${runs[@]}" out=runs/quickstart.html
bash scripts/picture_report.sh runs/quickstart.html docs/images/report_quickstart.jpg "" 900
