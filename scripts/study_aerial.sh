#!/usr/bin/env bash
# docs/aerial.md: what a hint gains as the area grows, over the months of the year, and by altitude, on generated worlds;
# also on NAIP where scripts/study_hints.sh has run. One scene and seed per core; an interrupted run continues.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
export SEEDS=${SEEDS:-0 1 2} OVERRIDES="$*"
export METHODS=${METHODS:-posenet null_hint hinted_embedding hinted_residual hinted_fusion}

simulate_scene() { # scene, recipe, overrides of the recipe; VIEWS makes it small
    [ -d "simulated/aerial/$1" ] || hinted-posenet simulate recipe="$2" scene="$1" threads=1 "${@:3}" $(fewer_views "$2")
}
study_scene() { # seed, scene; the sensor is a simulated GPS: made from the labels, so its rows are stamped (oracle)
    hinted-posenet study experiment="$2" threads=1 $OVERRIDES "methods=[${METHODS// /,}]" "seeds=[$1]" \
        "hints=[none,retrieval]" "sensors_m=[50]"
}
export -f fewer_views simulate_scene study_scene
scenes=$(grep -E "${SCENES:-.}" <<<"study_area_64km2 study_area world.size_m=8400
study_area_16km2 study_area world.size_m=4400
study_area_4km2 study_area
study_area_1km2 study_area world.size_m=1400
study_area_0.25km2 study_area world.size_m=900
study_density_16km2 study_area world.size_m=4400 flights.train.images=800
study_density_4km2 study_area flights.train.images=200
study_density_1km2 study_area world.size_m=1400 flights.train.images=50
study_density_0.25km2 study_area world.size_m=900 flights.train.images=13
study_months study_months
study_altitude study_altitude")
parallel=(xargs -P "${JOBS:-$(getconf _NPROCESSORS_ONLN)}" -L 1 bash -euc)
"${parallel[@]}" 'simulate_scene "$@"' _ <<<"$scenes"
for seed in $SEEDS; do cut -d " " -f 1 <<<"$scenes" | sed "s/^/$seed /"; done | "${parallel[@]}" 'study_scene "$@"' _

runs() { # of scenes by a pattern: networks that take no hint, and the others under theirs
    eval ls "runs/aerial/$1/{posenet,null_hint}/seed-?/results.json" \
        "runs/aerial/$1/{${METHODS// /,},}/seed-?/from-{none,retrieval,sensor-50m}/results.json" 2>/dev/null || true
}
python benchmarks/growth.py --area $(runs "study_area_*") --density $(runs "study_density_*") \
    --months $(runs study_months) $(runs naip) --altitude $(runs study_altitude) \
    --insert docs/aerial.md --figure docs/images/aerial.jpg
