"""Tables, figures and pages from the files of runs."""
