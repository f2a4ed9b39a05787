#!/usr/bin/env bash
# docs/aerial.md: what a hint gains as the area grows, over the months of the year, and by altitude. Generated worlds;
# NAIP too, where scripts/study_hints.sh has run. A scene and seed to a core; a killed run goes on where it was.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export SEEDS=${SEEDS:-0 1 2} OVERRIDES="$*"
export METHODS=${METHODS:-posenet null_hint hinted_embedding hinted_residual hinted_fusion}

simulate_scene() { # scene, recipe, epochs, overrides of the recipe; VIEWS makes it small
    [ -d "simulated/aerial/$1" ] || hinted-posenet simulate recipe="$2" scene="$1" threads=1 "${@:4}" \
        ${VIEWS:+flights.train.images=$VIEWS flights.val.images=$VIEWS flights.test.images=$VIEWS}
}
study_scene() { # seed, scene, recipe, epochs
    # the sensor is a simulated GPS: made from the labels, so its rows are stamped ORACLE
    hinted-posenet study data=aerial data.scene="$2" augmented_views=2 threads=1 trainer.max_epochs="$4" \
        +trainer.check_val_every_n_epoch=$((($4 + 29) / 30)) $OVERRIDES --methods $METHODS --seeds "$1" \
        --hints none retrieval --sensors-m 50
}
export -f simulate_scene study_scene
# density: about 150 views a square kilometre; epochs are for as many steps as with 1,200 views
scenes=$(grep -E "${SCENES:-.}" <<<"study_area_64km2 study_area 30 world.size_m=8400
study_area_16km2 study_area 30 world.size_m=4400
study_area_4km2 study_area 30
study_area_1km2 study_area 30 world.size_m=1400
study_area_0.25km2 study_area 30 world.size_m=900
study_density_16km2 study_area 15 world.size_m=4400 flights.train.images=800
study_density_4km2 study_area 60 flights.train.images=200
study_density_1km2 study_area 210 world.size_m=1400 flights.train.images=50
study_density_0.25km2 study_area 860 world.size_m=900 flights.train.images=13
study_months study_months 30
study_altitude study_altitude 30")
parallel=(xargs -P "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" -L 1 bash -euc)
"${parallel[@]}" 'simulate_scene "$@"' _ <<<"$scenes"
for seed in $SEEDS; do sed "s/^/$seed /" <<<"$scenes"; done | "${parallel[@]}" 'study_scene "$@"' _

runs() { # of scenes by a pattern: networks that take no hint, and the others under theirs
    local methods=${METHODS// /,}
    eval ls "runs/aerial/$1/{posenet,null_hint}/seed-?/results.json" \
        "runs/aerial/$1/{$methods,}/seed-?/from-{none,retrieval,sensor-50m}/results.json" 2>/dev/null || true
}
hinted-posenet growth --area $(runs "study_area_*") --density $(runs "study_density_*") --altitude $(runs study_altitude) \
    --months $(runs study_months) $(runs naip) --insert docs/aerial.md --figure docs/images/aerial.jpg
