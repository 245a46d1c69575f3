"""Files of the account that a request names in place of its payload."""

from __future__ import annotations

from dataclasses import replace

from digirm_runtime.xmltext import Value
from digirm_simulator.sci.request import Command, RefusedError, many, parsed, steps_of, text_of
from digirm_simulator.world import HOME, World


def file(world: World, path: str) -> bytes | None:
    """The content of a file by its path, such as `/~/my_commands/set_settings.xml`; None where there is none.

    The first part is the file set, `~` for that of the account, whose longer name is that of the older API.
    """
    path = path.strip()
    if path.startswith(HOME):
        path = f"~/{path.removeprefix(HOME)}"
    fileset, _, name = path.strip("/").partition("/")
    rows = world.store.sql("SELECT content FROM x_files WHERE fileset = ? AND name = ?", (fileset, name))
    return rows[0][0] if rows else None


def filled_in(world: World, command: Command) -> Command:
    """A request whose `<file>` is replaced by the commands that it names.

    Raises RefusedError where there is no such file, and XMLError where it holds no XML that is taken.
    """
    named = [text_of(item) for item in many(command.payload.get("file"))]
    if not named or command.operation == "update_firmware":
        return command
    payload = {name: value for name, value in command.payload.items() if name != "file"}
    steps: list[tuple[str, Value]] = []
    for path in named:
        content = file(world, path)
        if content is None:
            raise RefusedError(f"Invalid SCI request. There is no file '{path[:200]}'")
        root, value = parsed(content)
        payload[root] = value
        if root == "commands":
            steps += steps_of(content)
    return replace(command, payload=payload, steps=(*command.steps, *steps))
