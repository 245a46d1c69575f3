"""Commands to devices by the Server Command Interface, `POST /ws/sci`."""

from digirm_runtime.sci.awaiting import AsyncJob, AsyncSci
from digirm_runtime.sci.blocking import Job, Sci
from digirm_runtime.sci.files import DeviceFile
from digirm_runtime.sci.payload import StoredPayload
from digirm_runtime.sci.reply import DeviceError, JobTimeoutError, Result, Results, SCIError
from digirm_runtime.sci.targets import ALL, Group, Tag

__all__ = [
    "ALL",
    "AsyncJob",
    "AsyncSci",
    "DeviceError",
    "DeviceFile",
    "Group",
    "Job",
    "JobTimeoutError",
    "Result",
    "Results",
    "SCIError",
    "Sci",
    "StoredPayload",
    "Tag",
]
