#!/usr/bin/env bash
# docs/hints-results.md: every method and variant, METHOD,KEY=VALUE, under every hint, beside its controls, 3 seeds.
# A scene and seed to a core; a killed run goes on where it was. HINTED_POSENET_DATA holds RedKitchen and NAIP.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data} SEEDS=${SEEDS:-0 1 2} OVERRIDES="$*"
embedding=hinted_embedding,name=embedding residual=hinted_residual,name=residual
methods="posenet null_hint hinted_embedding ${embedding}_uniform,train_hint=uniform
    ${embedding}_leave_one_out,train_hint=leave_one_out ${embedding}_mixed,train_hint=mixed
    ${embedding}_cascaded,train_hint=cascaded cross_attention hinted_residual ${residual}_camera,head.axes=camera
    ${residual}_unbounded,head.bound=null ${residual}_mixed,train_hint=mixed ${residual}_cascaded,train_hint=cascaded
    hinted_gated hinted_fusion film,trainer.max_epochs=10 hinted_memory"
export METHODS=${METHODS:-$methods} SCENES=${SCENES:-naip ambiguous_rows redkitchen}

for recipe in naip ambiguous_rows; do
    [[ " $SCENES " != *" $recipe "* ]] || [ -d simulated/aerial/$recipe ] || hinted-posenet simulate recipe=$recipe
done
for seed in $SEEDS; do for scene in $SCENES; do echo "$scene $seed"; done; done |
    xargs -P "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" -L 1 bash scripts/study_scene.sh
for scene in $SCENES; do
    groups=()
    [ $scene != naip ] || groups=(--groups "dates seen in training" "unseen dates")
    bash scripts/study_scene.sh $scene "$SEEDS" --insert docs/hints-results.md $scene \
        --figure docs/images/hints_$scene.jpg "${groups[@]}"
done
bash scripts/table_hints.sh
