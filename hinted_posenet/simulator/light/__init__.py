"""Light: how date, time of day, weather and camera change colours; they never change geometry."""
