"""Folders in which files are renamed."""

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make durable which names the files in *folder* have."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
