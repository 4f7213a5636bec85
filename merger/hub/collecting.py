"""Collections of the Hub: which an account may put a model into, and putting it there. Nothing here is done unasked."""

import re
from collections.abc import Callable, Sequence

from merger.errors import CheckpointError, MergeError
from merger.hub.wire import Token, client, endpoint, never, patient, status_of
from merger.limits import COLLECTION_CHARACTERS, COLLECTIONS

_SLUG = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]{0,95})/[A-Za-z0-9_-]{0,200}[0-9a-f]{24}")


def collections_of(owners: Sequence[str], token: Token) -> list[tuple[str, str]]:
    """(title, slug) of the collections that these accounts have, those changed last first; at most COLLECTIONS."""
    if not owners:
        return []
    api = client(token)
    asked = list(owners) if len(owners) > 1 else owners[0]
    most = int(COLLECTIONS)
    found = patient(
        lambda: list(api.list_collections(owner=asked, sort="lastModified", limit=most)), "collections", token, tries=2
    )
    several = len(owners) > 1
    slugs = ((_plain(str(one.title)), str(one.slug)) for one in found)
    return [(f"{slug.partition('/')[0]}: {title}" if several else title, slug) for title, slug in slugs if _SLUG.fullmatch(slug)]


def _plain(title: str) -> str:
    """Without what cannot be seen."""
    return "".join(c for c in title if c.isprintable())[:COLLECTION_CHARACTERS].strip() or "(no title)"


def checked(wanted: str) -> str:
    """A collection as it is asked for: the slug of one that is there, or the title of a new one. MergeError where it is neither.

    >>> checked("  My merges ")
    'My merges'
    """
    wanted = " ".join(wanted.split())
    if not _SLUG.fullmatch(wanted) and len(wanted) > COLLECTION_CHARACTERS:
        raise MergeError(f"The title of a collection has at most {COLLECTION_CHARACTERS} characters; this one has {len(wanted)}.")
    return wanted


def collect(repo: str, wanted: str, token: Token, *, private: bool, note: str = "", cancelled: Callable[[], bool] = never) -> str:
    """Put a model into a collection; returns the address of its page. wanted: as `checked` gives it.

    private  who sees a new one: as the model. A model that is in it already stays there.
    MergeError says why not: the model itself is published by then.
    """
    api, found = client(token), _SLUG.fullmatch(wanted)
    owner = found[1] if found else repo.partition("/")[0]

    def put() -> str:
        slug = wanted if found else api.create_collection(wanted, namespace=owner, private=private, exists_ok=True).slug
        return str(api.add_collection_item(slug, repo, "model", note=note or None, exists_ok=True).slug)

    def asked() -> str:
        try:
            return put()
        except Exception as error:
            raise _told(error, owner, found is not None) or error from None

    return f"{endpoint()}/collections/{patient(asked, wanted, token, cancelled, tries=3)}"


def _told(error: Exception, owner: str, there: bool) -> CheckpointError | None:
    """Why the Hub did not do it, where it has said so; None where it is busy or away, which is told as always."""
    status = status_of(error)
    if status in (401, 403):
        return CheckpointError(f"your sign-in may not change the collections of {owner}.")
    if status == 404:
        return CheckpointError("the collection is not there any more." if there else f"{owner} can have no collections.")
    if status is not None and 400 <= status < 500 and status not in (408, 425, 429):
        return CheckpointError(f"the Hub takes no more into it, or not under this title ({status}).")
    return None


__all__ = ["checked", "collect", "collections_of"]
