"""One module, one experiment. A file dropped here shows up in the command line, the API and the pages."""
