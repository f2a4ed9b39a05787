#!/usr/bin/env bash
# docs/simulator.md's table of live views: NAIP, trained on files and on views that are rendered live, with as many
# optimizer steps of the same network, and tested on the same files. A live run takes 8 minutes on one core, a run from
# files 1. VIEWS simulates fewer views.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data}

[ -d simulated/aerial/naip ] || hinted-posenet simulate recipe=naip $(fewer_views naip)
for seed in ${SEEDS:-0 1 2}; do
    for method in ${METHODS:-null_hint hinted_residual}; do
        same=(seed="$seed" resume=true threads=1 "$@")
        hinted-posenet train experiment="naip_${method}_files" "${same[@]}"
        hinted-posenet train experiment="naip_${method}_live" ${VIEWS:+flights.train.images=$VIEWS flights.val.images=$VIEWS} "${same[@]}"
    done
done
hinted-posenet compare runs/aerial/naip/*_{files,live}/seed-? "groups=[dates seen in training,unseen dates]" \
    table_format=markdown out=runs/live.md
python docs/tools/insert_table.py runs/live.md docs/simulator.md live
