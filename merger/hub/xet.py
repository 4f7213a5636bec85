"""Large files to the Hub by Xet, from their paths: huggingface_hub's own steps, with progress and a way to stop.

huggingface_hub takes Xet for paths, but shows how far it is in bars of its own alone. What of its insides is used here stands in
`import_parts`; where they are others, LFS is used, as ever.
"""

import importlib
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from merger.hub.wire import Token, endpoint, opened

log = logging.getLogger(__name__)
_ASK = 0.1
"""Seconds between two looks at how far it is."""
_ENDING = 10.0
"""Seconds that an upload which was stopped may take to end."""


def available(repo: str, token: Token) -> bool:
    """Whether huggingface_hub would send by Xet, and the Hub lets this repository have it; HF_HUB_DISABLE_XET says no."""
    try:
        if not importlib.import_module("huggingface_hub.utils._runtime").is_xet_available():
            return False
        with opened(_refresh(import_parts()[1], repo), token):
            return True
    except Exception as error:  # other insides than were expected, or a Hub without Xet
        log.info("Xet cannot be used (%s); the files are sent by LFS.", type(error).__name__)
        return False


def import_parts() -> tuple[Any, Any, Any]:
    """hf_xet, huggingface_hub's module for it, and what asks the Hub which files are large. ImportError where one is missing."""
    hf_xet = importlib.import_module("hf_xet")
    xet = importlib.import_module("huggingface_hub.utils._xet")
    commits = importlib.import_module("huggingface_hub._commit_api")
    if not hasattr(hf_xet, "XetSession"):
        raise ImportError("hf_xet is older than its sessions")
    return hf_xet, xet, commits


def _refresh(xet: Any, repo: str) -> str:
    """Where the Hub gives tokens for the store."""
    kind = xet.XetTokenType.WRITE
    return xet.xet_connection_info_refresh_url(
        token_type=kind, repo_id=repo, repo_type="model", revision="main", endpoint=endpoint()
    )


def send(
    api: Any, repo: str, additions: Sequence[Any], token: Token, progress: Callable[[int], None], check: Callable[[], None]
) -> bool:  # fmt: skip
    """Send the large files among some additions; false where that does not come about, and nothing of it counts.

    progress  hears how many bytes are done; check  asked several times a second, raises where it is to stop
    """
    try:
        hf_xet, xet, commits = import_parts()
        headers = api._build_hf_headers(token=token)
        commits._fetch_upload_modes(
            additions=additions, repo_type="model", repo_id=repo, headers=headers, revision="main", endpoint=endpoint()
        )
        large = [op for op in additions if op._upload_mode == "lfs" and not op._should_ignore]
        if not large:
            return True
        commit = xet.get_xet_session().new_upload_commit(
            token_refresh_url=_refresh(xet, repo),
            token_refresh_headers=headers,
            custom_headers=xet.xet_headers_without_auth(headers),
            progress_callback=None,
        )
    except Exception as error:  # other insides than were expected
        log.info("Xet cannot be used (%s); the files are sent by LFS.", type(error).__name__)
        return False
    failed: list[BaseException] = []
    digests: list[str] = []

    def work() -> None:
        try:
            handles = [commit.start_upload_file(str(op.path_or_fileobj), sha256=hf_xet.COMPUTE_SHA256) for op in large]
            commit.wait_to_finish()
            digests.extend(handle.result().xet_info.sha256 for handle in handles)
        except BaseException as error:  # told by the thread that waits
            failed.append(error)

    thread = threading.Thread(target=work, daemon=True, name="merger xet")
    thread.start()
    try:
        while thread.is_alive():
            check()
            thread.join(_ASK)
            progress(_done(commit))
    except BaseException:
        commit.abort()
        thread.join(_ENDING)
        raise
    if failed or len(digests) < len(large):
        log.warning("Xet failed (%s); the files are sent by LFS.", type(failed[0]).__name__ if failed else "no digests")
        return False
    for op, sha in zip(large, digests, strict=True):
        op.upload_info.sha256 = bytes.fromhex(sha)
        op._is_uploaded = True
    return True


def _done(commit: Any) -> int:
    """Bytes that are on the other side, or were there; 0 where it cannot be told."""
    try:
        return int(commit.progress().total_bytes_completed)
    except Exception:  # it has just ended
        return 0


__all__ = ["available", "send"]
