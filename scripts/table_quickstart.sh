#!/usr/bin/env bash
# The README's quick-start table, figure and report: the quick start with 3 seeds. 30 minutes on 2 cores.
cd "$(dirname "${BASH_SOURCE[0]}")/.."
for seed in ${SEEDS:-0 1 2}; do
    bash scripts/quickstart.sh seed="$seed" "$@"
done
source scripts/setup.sh
runs=runs/aerial/${SCENE:-village_four_seasons}
hinted-posenet compare "$runs"/{posenet,null_hint,hinted_embedding,hinted_residual,hinted_memory}/seed-? \
    --groups "seasons seen in training" "unseen seasons" --insert README.md quickstart --figure docs/images/quickstart.jpg
hinted-posenet report "$runs"/{posenet,null_hint,hinted_embedding,hinted_residual,hinted_memory}/seed-? --output runs/quickstart.html
bash scripts/picture_report.sh runs/quickstart.html docs/images/report_quickstart.jpg "" 900
