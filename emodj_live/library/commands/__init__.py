"""One module a subcommand of ``emodj-library``."""
