"""The query language: grammar, parser, checks, printer and typed builder. See `language.Language`."""
