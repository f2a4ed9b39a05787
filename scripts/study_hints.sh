#!/usr/bin/env bash
# docs/hints.md: every variant under every hint, beside its controls, 3 seeds, on RedKitchen, NAIP and ambiguous rows.
# A scene and seed to a core; a killed run goes on where it was. HINTED_POSENET_DATA holds RedKitchen and NAIP.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data} SEEDS=${SEEDS:-0 1 2} OVERRIDES="$*"
methods="posenet null_hint hinted_embedding embedding_uniform embedding_leave_one_out embedding_mixed embedding_cascaded
    cross_attention hinted_residual residual_camera residual_unbounded residual_mixed residual_cascaded hinted_gated
    hinted_fusion film,trainer.max_epochs=10 hinted_memory"
export METHODS=${METHODS:-$methods}
SCENES=${SCENES:-naip ambiguous_rows redkitchen}

for recipe in naip ambiguous_rows; do
    [[ " $SCENES " != *" $recipe "* ]] || [ -d simulated/aerial/$recipe ] || hinted-posenet simulate recipe=$recipe
done

study() { # scene, seeds, further words
    # 50 frames for validation: chosen by them among single epochs, networks differed more by luck than by method
    local words=(data=seven_scenes averaged_steps=100) sensors_m="0.05 0.2 0.5" methods=$METHODS
    if [ "$1" != redkitchen ]; then
        words=(data=aerial augmented_views=2 trainer.max_epochs=20) sensors_m="5 50 500"
        # it learns from pairs of images, of which there are enough: augmented versions only take time
        methods=${methods/hinted_memory/hinted_memory,augmented_views=0}
    fi
    hinted-posenet study "${words[@]}" data.scene="$1" threads=1 $OVERRIDES --methods $methods --seeds $2 \
        --sensors-m $sensors_m "${@:3}"
}
export -f study
for seed in $SEEDS; do for scene in $SCENES; do echo "$scene $seed"; done; done |
    xargs -P "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" -L 1 bash -euc 'study "$@"' _
for scene in $SCENES; do
    groups=()
    [ $scene != naip ] || groups=(--groups "dates seen in training" "unseen dates")
    study $scene "$SEEDS" --insert docs/hints.md $scene --figure docs/images/hints_$scene.jpg "${groups[@]}"
done

# the README shows some of the methods under some of the hints
METHODS=$(tr -s ' \n' '\n' <<<"$METHODS" | grep -xE "posenet|null_hint|hinted_(embedding|residual|fusion|memory)")
[[ " $SCENES " != *" redkitchen "* ]] ||
    study redkitchen "$SEEDS" --hints none retrieval --sensors-m 0.2 --tables errors --insert README.md redkitchen
if [[ " $SCENES " = *" naip "* ]]; then
    study naip "$SEEDS" --hints none retrieval --sensors-m 50 --tables errors --groups "unseen dates" \
        --insert README.md naip
    hinted-posenet compare $(for method in $METHODS; do echo runs/aerial/naip/$method/seed-0; done) \
        --groups "dates seen in training" "unseen dates" --figure docs/images/naip.jpg
fi
