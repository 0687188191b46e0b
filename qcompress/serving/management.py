"""What is asked of a service besides inference, the same over both protocols."""

from dataclasses import dataclass
from importlib.metadata import version

from qcompress.errors import MismatchError, QcompressError
from qcompress.files import JsonObject
from qcompress.serving.engine import Engine
from qcompress.serving.faults import Reason, RequestFault, invalid
from qcompress.serving.monitoring import say

EXTENSIONS = ["binary_tensor_data", "model_configuration", "model_repository", "statistics"]
"""Of the protocol: those that this service has."""


def server_metadata() -> JsonObject:
    """What the protocol calls the server's metadata."""
    return {"name": "qcompress", "version": version("qcompress"), "extensions": EXTENSIONS}


@dataclass(frozen=True)
class Management:
    """Statistics and the repository. replacing: whether clients may have models loaded again and unloaded."""

    engine: Engine
    replacing: bool

    def statistics(self, name: str, number: str) -> list[JsonObject]:
        """Of a model, of one of its versions if there is a number, or of all models where `name` is empty."""
        models = self.engine.repository.models()
        if name:
            found = self.engine.repository.find(name, number)
            models = [found] if number else [model for model in models if model.name == name]
        return [model.counts.told(model.name, model.version) for model in models]

    async def load(self, name: str) -> None:
        """Load what model `name` comes from again; raises RequestFault if that is not allowed, or not possible."""
        self.check()
        await self.reload(name)

    def unload(self, name: str) -> None:
        """Serve model `name` no more; raises RequestFault if that is not allowed, or there is none."""
        self.check()
        self.engine.repository.unload(name)
        say(f"{name} is unloaded")

    async def reload(self, name: str | None) -> None:
        """Load again and say what has changed; raises RequestFault saying why nothing has."""
        try:
            changed = await self.engine.aside(lambda: self.engine.repository.reload(name))
        except RequestFault:
            raise
        except (QcompressError, MismatchError, OSError) as fault:
            say(f"not loaded again, all is served as before: {fault}")
            raise invalid(f"not loaded again, it is served as before: {fault}") from None
        say(f"loaded again: {', '.join(changed) or 'nothing has changed'}")

    def check(self) -> None:
        """Raises RequestFault unless clients may replace models."""
        if not self.replacing:
            raise RequestFault(
                Reason.UNSUPPORTED, "models are replaced only where the service runs with --allow-reload"
            )
