"""The room of the browser page. Nothing lives here yet."""
