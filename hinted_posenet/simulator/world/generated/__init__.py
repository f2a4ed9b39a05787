"""Land of any size from a seed, by windows."""
