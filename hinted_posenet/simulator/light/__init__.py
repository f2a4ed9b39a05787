"""Light: what date, time of day, weather and camera do to colours; geometry never changes here."""
