#!/usr/bin/env bash
# The pictures of docs/data.md: checks of a simulated orbit, and of the labels of ShopFacade. Two minutes.
source "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
labels=${HINTED_POSENET_DATA:-../shared/data}/cambridge_labels
pictures=runs/pictures

hinted-posenet simulate recipe=tiny scene=orbit camera.width=480 camera.height=360 'flight=[random,orbit]' \
    flight.orbit.altitude_m=80 flight.orbit.radius_m=60 'flights.train.plan=${flight.orbit}' \
    flights.train.images=60 'flights.train.when=[summer]' expected=null overwrite=true
hinted-posenet data check simulated/aerial/orbit out="$pictures"
hinted-posenet data check "$labels/ShopFacade" out="$pictures" || true # labels without images are not sound
for name in orbit-convention ShopFacade-cameras; do
    python -c 'import sys; from PIL import Image; Image.open(sys.argv[1]).convert("RGB").save(sys.argv[2], quality=85)' \
        "$pictures/$name.png" "docs/images/$name.jpg"
done
