"""The `digirm` command: one module per subcommand, each importing what it needs when it runs."""
