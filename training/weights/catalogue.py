"""Pretrained weights by name: what there is, where it lies on disk, and how it gets there.

What is fetched has the checksum its publisher states. What nobody states one for is given as a file
(`training.weights_adding`) and checked against what it was then.
"""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from db.errors import UserError
from db.files import explain_os_errors, file_sha256, scratch_file, settle
from labeling.progress import Progress, silent
from training.weights.entry import Weights, digits_of
from training.weights.published import PUBLISHED
from training.weights.torchvision_entries import TORCHVISION

if TYPE_CHECKING:
    from db.home import Home

TIMM = "timm:"
"""How the names of timm's weights begin; they are in the catalogue where timm is installed."""
_CHUNK = 1 << 20
_TIMEOUT_SECONDS = 30
_LARGEST = 4 * 2**30  # bytes of a file whose size nobody states

CATALOGUE: dict[str, Weights] = {weights.name: weights for weights in (*TORCHVISION, *PUBLISHED)}


def find_weights(name: str) -> Weights:
    """Return a catalogue entry.

    Raises:
        UserError: no entry has that name.
    """
    if name.startswith(TIMM):
        from training.weights.timm_entries import timm_weights

        return timm_weights(name)
    if name not in CATALOGUE:
        near = get_close_matches(name, CATALOGUE, n=3, cutoff=0.6)
        hint = f" Nearest: {', '.join(near)}." if near else ""
        raise UserError(f"The catalogue has no weights '{name}'.{hint} `workbench weights list` lists what it has.")
    return CATALOGUE[name]


def entry_of(sha256: str) -> Weights | None:
    """Return the entry whose publisher states the checksum that a file has; None where none does."""
    stated = ((weights.sha256_prefix, weights) for weights in CATALOGUE.values())
    return next((weights for prefix, weights in stated if prefix and sha256.startswith(prefix)), None)


def how_to_get(weights: Weights) -> str:
    """Return what a person does to have weights on disk, as the end of a sentence."""
    if weights.url:
        return f"run `workbench weights fetch {weights.name}`"
    return f"download them from {weights.page} and run `workbench weights add {weights.name} FILE`"


def fetch_directory(home: Home) -> Path:
    """Return the folder that `weights fetch` and `weights add` fill."""
    return home.models / "weights"


def weights_directories(home: Home) -> tuple[Path, ...]:
    """Return the folders that are searched: the workbench's own, then torch's (`TORCH_HOME/hub/checkpoints`)."""
    import torch.hub

    return fetch_directory(home), Path(torch.hub.get_dir()) / "checkpoints"


def locate(weights: Weights, home: Home) -> Path | None:
    """Return where the weights lie on disk, None where nowhere. Reads no more than folder entries."""
    if weights.file_name is None:
        added = sorted(fetch_directory(home).glob(f"{weights.stem}-????????.*"))
        return next((path for path in added if path.is_file()), None)
    candidates = (folder / weights.file_name for folder in weights_directories(home))
    return next((path for path in candidates if path.is_file()), None)


def check(weights: Weights, path: Path) -> str:
    """Return the SHA-256 (hex) of `path` after comparing it with the publisher's digits, or those it was added with.

    Raises:
        UserError: it is another file, or a damaged one.
    """
    digits = weights.sha256_prefix or digits_of(path.name) or ""
    sha256 = file_sha256(path)
    if not sha256.startswith(digits):
        who = "its publisher says" if weights.url else "it had when it was added"
        raise UserError(
            f"{path} should have a SHA-256 that begins with {digits}, as {who}; found {sha256[:16]}. It is damaged or "
            f"another file: delete it and {how_to_get(weights)}."
        )
    return sha256


def fetch(weights: Weights, directory: Path, progress: Progress = silent) -> Path:
    """Download weights into `directory`, unless they are there, and return the file's path.

    The only function of the workbench that opens a connection to the outside. A file whose checksum differs from the
    publisher's is not kept, nor is half a file.

    Args:
        weights: what to fetch; `find_weights` gives it.
        directory: made where missing; `fetch_directory` names the workbench's own.
        progress: told bytes.

    Raises:
        UserError: there is no address with a checksum, no connection, a wrong checksum, more data than announced, or a
            folder that cannot be written.
    """
    if weights.url is None or weights.file_name is None:
        raise UserError(f"{weights.name} cannot be fetched, as nobody states a checksum for it: {how_to_get(weights)}.")
    target = directory / weights.file_name
    if target.is_file():
        check(weights, target)
        return target
    # Plain http only from this machine itself, as from a tunnel to a mirror.
    if not weights.url.startswith(("https://", "http://127.0.0.1:")):
        raise UserError(f"{weights.name}: weights are fetched over https only, found {weights.url}.")
    with explain_os_errors(directory):
        directory.mkdir(parents=True, exist_ok=True)
        with scratch_file(directory) as file:
            _download(weights, weights.url, file, progress)
            file.flush()
            _refuse_wrong(weights, Path(file.name))
            settle(file, target)
    return target


def _download(weights: Weights, url: str, file: BinaryIO, progress: Progress) -> None:
    # Sizes in the catalogue are rounded; a tenth more is no longer the file.
    limit = weights.size + weights.size // 10 + _CHUNK if weights.size else _LARGEST
    done = 0
    try:
        with urllib.request.urlopen(url, timeout=_TIMEOUT_SECONDS) as reply:
            while chunk := reply.read(_CHUNK):
                done += len(chunk)
                if done > limit:
                    expected = weights.size or _LARGEST
                    raise UserError(f"{url} sends more than the {expected} bytes expected. Nothing is kept.")
                file.write(chunk)
                progress(done, weights.size, "bytes")
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as error:
        reason = getattr(error, "reason", error)
        raise UserError(
            f"{url} could not be downloaded: {reason}. Try again, or copy {weights.file_name} from a machine "
            "that has it and give its path as --init."
        ) from error


def _refuse_wrong(weights: Weights, path: Path) -> None:
    try:
        check(weights, path)
    except UserError:
        raise UserError(
            f"What {weights.url} sent does not have the SHA-256 its publisher states (it should begin with "
            f"{weights.sha256_prefix}). Nothing is kept. A proxy may have answered instead: try again elsewhere."
        ) from None
