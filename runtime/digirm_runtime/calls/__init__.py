"""Single calls of any path: as they were asked for, as a spec judges them, as they are sent, and in other words."""
