"""What a back-end does to the sections of a store (`ports.transfer`), as statements by section."""

from collections.abc import Mapping

from registrary.ports.transfer import OTHER_SECTIONS
from registrary.storage.shared.kinds import KINDS


def by_section(verb: str, texts: Mapping[str, str]) -> dict[str, str]:
    """Return of *texts* the statement that does *verb* to each section.

    It is named by both, as ``add_tile``; for records ``add_record`` or ``add_ending_record``,
    where ``{section}`` stands for the table. Sections without one are left out.
    """
    found = {name: texts.get(f"{verb}_{name}") for name in OTHER_SECTIONS}
    record, ending_record = texts[f"{verb}_record"], texts[f"{verb}_ending_record"]
    for kind in KINDS:
        text = ending_record if kind.ends else record
        found[kind.name] = text.replace("{section}", kind.name)
    return {name: text for name, text in found.items() if text is not None}
