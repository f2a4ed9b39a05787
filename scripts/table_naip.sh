#!/usr/bin/env bash
# The README's NAIP table: flights over real orthophotos, trained on five dates, tested on two others, 3 seeds.
# Test dates: 2015-09-26, the only autumn, and 2017-08-27, high water. 30 minutes on 2 cores.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data}
common=(data=aerial data.scene=naip augmented_views=2 resume=true threads="$(nproc)")
runs=runs/aerial/naip

[ -d simulated/aerial/naip ] || hinted-posenet simulate recipe=naip
for seed in ${SEEDS:-0 1 2}; do
    for method in posenet null_hint; do
        hinted-posenet train "${common[@]}" method=$method seed=$seed "$@"
    done
    for method in hinted_embedding hinted_residual; do
        hinted-posenet train "${common[@]}" method=$method seed=$seed passes=3 "$@"
        run=$runs/$method/seed-$seed
        hinted-posenet evaluate checkpoint=$run output=$run/from-posenet \
            start_hint=network start_hint.checkpoint=$runs/posenet/seed-$seed
        # a simulated GPS and compass: made from the labels, so the rows are stamped ORACLE
        hinted-posenet evaluate checkpoint=$run output=$run/from-gps passes=1 \
            start_hint=oracle start_hint.sigma_t_m=50 start_hint.sigma_r_deg=10
    done
done
hinted-posenet compare $runs/{posenet,null_hint,hinted_embedding,hinted_residual}/seed-? \
    $runs/{hinted_embedding,hinted_residual}/seed-?/from-{posenet,gps} \
    --groups "dates seen in training" "unseen dates" --insert README.md naip --figure docs/images/naip.jpg
