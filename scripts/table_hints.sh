#!/usr/bin/env bash
# docs/results.md: tables of RedKitchen and NAIP, their reports (runs/redkitchen.html, runs/naip.html) and pictures, the
# table of modes in docs/hints.md, and the README's table: some methods of the study under some of its hints. Called by study_hints.sh; trains missing runs.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
shown="posenet null_hint hinted_embedding hinted_residual hinted_fusion hinted_memory"
export HINTED_POSENET_DATA=${HINTED_POSENET_DATA:-../shared/data} SEEDS=${SEEDS:-0 1 2} OVERRIDES=${OVERRIDES:-}
METHODS=$(for method in ${METHODS:-$shown}; do [[ " $shown " != *" $method "* ]] || echo -n "$method "; done)
export METHODS=${METHODS% }

table() { # scene, simulated sensor in metres, further words of the study
    bash scripts/study_scene.sh "$1" "$SEEDS" "hints=[none,retrieval]" "sensors_m=[$2]" "tables=[errors]" \
        out="runs/$1.md" "${@:3}"
    python docs/tools/insert_table.py "runs/$1.md" docs/results.md "$1"
}
report() { # folder of runs, name, simulated sensor, section to show
    local runs=() sensors=()
    for method in $METHODS; do for seed in $SEEDS; do runs+=("$1/$method/seed-$seed"); done; done
    for run in "${runs[@]}"; do [ ! -d "$run/from-$3" ] || sensors+=("$run/from-$3"); done
    hinted-posenet report "${runs[@]}" "${sensors[@]}" out="runs/$2.html"
    bash scripts/picture_report.sh "runs/$2.html" "docs/images/report_$2.jpg" "$4" 900
}
scenes=${SCENES:-naip redkitchen}
if [[ " $scenes " == *" redkitchen "* ]]; then
    table redkitchen 0.2
    report runs/seven_scenes/redkitchen redkitchen sensor-0.2m frames
fi
if [[ " $scenes " == *" naip "* ]]; then
    table naip 50 "groups=[unseen dates]"
    report runs/aerial/naip naip sensor-50m hints
    hinted-posenet compare $(for method in $METHODS; do echo "runs/aerial/naip/$method/seed-${SEEDS%% *}"; done) \
        "groups=[dates seen in training,unseen dates]" figure=docs/images/naip.jpg
    hinted-posenet show what=run run="runs/aerial/naip/${METHODS##* }/seed-${SEEDS%% *}" recipe=naip \
        what.window=false out=docs/images/run.jpg
fi
[[ " $scenes " != *" ambiguous_rows "* ]] || bash scripts/table_modes.sh
python docs/tools/readme_table.py
