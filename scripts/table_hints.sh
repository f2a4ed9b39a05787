#!/usr/bin/env bash
# The README's tables of RedKitchen and NAIP, their reports (runs/redkitchen.html, runs/naip.html) and pictures: some
# methods of the study under some of its hints. Called by study_hints.sh; trains what is not there.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
shown="posenet null_hint hinted_embedding hinted_residual hinted_fusion hinted_memory"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data} SEEDS=${SEEDS:-0 1 2} OVERRIDES=${OVERRIDES:-}
METHODS=$(for method in ${METHODS:-$shown}; do [[ " $shown " != *" $method "* ]] || echo -n "$method "; done)
export METHODS=${METHODS% }

report() { # folder of runs, name, simulated sensor, section to show
    local runs=() sensors=()
    for method in $METHODS; do for seed in $SEEDS; do runs+=("$1/$method/seed-$seed"); done; done
    for run in "${runs[@]}"; do [ ! -d "$run/from-$3" ] || sensors+=("$run/from-$3"); done
    hinted-posenet report "${runs[@]}" "${sensors[@]}" --output "runs/$2.html"
    bash scripts/picture_report.sh "runs/$2.html" "docs/images/report_$2.jpg" "$4" 900
}
for scene in ${SCENES:-naip redkitchen}; do
    if [ "$scene" = redkitchen ]; then
        bash scripts/study_scene.sh redkitchen "$SEEDS" --hints none retrieval --sensors-m 0.2 --tables errors \
            --insert README.md redkitchen
        report runs/seven_scenes/redkitchen redkitchen sensor-0.2m frames
    elif [ "$scene" = naip ]; then
        bash scripts/study_scene.sh naip "$SEEDS" --hints none retrieval --sensors-m 50 --tables errors \
            --groups "unseen dates" --insert README.md naip
        report runs/aerial/naip naip sensor-50m hints
        hinted-posenet compare $(for method in $METHODS; do echo "runs/aerial/naip/$method/seed-${SEEDS%% *}"; done) \
            --groups "dates seen in training" "unseen dates" --figure docs/images/naip.jpg
        hinted-posenet show what=run run="runs/aerial/naip/${METHODS##* }/seed-${SEEDS%% *}" recipe=naip \
            what.window=false output=docs/images/run.jpg
    fi
done
