"""`/ws/sci`: commands to devices, answered at once or as jobs.

What goes wrong with one device is part of a reply with status 200; what is no request is a 400 with an `<error>`.
"""

from __future__ import annotations

from collections.abc import Iterable

from digirm_runtime.wire import Response
from digirm_runtime.xmltext import XMLError
from digirm_simulator.other import Asked
from digirm_simulator.replies import Problem
from digirm_simulator.sci import jobs, xml
from digirm_simulator.sci.operations import Result, run
from digirm_simulator.sci.request import Addressed, Command, RefusedError, read, resolve
from digirm_simulator.sci.scripts import DeviceError, DeviceRequest
from digirm_simulator.sci.stored import filled_in

__all__ = ["DeviceError", "DeviceRequest", "answer"]

#: So many bytes a request may have.
MAX_BYTES = 16 << 20
NO_TARGETS = "Invalid SCI request. No valid targets found."


def answer(asked: Asked) -> Response:
    """The answer to a request for `/ws/sci` or one of its jobs. Never raises Problem: errors are XML here."""
    try:
        return _answer(asked)
    except Problem as problem:
        return xml.sci_reply(xml.error(problem.message), problem.status)
    except (RefusedError, XMLError) as error:
        text = str(error)
        return xml.sci_reply(
            xml.error(text if isinstance(error, RefusedError) else f"Invalid SCI request. {text}"), 400
        )


def _answer(asked: Asked) -> Response:
    method, rest = asked.method, asked.path[1:]
    if method not in ("GET", "HEAD") and not asked.user.may_write:
        raise Problem(403, f"The role {asked.user.role} does not allow {method}")
    if len(rest) > 1:
        raise Problem(404, "There is no such address")
    if not rest:
        if method == "POST":
            return _send(asked)
        if method in ("GET", "HEAD"):
            return jobs.listed(asked)
    elif method in ("GET", "HEAD", "DELETE"):
        return jobs.delete(asked, rest[0]) if method == "DELETE" else jobs.read(asked, rest[0], complete)
    raise Problem(405, f"{method} is not allowed here")


def _send(asked: Asked) -> Response:
    if len(asked.body) > MAX_BYTES:
        raise Problem(413, f"A request has at most {MAX_BYTES} bytes")
    command = filled_in(asked.world, read(asked.body))
    targets = resolve(asked.world, command.targets)
    if command.says("synchronous", "false"):
        number = jobs.start(asked, targets)
        content = xml.wrap(command.operation, {}, f"<jobId>{number}</jobId>")
        return xml.sci_reply(content, 202, {"location": f"/ws/sci/{number}"})
    results = [(target, run(asked.world, command, target)) for target in targets]
    return xml.sci_reply(complete(command, results))


def complete(command: Command, results: Iterable[tuple[Addressed, Result]]) -> str:
    """The element of the operation with what became of it on each device, as far as `reply` asks for it."""
    results = list(results)
    wanted = command.attributes.get("reply", "all")
    shown = [one for one in results if wanted == "all" or (wanted == "errors" and not one[1].is_fine)]
    content = "".join(xml.wrap("device", {"id": target.id}, result.xml) for target, result in shown)
    if wanted == "summary":
        fine = sum(result.is_fine for _, result in results)
        content = xml.inner({"summary": {"success": fine, "failure": len(results) - fine}})
    if not any(target.device for target, _ in results):
        content += xml.error(NO_TARGETS)
    return xml.wrap(command.operation, {}, content)
