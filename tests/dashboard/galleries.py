"""Galleries of a page in AppTest: what is sent to the browser, and the answers of one."""

from __future__ import annotations

import json

from streamlit.components.v2.bidi_component.main import _make_trigger_id
from streamlit.proto.WidgetStates_pb2 import WidgetState


def sent(at, key: str) -> dict:
    """What the gallery of this key sends (``dashboard.patches.tiles.payload``)."""
    return json.loads(_element(at, f"{key}_tiles").json)


def shown(at, key: str) -> list[str]:
    """Ids of the gallery's pictures, in order; none where it is not drawn."""
    if not any(one.key == f"{key}_tiles" for one in at.get("bidi_component")):
        return []
    return [tile["id"] for tile in sent(at, key)["tiles"]]


def click(at, key: str, patch_id: str):
    """The picture of this patch is clicked."""
    return _answer(at, key, "open", patch_id)


def choose(at, key: str, ids: list[str]):
    """These are the ticked ones of the gallery's page now."""
    return _answer(at, key, "chosen", {"ids": ids, "seen": sent(at, key)["seen"] + 1})


def _element(at, key: str):
    return next(one.proto for one in at.get("bidi_component") if one.key == key)


def _answer(at, key: str, event: str, value: object):
    states = at._tree.get_widget_states()
    answer = json.dumps([{"event": event, "value": value}])
    trigger = _make_trigger_id(_element(at, f"{key}_tiles").id, "events")
    states.widgets.append(WidgetState(id=trigger, json_trigger_value=answer))
    return at._run(states)
