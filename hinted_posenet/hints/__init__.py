"""Sources of hints: training distributions, inference sources, sensors and retrieval."""
