"""Land of any size from a seed, made window by window."""
