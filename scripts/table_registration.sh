#!/usr/bin/env bash
# docs/map.md's table of Ground Registration as a method, on NAIP: over orthophotos of other dates, and over a mosaic of its
# training images. 45 minutes on one core; a killed run continues.
# VIEWS simulates fewer views.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data}

[ -d simulated/aerial/naip ] || hinted-posenet simulate recipe=naip $(fewer_views naip)
for seed in ${SEEDS:-0 1 2}; do
    hinted-posenet train experiment=naip_ground_registration seed="$seed" resume=true logger=none "$@"
done
# nothing of it is random: the released network, as it is
hinted-posenet train experiment=naip_ground_registration_memory resume=true logger=none "$@"
hinted-posenet compare runs/aerial/naip/ground_registration{,_memory}/seed-? \
    "groups=[dates seen in training,unseen dates]" table_format=markdown out=runs/registration.md
python docs/tools/insert_table.py runs/registration.md docs/map.md "registration runs"
