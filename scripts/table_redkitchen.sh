#!/usr/bin/env bash
# The README's RedKitchen table: four networks and retrieval on real frames, 3 seeds. 10 minutes on 2 cores.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data}
common=(data=seven_scenes data.scene=redkitchen resume=true threads="$(nproc)")
runs=runs/seven_scenes/redkitchen

for seed in ${SEEDS:-0 1 2}; do
    for method in posenet null_hint; do
        hinted-posenet train "${common[@]}" method=$method seed=$seed "$@"
    done
    for method in hinted_embedding hinted_residual; do
        hinted-posenet train "${common[@]}" method=$method seed=$seed passes=3 "$@"
        hinted-posenet evaluate checkpoint=$runs/$method/seed-$seed output=$runs/$method/seed-$seed/from-posenet \
            start_hint=network start_hint.checkpoint=$runs/posenet/seed-$seed
    done
done
hinted-posenet compare $runs/{posenet,null_hint,hinted_embedding,hinted_residual}/seed-? \
    $runs/{hinted_embedding,hinted_residual}/seed-?/from-posenet --insert README.md redkitchen
