"""Fetch the champion from the registry: its model, and the record of what it was made from."""

import json
import logging
from pathlib import Path

from leftright import registry
from leftright.data import record as records
from leftright.files import replace_directory

MODEL, MARKER = "model.pt", "champion.json"
_log = logging.getLogger(__name__)


def run(*, model_name: str, model: Path, record: Path) -> None:
    """Write the champion's files.

    model_name : the registered model. model : folder that gets `champion.json` ({"name", "version"}) and, unless there is no
    champion and the version is null, `model.pt`. record : folder that gets the record (`leftright.data.record`). Raises
    InputError where the registry does not answer, or a version carries no record.
    """
    with registry.opened(model_name) as known:
        found = known.record()
        with replace_directory(model) as folder:
            (folder / MARKER).write_text(json.dumps({"name": model_name, "version": found.champion}) + "\n")
            if found.champion is not None:
                known.fetch(found.champion, folder / MODEL)
        with replace_directory(record) as folder:
            records.write(folder, found)
    _log.info("champion: %s", "none yet" if found.champion is None else f"{model_name} version {found.champion}")
