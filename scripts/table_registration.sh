#!/usr/bin/env bash
# docs/map.md's table of Ground Registration as a method, on NAIP: over orthophotos of other dates, and over a mosaic of its
# training images; 3 seeds. An hour on one core; a killed run continues.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

[ -d simulated/aerial/naip ] || hinted-posenet simulate recipe=naip
for seed in ${SEEDS:-0 1 2}; do
    for experiment in naip_ground_registration naip_ground_registration_memory; do
        hinted-posenet train experiment=$experiment seed="$seed" resume=true logger=none "$@"
    done
done
hinted-posenet compare runs/aerial/naip/ground_registration{,_memory}/seed-? \
    "groups=[dates seen in training,unseen dates]" table_format=markdown out=runs/registration.md
python docs/tools/insert_table.py runs/registration.md docs/map.md "registration runs"
