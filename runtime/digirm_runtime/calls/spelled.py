"""A call in other words: for curl, for HTTPie, as a Python program, as a request of an editor's `.http` file.

No credentials stand in any of them. curl and HTTPie find those of netrc by themselves, and those of the environment are
named by their variables. `ANYBODY` stands for a simulator that takes any. Whatever a user wrote is quoted, and reaches
the service unchanged.
"""

from __future__ import annotations

from digirm_runtime.calls.editors import http_file as http_file
from digirm_runtime.calls.programs import httpx as httpx
from digirm_runtime.calls.programs import python as python
from digirm_runtime.calls.proof import ANYBODY as ANYBODY
from digirm_runtime.calls.shells import curl as curl
from digirm_runtime.calls.shells import httpie as httpie
