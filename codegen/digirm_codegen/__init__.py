"""From a server's description of itself to specs, and from specs to a typed client package."""
