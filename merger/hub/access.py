"""Access: which models may be opened for whom. Asked where a model is opened, at every use, also of what is open already."""

from dataclasses import dataclass

from merger.errors import CheckpointError, MergeError
from merger.hub import store
from merger.hub.references import parse_reference


@dataclass(frozen=True)
class Access:
    """What may be opened on behalf of one visitor; without arguments everything, as on one's own computer.

    folders  None: any folder, any model. Else a hosted page: the only local folders, by the names that recipes use, beside the
             models of the Hub that lie here
    granted  the gated and private models (owner/name) that this visitor has brought with a sign-in of their own
    """

    folders: frozenset[str] | None = None
    granted: frozenset[str] = frozenset()

    def refusal(self, reference: str) -> str:
        """Why a model must not be opened; "" if it may. Asks nobody."""
        if self.folders is None:
            return ""
        try:
            parts = parse_reference(reference, folders=self.folders)
        except MergeError as error:
            return str(error)
        return next(filter(None, (self._refused(part) for part in parts)), "")

    def _refused(self, part: str) -> str:
        if self.folders is None or part in self.folders:
            return ""
        if not store.is_hub_id(part):
            return f"{part[:200]}: this page opens models from the Hub only, not folders."
        if store.cached(part) is None:
            return f"{part}: is not here yet; choose it under Models and download it."
        if store.restricted(part) and store.split(part)[0] not in self.granted:
            return f"{part}: is gated or private. Sign in, choose it under Models, and it opens for you."
        return ""

    def check(self, *references: str) -> None:
        """CheckpointError if one of these models must not be opened."""
        for reference in references:
            why = self.refusal(reference)
            if why:
                raise CheckpointError(why)


ANYTHING = Access()
"""What the owner of a computer may open on it."""

__all__ = ["ANYTHING", "Access"]
