"""From files to run folders."""
