"""What people's own files ask of an API that its new version no longer accepts."""

from digirm_codegen.against.scan import Scan, scan
from digirm_codegen.against.uses import Use

__all__ = ["Scan", "Use", "scan"]
