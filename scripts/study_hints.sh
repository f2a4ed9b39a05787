#!/usr/bin/env bash
# docs/hints-results.md: every method and variant under every hint, beside its controls, with 3 seeds. One scene and seed
# per core; an interrupted run continues. HINTED_POSENET_DATA holds RedKitchen and NAIP; VIEWS simulates fewer views.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data} SEEDS=${SEEDS:-0 1 2} OVERRIDES="$*"
methods="posenet null_hint hinted_embedding embedding_uniform embedding_leave_one_out embedding_mixed embedding_cascaded
    cross_attention hinted_residual residual_camera residual_unbounded residual_mixed residual_cascaded hinted_gated
    hinted_fusion film hinted_memory"
export METHODS=${METHODS:-$methods} SCENES=${SCENES:-naip ambiguous_rows redkitchen}

for recipe in naip ambiguous_rows; do
    [[ " $SCENES " != *" $recipe "* ]] || [ -d simulated/aerial/$recipe ] ||
        hinted-posenet simulate recipe=$recipe $(fewer_views $recipe)
done
for seed in $SEEDS; do for scene in $SCENES; do echo "$scene $seed"; done; done |
    xargs -P "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" -L 1 bash scripts/study_scene.sh
for scene in $SCENES; do
    groups=()
    [ "$scene" != naip ] || groups=("groups=[dates seen in training,unseen dates]")
    bash scripts/study_scene.sh "$scene" "$SEEDS" out="runs/hints_$scene.md" figure="docs/images/hints_$scene.jpg" \
        "${groups[@]}"
    python docs/tools/insert_table.py "runs/hints_$scene.md" docs/hints-results.md "$scene"
done
bash scripts/table_hints.sh
