"""Building, loading and asking a localizer."""
