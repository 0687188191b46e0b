"""Networks of candidates as a service that speaks the Open Inference Protocol (KServe v2), over HTTP and over gRPC.

Importing this room needs nothing but the core; its libraries are extra `serve` and are imported when a service starts.
"""

from qcompress.serving.options import Limits, Options, Security

__all__ = ["Limits", "Options", "Security"]
